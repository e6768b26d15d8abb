package explain

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
)

// A Turn is one decision: the state it left, and what was seen and said.
type Turn struct {
	Plan    rollout.Plan
	State   rollout.State
	Seen    rollout.Observation
	Entered []rollout.Report // said by the transition that led to the state
	Remarks []rollout.Report // said since, because the state did not change
	Pods    string           // what the pods of a side that is not ready say themselves
	Stood   bool             // the state was there before: what was seen is about it
}

// Account is what status tells after a turn: told is what it told before, and
// before the state that it told it of.
func Account(c *v1beta1.Canary, before rollout.State, t Turn) v1beta1.Account {
	told, now := c.Status.Account(), metav1.NewTime(t.Seen.Now)
	if past, ended := v1beta1.Ended(before, t.State, t.Entered); ended && before != t.State {
		past.Ended = now
		if v1beta1.Releasing(before) {
			past.Started = told.Started
		}
		told.History = append([]v1beta1.Release{past}, told.History...)
	}
	if v1beta1.Begins(before, t.State) {
		told.Started, told.Measurements = now, nil
	}
	if found := Measurements(c, t.Seen.Answers[rollout.Checks], t.Seen.Now); len(found) > 0 {
		told.Measurements = found
	}
	told.Stage = Stage(t.Plan, t.State)
	text, until := t.Stands()
	told.WaitsFor, told.Until = text, ""
	if !until.IsZero() {
		told.Until = until.UTC().Format(time.RFC3339)
	}
	return told
}

// Stands says what the release waits for and until when: the zero time if only a
// person can end the wait, no text at rest. Where an event says it, the words are
// the event's. They do not change while the reason stays the same.
func (t Turn) Stands() (text string, until time.Time) {
	s := t.State
	if t.Plan.Suspend || s.Paused || s.Held {
		return t.planned()
	}
	if text = t.obstacle(); t.Stood && text != "" {
		return text, t.deadline()
	}
	text, until = t.planned()
	bad := worst(t.Entered)
	switch {
	case bad == "":
	case s.Phase == rollout.Waiting, s.Phase == rollout.WaitingPromotion, s.Passed:
		return bad, time.Time{}
	case s.Phase == rollout.Progressing && s.Attempt > 0:
		return bad, rollout.Due(t.Plan, s)
	}
	return text, until
}

// obstacle is what holds the release up although it should go on.
func (t Turn) obstacle() string {
	text := worst(t.Remarks)
	if text == "" && t.Seen.Queued != "" && len(t.Remarks) > 0 {
		text = t.Remarks[len(t.Remarks)-1].Message
	}
	switch {
	case text != "" && t.Pods != "":
		return strings.TrimSuffix(text, ".") + ": " + t.Pods
	case text != "":
		return text
	case t.unrouted():
		return rollout.Unrouted(t.Seen.Refusal)
	}
	return ""
}

// unrouted reports whether only the route is missing. It always is for a moment.
func (t Turn) unrouted() bool {
	return t.State.Running() && !t.Seen.Routed && t.Seen.Primary.Ready && t.Seen.Canary.Ready
}

// deadline is when an obstacle ends the release.
func (t Turn) deadline() time.Time {
	switch s := t.State; s.Phase {
	case rollout.Initializing, rollout.Promoting, rollout.Finalising:
		return s.Since.Add(t.Plan.Deadline)
	case rollout.Progressing, rollout.WaitingPromotion:
		if t.gated() {
			return time.Time{}
		}
		return rollout.Due(t.Plan, s).Add(t.Plan.Deadline)
	case rollout.New, rollout.Initialized, rollout.Waiting, rollout.Succeeded, rollout.Failed, rollout.Terminating:
	}
	return time.Time{}
}

// gated reports whether all is well and only a gate is closed, which has no deadline.
func (t Turn) gated() bool {
	step := t.Plan.Steps[stepOf(t.Plan, t.State)]
	check := step.Check == "" || t.State.Skipped || t.State.Passed || t.State.Opened.Has(step.Check) || t.Seen.Answers[step.Check].Verdict == rollout.Pass
	return check && t.Seen.Primary.Ready && t.Seen.Canary.Ready && t.Seen.Routed
}

