package rollout

import "slices"

// Verb is what a person asks for.
type Verb string

// The verbs.
const (
	Abort   Verb = "abort"   // end the release, all traffic goes home
	Undo    Verb = "undo"    // the same, once all traffic is on the canary
	Promote Verb = "promote" // skip the rest of the analysis
	Pause   Verb = "pause"   // stay at this step; what is bad is still undone
	Resume  Verb = "resume"
	Approve Verb = "approve" // open a gate for the current step
	Deny    Verb = "deny"    // end the release at a gate
	Retry   Verb = "retry"   // release a revision once more that failed
)

// A Wish is what a person asks for one revision. It is heard once, when it
// concerns what the release is about; the shell remembers which were heard.
type Wish struct {
	Verb     Verb
	Revision Revision
	Gate     Probe  // of Approve and Deny
	Name     string // under which the person knows the gate
	By, Why  string // who and for what reason, as far as known
	Text     string // as it was asked; the same text is the same wish
}

// Concerns reports whether the wish is about the revision that the release is
// at. One about a revision that was not seen yet waits for it; one about a
// former revision does nothing for ever.
func (w Wish) Concerns(state State, target Revision) bool {
	return w.Revision != "" && (w.Revision == state.Revision || state.Phase.resting() && w.Revision == target)
}

// heed takes up the wishes and reports whether one of them moved the release.
func (t *turn) heed() bool {
	moved := false
	for _, wish := range t.seen.Wishes {
		if !wish.Concerns(t.state, t.seen.Target) {
			continue
		}
		if cause := t.grant(wish); cause != "" {
			t.say(refused(t.plan, wish, cause))
			continue
		}
		moved = true
	}
	return moved
}

// grant does what the wish asks, or says why it cannot be done now.
func (t *turn) grant(w Wish) (cause string) {
	switch w.Verb {
	case Abort, Undo:
		return t.abort(w)
	case Promote:
		return t.hurry(w)
	case Pause, Resume:
		return t.holdStill(w)
	case Approve, Deny:
		return t.settleGate(w)
	case Retry:
		return t.retry(w)
	}
	return "there is no such request"
}

func (t *turn) abort(w Wish) string {
	switch {
	case t.state.Phase == Finalising, t.state.Phase == Promoting && t.committed():
		return "the primary already takes the revision over; push the former one to go back"
	case t.state.Phase != Waiting && t.state.Phase != Promoting && !t.state.Phase.analysing():
		return "no release of it is under way"
	}
	t.say(granted(t.plan, w))
	t.fail()
	return ""
}

// committed reports whether the former revision is gone, or no longer serves.
func (t *turn) committed() bool {
	return t.seen.Copied == t.state.Revision || t.state.Serving == OnCanary
}

func (t *turn) hurry(w Wish) string {
	switch {
	case t.state.Phase == Waiting:
		return "it waits for confirm-rollout; approve that first"
	case !t.state.Phase.analysing():
		return "no analysis of it is under way"
	case t.state.Skipped:
		return "its analysis is skipped already"
	}
	t.say(granted(t.plan, w))
	t.state.Skipped, t.state.Held = true, false
	t.state.Since, t.state.Attempt = t.seen.Now, 0
	return ""
}

func (t *turn) holdStill(w Wish) string {
	hold := w.Verb == Pause
	switch {
	case hold == t.state.Held && hold:
		return "it is paused already"
	case hold == t.state.Held:
		return "it is not paused"
	case t.state.Phase != Waiting && !t.state.Phase.analysing():
		return "no analysis of it is under way"
	}
	t.say(granted(t.plan, w))
	t.state.Held = hold
	if !hold {
		t.state.Since, t.state.Attempt = t.seen.Now, 0
	}
	return ""
}

// settleGate opens a gate for the current step, or ends the release at it.
func (t *turn) settleGate(w Wish) string {
	resting := t.state.Phase.resting()
	switch {
	case !t.stands(w):
		return "it does not stand before the gate " + w.gate()
	case w.Verb == Approve && t.state.Opened.Has(w.Gate):
		return "the gate " + w.gate() + " is open already"
	case w.Verb == Approve:
		t.say(granted(t.plan, w))
		t.state.Opened = t.state.Opened.With(w.Gate)
		if resting {
			t.state.Revision, t.state.Pending = t.seen.Target, 0
			t.enter(Waiting)
			t.state.Opened = t.state.Opened.With(w.Gate)
		}
		return ""
	}
	t.say(granted(t.plan, w))
	if resting {
		t.state.Revision = t.seen.Target
	}
	t.fail()
	return ""
}

// gate is what the person calls it.
func (w Wish) gate() string {
	if w.Name != "" {
		return w.Name
	}
	return string(w.Gate)
}

// stands reports whether the release is at a gate that can be opened.
func (t *turn) stands(w Wish) bool {
	gate := w.Gate
	switch {
	case t.state.Phase == Waiting:
		return gate == ConfirmRollout
	case t.state.Phase.resting():
		return gate == ConfirmRollout && t.plan.Confirm && t.state.Serving == OnPrimary &&
			!t.state.Pending.Has(Hooking) && t.state.Starts(t.seen.Target)
	case !t.state.Phase.analysing():
		return false
	}
	step := t.plan.Steps[t.state.Step]
	if gate == Approval {
		return step.Name != "" && step.Name == w.Name
	}
	return gate == PreRollout && step.Check == PreRollout || slices.Contains(step.Gates, gate)
}

// retry forgets that the revision failed, so that it is seen as new.
func (t *turn) retry(w Wish) string {
	switch {
	case t.state.Phase != Failed || w.Revision != t.state.Revision:
		return "it did not fail"
	case t.seen.Target != t.state.Revision:
		return "the workload asks for another revision now"
	}
	t.say(granted(t.plan, w))
	switch {
	case t.state.Promoted == "":
		t.enter(Initializing)
	case t.state.Serving == OnCanary:
		t.enter(Promoting)
	default:
		t.state.Revision = t.state.Promoted
	}
	return ""
}
