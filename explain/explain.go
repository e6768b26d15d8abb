package explain

import (
	"fmt"
	"strings"
	"time"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
)

// Explanation is the answer to "what is going on, and what can I do?".
type Explanation struct {
	Sentence string   // what happens
	Because  []string // what is in the way: values against limits
	Not      []string // what is fine, so that nobody has to look there
	Then     string   // what follows by itself, and when
	Next     []string // what a person may do, as commands
	Left     string   // time until something follows: 4m, now, held, you; empty at rest
}

// What stands in the place of a time.
const (
	leftHeld = "held" // until the pause ends
	leftYou  = "you"  // until a person acts
	leftNow  = "now"
)

// Explain turns a Canary into words. The plan is the one it compiles to; of a
// spec that is refused only the errors are told.
func Explain(c *v1beta1.Canary, plan rollout.Plan, now time.Time) Explanation {
	t := teller{canary: c, plan: plan, state: c.Status.State(), told: c.Status.Account(), now: now}
	switch {
	case c.Status.Refused() != nil:
		return t.refused(c.Status.Refused().Message)
	case c.DeletionTimestamp != nil || t.state.Phase == rollout.Terminating:
		return t.terminating()
	case plan.Suspend || t.state.Paused:
		return t.suspended()
	}
	switch t.state.Phase {
	case rollout.New:
		return Explanation{Sentence: t.name() + " was not looked at yet.",
			Then: "The operator takes it up as soon as it sees it."}
	case rollout.Initializing:
		return t.initializing()
	case rollout.Initialized, rollout.Succeeded:
		return t.atRest()
	case rollout.Waiting:
		return t.waiting()
	case rollout.Progressing, rollout.WaitingPromotion:
		return t.analysing()
	case rollout.Promoting, rollout.Finalising:
		return t.promoting()
	case rollout.Failed:
		return t.failed()
	case rollout.Terminating:
		return t.terminating()
	}
	return Explanation{Sentence: fmt.Sprintf("%s is in phase %s, which this version does not know.", t.name(), t.state.Phase),
		Then: "It goes back to rest on its promoted revision."}
}

// A teller holds what the sentences are made from.
type teller struct {
	canary *v1beta1.Canary
	plan   rollout.Plan
	state  rollout.State
	told   v1beta1.Account
	now    time.Time
}

func (t teller) name() string     { return t.canary.Name + "." + t.canary.Namespace }
func (t teller) revision() string { return string(t.state.Revision) }
func (t teller) promoted() string { return string(t.state.Promoted) }

func (t teller) refused(message string) Explanation {
	e := Explanation{
		Sentence: t.name() + " is not followed: its spec cannot be worked with.",
		Because:  strings.Split(strings.Trim(message, "[]"), ", spec."),
		Not:      []string{"Traffic and pods stay as they are."},
		Then:     "Nothing, until the spec is changed.",
		Next:     []string{t.kubectl("edit")},
		Left:     leftYou,
	}
	for i := 1; i < len(e.Because); i++ {
		e.Because[i] = "spec." + e.Because[i]
	}
	return e
}

func (t teller) suspended() Explanation {
	return Explanation{
		Sentence: t.name() + " is suspended" + t.during() + ": nothing is decided.",
		Because:  []string{"spec.suspend is true"},
		Not:      []string{"Traffic stays as it is" + t.share() + "."},
		Then:     "Nothing, until spec.suspend is false.",
		Next:     []string{t.kubectl("patch") + ` --type=merge --patch='{"spec":{"suspend":false}}'`},
		Left:     leftHeld,
	}
}

// during names a release that is interrupted.
func (t teller) during() string {
	if !v1beta1.Releasing(t.state) {
		return ""
	}
	return " during the release of " + t.revision()
}

func (t teller) share() string {
	if t.canary.Status.CanaryWeight == 0 {
		return ""
	}
	return fmt.Sprintf(", %d%% on the canary", t.canary.Status.CanaryWeight)
}

func (t teller) initializing() Explanation {
	return t.standing(Explanation{
		Sentence: t.name() + " is taken over: its primary comes up with " + t.revision() + ".",
		Not:      []string{"The workload's own pods serve all requests."},
		Then:     "If that is not done in time, initialization fails and the workload's own pods go on serving.",
	})
}