// planned is what every release waits for in such a state.
func (t Turn) planned() (text string, until time.Time) {
	s, p := t.State, t.Plan
	switch {
	case p.Suspend || s.Paused:
		return "spec.suspend to be false again", time.Time{}
	case s.Held:
		return "somebody to resume the paused release", time.Time{}
	}
	switch s.Phase {
	case rollout.Initializing:
		if s.Step == 0 {
			return primaryPods(p), s.Since.Add(p.Deadline)
		}
		return rollout.Unrouted(t.Seen.Refusal), s.Since.Add(p.Deadline)
	case rollout.Waiting:
		if p.Confirm {
			return "approval by confirm-rollout", time.Time{}
		}
		return "its turn", time.Time{}
	case rollout.Progressing, rollout.WaitingPromotion:
		return t.analysis()
	case rollout.Promoting:
		if s.Step > 0 {
			return "the next share to be given back to the primary", s.Since.Add(p.Interval)
		}
		return primaryPods(p), s.Since.Add(p.Deadline)
	case rollout.Finalising:
		return "the last requests on the canary to end", s.Since.Add(p.Drain)
	case rollout.Terminating:
		return t.wayOut()
	case rollout.Failed, rollout.Succeeded, rollout.Initialized:
		return t.leftBehind(), time.Time{}
	case rollout.New:
	}
	return "", time.Time{}
}

func (t Turn) analysis() (text string, until time.Time) {
	s, p := t.State, t.Plan
	due, step := rollout.Due(p, s), p.Steps[stepOf(p, s)]
	switch {
	case s.Phase == rollout.WaitingPromotion:
		return "approval by confirm-promotion", time.Time{}
	case s.Passed:
		return "approval by " + closed(s, step), time.Time{}
	case s.Skipped, step.Enter == rollout.Arrive && step.Check == "":
		return canaryPods(p), due.Add(p.Deadline)
	case step.Enter == rollout.Arrive:
		return "the pods and the pre-rollout hooks of " + p.Target + "." + p.Namespace, due.Add(p.Deadline)
	case step.Enter == rollout.Warm:
		return "the warm-up of its pods to end", due
	default:
		return "the next look at the checks", due
	}
}

// closed is the gate of a step that nobody has opened yet.
func closed(s rollout.State, step rollout.Step) string {
	for _, gate := range step.Gates {
		switch {
		case s.Opened.Has(gate):
		case gate == rollout.Approval:
			return step.Name
		default:
			return string(gate)
		}
	}
	return "a gate"
}

func (t Turn) wayOut() (text string, until time.Time) {
	switch {
	case t.State.Step == 0:
		return canaryPods(t.Plan), time.Time{}
	case rollout.Gone(t.State):
		return "", time.Time{}
	default:
		return "the last requests on the primary to end", t.State.Since.Add(t.Plan.Drain)
	}
}

// leftBehind is what a release that ended still has to do.
func (t Turn) leftBehind() string {
	switch s := t.State; {
	case s.Pending.Has(rollout.Hooking):
		return "the post-rollout hooks to be called"
	case s.Phase == rollout.Failed && (s.Promoted == "" || s.Serving == rollout.OnCanary):
		return primaryPods(t.Plan)
	default:
		return ""
	}
}

func primaryPods(p rollout.Plan) string {
	return "the pods of " + p.Target + "-primary." + p.Namespace + " to be ready"
}

func canaryPods(p rollout.Plan) string {
	return "the pods of " + p.Target + "." + p.Namespace + " to be ready"
}

// worst is the first bad news; what follows from it comes behind.
func worst(reports []rollout.Report) string {
	for _, r := range reports {
		if r.Level != rollout.Info {
			return r.Message
		}
	}
	return ""
}

// cut bounds a text of somebody else's.
func cut(text string, most int) string {
	text = strings.ToValidUTF8(text, "?")
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}
