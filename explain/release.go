package explain

import (
	"fmt"
	"strings"
	"time"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
)

// analysing tells a release between its start and its promotion.
func (t teller) analysing() Explanation {
	e := t.standing(Explanation{Sentence: "Releasing " + t.revision() + t.at() + ".", Not: t.good(), Then: t.onward()})
	e.Next = []string{t.wish("pause", ""), t.wish("promote", ""), t.wish("abort", "")}
	gate := t.gate()
	switch {
	case t.state.Held:
		return t.held(e)
	case t.state.Skipped:
		e.Sentence = "Releasing " + t.revision() + " without analysis."
		e.Next = []string{t.wish("pause", ""), t.wish("abort", "")}
	case gate != "":
		e.Sentence = "The release of " + t.revision() + " waits for approval" + t.at() + "."
		if t.state.Phase == rollout.WaitingPromotion {
			e.Sentence = "The promotion of " + t.revision() + " waits for approval" + t.at() + "."
		}
		e.Then = "Checks go on; there is no deadline for a person."
		e.Next = []string{t.wish("approve", gate), t.wish("deny", gate), t.wish("abort", "")}
		e.Left = leftYou
		return e
	case t.state.Attempt > 0:
		e.Because = t.looked()
	case t.inTheWay():
		e.Sentence = "The release of " + t.revision() + " stands still" + t.at() + "."
	}
	e.Because = append(e.Because, t.counted()...)
	return e
}

// counted are the failed checks against their limit.
func (t teller) counted() []string {
	if t.state.Failures == 0 {
		return nil
	}
	return []string{fmt.Sprintf("failed checks: %d of %d", t.state.Failures, t.plan.Threshold)}
}

// looked is what the last look found; where metrics say it, the event need not.
func (t teller) looked() []string {
	if lines := t.badly(); len(lines) > 0 {
		return lines
	}
	return t.bad()
}

// gate is the name of the gate that a release stands before, if only a person can
// end the wait.
func (t teller) gate() string {
	if t.told.WaitsFor == "" || t.told.Until != "" {
		return ""
	}
	step := t.plan.Steps[stepOf(t.plan, t.state)]
	if t.state.Phase == rollout.WaitingPromotion {
		return string(rollout.ConfirmPromotion)
	}
	for _, gate := range step.Gates {
		switch {
		case t.state.Opened.Has(gate):
		case gate != rollout.Approval:
			return string(gate)
		case strings.HasSuffix(t.told.WaitsFor, " "+step.Name):
			return step.Name
		}
	}
	return ""
}

// onward says what comes after the current wait.
func (t teller) onward() string {
	at := stepOf(t.plan, t.state)
	switch {
	case t.inTheWay() && t.state.Attempt == 0 && t.left() != "":
		return "If that lasts, the release is undone in " + t.left() + "."
	case t.state.Skipped:
		return "When its pods are ready, it is promoted."
	case at == len(t.plan.Steps)-1:
		return "If the checks pass, it is promoted."
	}
	next := t.plan.Steps[at+1]
	if next.Enter == rollout.Stay {
		return "If the checks pass, the stage goes on."
	}
	switch step := t.plan.Steps[at]; {
	case step.Enter == rollout.Arrive:
		return "When its pods are ready, next is " + stageName(t.plan, at+1) + "."
	case step.Check == "":
		return "Then comes " + stageName(t.plan, at+1) + "."
	}
	return "If the checks pass, next is " + stageName(t.plan, at+1) + "."
}

// promoting tells a release whose analysis is over.
func (t teller) promoting() Explanation {
	e := Explanation{Sentence: "Promoting " + t.revision() + ": the primary takes it over.", Next: []string{t.goBack()},
		Then: "When its pods are ready, it gets the traffic; if they are not in time, traffic stays where it is healthy."}
	switch {
	case t.state.Phase == rollout.Finalising:
		e.Sentence = "Promoting " + t.revision() + ": the primary serves all requests."
		e.Then = "When the last requests on the canary have ended, it is scaled down."
	case t.state.Serving == rollout.OnCanary:
		e.Sentence = "Promoting " + t.revision() + ": the canary serves all requests until the primary is ready."
	case t.state.Step > 0:
		e.Sentence = fmt.Sprintf("Promoting %s: traffic goes back to the primary, step %d of %d.", t.revision(), t.state.Step, len(t.plan.Back))
		e.Then = "The next share follows every " + short(t.plan.Interval) + "."
	}
	e.Not = t.good()
	return t.standing(e)
}

// standing adds what is in the way and how long it may be.
func (t teller) standing(e Explanation) Explanation {
	e.Left = t.left()
	e.Because = t.bad()
	return e
}

// bad is what is in the way: the reason to stand still, and the metrics that
// did not pass.
func (t teller) bad() []string {
	var lines []string
	if t.inTheWay() {
		lines = append(lines, t.told.WaitsFor)
	}
	return append(lines, t.badly()...)
}

func (t teller) badly() []string {
	var lines []string
	for _, m := range t.told.Measurements {
		if m.Verdict != "Pass" {
			lines = append(lines, measured(m))
		}
	}
	return lines
}

func (t teller) good() []string {
	var lines []string
	for _, m := range t.told.Measurements {
		if m.Verdict == "Pass" {
			lines = append(lines, measured(m))
		}
	}
	return lines
}

// inTheWay reports whether the release waits for something else than every
// release does in its place.
func (t teller) inTheWay() bool {
	if t.told.WaitsFor == "" {
		return false
	}
	usual, _ := Turn{Plan: t.plan, State: t.state}.planned()
	return t.told.WaitsFor != usual
}

// at is the stage as people count it.
func (t teller) at() string {
	stage := Stage(t.plan, t.state)
	if stage == nil {
		return ""
	}
	return fmt.Sprintf(", stage %d of %d (%s)", stage.Number, stage.Of, stage.Name)
}

// left is the time until what the release waits for, or its deadline.
func (t teller) left() string {
	until, err := time.Parse(time.RFC3339, t.told.Until)
	switch {
	case err != nil: // none was written
		return ""
	case !until.After(t.now):
		return leftNow
	default:
		return short(until.Sub(t.now))
	}
}

// short is a duration in its greatest units, rounded up: nobody waits in vain.
func short(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%ds", (d+time.Second-1)/time.Second)
	}
	minutes := (d + time.Minute - 1) / time.Minute
	if minutes < 60 {
		return fmt.Sprintf("%dm", minutes)
	}
	return fmt.Sprintf("%dh%dm", minutes/60, minutes%60)
}

// wish is the command by which a person asks for something.
func (t teller) wish(verb, gate string) string {
	value := t.revision()
	if gate != "" {
		value = "'" + value + " " + gate + "'"
	}
	return t.kubectl("annotate --overwrite") + " " + v1beta1.Annotation(rollout.Verb(verb)) + "=" + value
}

// goBack is the way out where an abort comes too late: a release of the former
// revision.
func (t teller) goBack() string {
	return fmt.Sprintf("kubectl rollout undo --namespace=%s %s/%s", t.canary.Namespace, strings.ToLower(t.canary.Spec.TargetRef.Kind), t.canary.Spec.TargetRef.Name)
}

func (t teller) kubectl(verb string) string {
	return fmt.Sprintf("kubectl %s --namespace=%s canary/%s", verb, t.canary.Namespace, t.canary.Name)
}