func (t teller) atRest() Explanation {
	e := Explanation{Sentence: t.name() + " is at rest: " + t.promoted() + " serves all requests.", Then: "A new revision starts a release."}
	if t.told.WaitsFor == "" {
		return e
	}
	if t.inTheWay() {
		e.Sentence = t.name() + " holds a new revision back: " + t.promoted() + " serves all requests."
		e.Then = "The release starts when that is over."
		e.Because, e.Left = []string{t.told.WaitsFor}, ""
		return e
	}
	e.Then = "It waits for " + t.told.WaitsFor + "; then a new revision starts a release."
	return e
}

func (t teller) waiting() Explanation {
	e := t.standing(Explanation{
		Sentence: "The release of " + t.revision() + " waits for approval.",
		Not:      []string{t.promoted() + " serves all requests."},
		Then:     "When confirm-rollout is open, the release starts.",
		Next:     []string{t.wish("approve", string(rollout.ConfirmRollout)), t.wish("deny", string(rollout.ConfirmRollout)), t.wish("abort", "")},
	})
	if t.state.Held {
		return t.held(e)
	}
	if !t.plan.Confirm || t.state.Opened.Has(rollout.ConfirmRollout) {
		e.Sentence, e.Then = "The release of "+t.revision()+" waits for its start.", "It starts when nothing is in the way any more."
		e.Next = []string{t.wish("abort", "")}
		return e
	}
	e.Left = leftYou
	return e
}

// held is an explanation of a release that a person paused.
func (t teller) held(e Explanation) Explanation {
	who := "somebody"
	if w := t.canary.Status.Rollout.Wish; w != nil && w.What == string(rollout.Pause) {
		who = w.By
		if who == "" {
			who = "somebody"
		}
		if w.Why != "" {
			who += " (" + w.Why + ")"
		}
	}
	e.Sentence = "The release of " + t.revision() + " is paused" + t.at() + "."
	e.Because = append([]string{"paused by " + who}, t.bad()...)
	e.Then = "Checks go on, and what is bad is still undone; no deadline runs."
	e.Next = []string{t.wish("resume", ""), t.wish("promote", ""), t.wish("abort", "")}
	if t.state.Phase == rollout.Waiting {
		e.Next = []string{t.wish("resume", ""), t.wish("abort", "")}
	}
	e.Left = leftHeld
	return e
}

func (t teller) failed() Explanation {
	e := Explanation{Left: leftYou, Because: append(t.lastReason(), t.counted()...)}
	switch {
	case t.state.Promoted == "":
		e.Sentence = "Taking over " + t.name() + " failed: its primary did not come up."
		e.Not = []string{"The workload's own pods serve all requests."}
		e.Then = "It is tried again when the primary is ready, or with another revision."
		e.Next = []string{t.wish("retry", "")}
	case t.state.Serving == rollout.OnCanary:
		e.Sentence = "The primary is broken: the canary serves all requests with " + t.revision() + "."
		e.Not = []string{"Users are served. Do not scale the workload down."}
		e.Then = "When the primary's pods are ready, it takes the traffic back; another revision goes to the primary first."
		e.Next = []string{t.wish("retry", "")}
	default:
		e.Sentence = t.revision() + " was undone: " + t.promoted() + " serves all requests."
		e.Because = append(e.Because, t.badly()...)
		e.Then = "Nothing, until the workload gets another revision."
		e.Next = []string{t.wish("retry", "")}
		if t.state.Revision == t.state.Promoted {
			e.Sentence = "The last release was undone: " + t.promoted() + " serves all requests."
			e.Then, e.Next, e.Left = "A new revision starts a release.", nil, ""
		}
	}
	if t.inTheWay() {
		e.Because = append(e.Because, t.told.WaitsFor)
	}
	return e
}

// lastReason is why the newest release ended.
func (t teller) lastReason() []string {
	if len(t.told.History) == 0 || t.told.History[0].Reason == "" {
		return nil
	}
	return []string{t.told.History[0].Reason}
}

func (t teller) terminating() Explanation {
	e := t.standing(Explanation{Sentence: t.name() + " is being removed: the workload gets its pods and its traffic back."})
	switch {
	case t.state.Phase != rollout.Terminating:
		e.Then = "It goes, and its primary, services and routes with it."
		if t.canary.Spec.RevertOnDeletion {
			e.Then = "The workload gets its pods back first."
		}
		e.Because, e.Left = nil, ""
	case t.state.Step == 0:
		e.Not = []string{"The primary serves until the workload's pods are ready."}
		e.Then = "When they are, traffic moves there; the Canary and its primary go last."
	default:
		e.Not = []string{"The workload's own pods serve all requests."}
		e.Then = "When the last requests on the primary have ended, the Canary and its primary go."
	}
	return e
}
