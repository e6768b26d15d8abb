package rollout

// Next is total: every plan, state and observation has an answer, and the same
// ones have the same answer. It returns what the state becomes and what is to
// be said about it. If the state did not change, the reports explain why; a
// shell says each of them once in a state.
func Next(plan Plan, state State, seen Observation) (State, []Report) {
	t := turn{plan: plan, state: heal(plan, state), seen: seen}
	if had := min(state.Weight, Full); state.Phase.analysing() && t.state.Phase.analysing() && t.state.Weight < had {
		t.say(eased(plan, had, t.state.Weight))
	}
	switch {
	case seen.Deleted:
		t.terminate()
	case t.frozen(), t.heed():
	default:
		t.decide()
	}
	t.stick()
	return t.state, t.said
}

// A turn is one decision in the making.
type turn struct {
	plan  Plan
	state State
	seen  Observation
	said  []Report
}

func (t *turn) decide() {
	switch t.state.Phase {
	case New:
		t.begin()
	case Initializing:
		t.initialize()
	case Initialized, Succeeded, Failed:
		t.rest()
	case Waiting:
		t.wait()
	case Progressing, WaitingPromotion:
		t.analyse()
	case Promoting:
		t.promote()
	case Finalising:
		t.finalise()
	case Terminating: // the deletion was not seen: nothing to do but wait for it
	}
}

// stick gives a release the cookie that keeps its users, once it has some, and
// takes it back when it has none any more.
func (t *turn) stick() {
	if t.plan.Cookie == "" {
		return
	}
	cookies := &t.state.Cookies
	switch shared := Want(t.plan, t.state).Route.Canary > 0; {
	case shared && cookies.Canary == "":
		cookies.Canary, cookies.Primary = t.seen.Token, t.seen.Token
	case !shared && cookies.Canary != "":
		*cookies = Cookies{Previous: cookies.Canary}
	}
}

func (t *turn) say(reports ...Report) { t.said = append(t.said, reports...) }

// enter moves to a phase at its first step; the clock of the step starts.
func (t *turn) enter(phase Phase) {
	t.state.Phase = phase
	t.to(0)
}

// to moves to a step of the current phase.
func (t *turn) to(step int) {
	t.state.Step, t.state.Attempt, t.state.Since = step, 0, t.seen.Now
	t.state.Opened, t.state.Passed = 0, false
}

// late reports whether the current step has waited for longer than it may. A
// person who paused it may take all the time.
func (t *turn) late() bool {
	since := t.state.Since
	if t.state.Phase.analysing() {
		since = due(t.plan, t.state)
	}
	if t.state.Held {
		return false
	}
	return t.seen.Now.Sub(since) >= t.plan.Deadline
}

func (t *turn) frozen() bool {
	if t.plan.Suspend && !t.state.Paused {
		t.state.Paused = true
		t.say(suspended())
	}
	if !t.plan.Suspend && t.state.Paused {
		t.state.Paused = false
		t.state.Since = t.seen.Now
		return true
	}
	return t.plan.Suspend
}

// begin takes a canary up. A primary that is already there is adopted: it runs
// what was good last, and the workload's own revision must earn its place.
func (t *turn) begin() {
	if t.seen.Target == "" {
		return
	}
	t.state.Revision = t.seen.Target
	if t.seen.Copied != "" && t.seen.Primary.Serving {
		t.state.Revision = t.seen.Copied
	}
	t.state.Serving = OnCanary
	t.enter(Initializing)
}

// initialize brings the primary up (step 0) and then puts the traffic on it
// (step 1). Until that is done the workload's own pods serve.
func (t *turn) initialize() {
	primary := t.seen.Primary
	switch {
	case t.seen.Target != "" && t.seen.Target != t.state.Revision && t.nothingToLose():
		t.begin()
	case primary.Dead || (t.late() && !(primary.Ready && t.seen.Routed)):
		t.failInitialization()
	case !primary.Ready || t.seen.Copied != t.state.Revision:
		t.notReady(primary)
		t.online()
	case t.state.Step == 0:
		t.online()
		t.to(1)
	case t.seen.Routed:
		t.online()
		t.say(initialized(t.plan))
		t.state.Promoted, t.state.Serving = t.state.Revision, OnPrimary
		t.state.Pending = Draining | Parking
		t.enter(Initialized)
	}
}

// nothingToLose reports whether the primary may be made anew from the workload:
// it has no pods, or it can no longer become what initialization began with.
func (t *turn) nothingToLose() bool {
	return t.seen.Copied != t.state.Revision || t.state.Step == 0 && !t.seen.Primary.Serving
}

func (t *turn) failInitialization() {
	reason := t.seen.Primary.Reason
	if t.seen.Primary.Ready && !t.seen.Routed {
		reason = Unrouted(t.seen.Refusal)
	}
	t.say(initializationFailed(t.plan, reason))
	t.state.Pending = 0
	t.enter(Failed)
}

// online reports whether the metrics backends answer; it holds nothing up.
func (t *turn) online() {
	if answer, ok := t.seen.Answers[Online]; ok {
		t.say(online(answer))
	}
}

func (t *turn) notReady(side Health) {
	if side.Reason != "" {
		t.say(Report{Level: Warn, Message: side.Reason})
	}
}

// rest waits for a new revision, after what the last release left behind.
func (t *turn) rest() {
	switch {
	case t.state.Pending != 0 && t.tidy():
	case t.state.Pending.Has(Hooking):
	case t.state.Promoted == "":
		t.reinitialize()
	case t.state.Serving == OnCanary:
		t.recover()
	case changed(t.state, t.seen.Target):
		t.detect()
	case t.state.Phase == Failed && t.seen.Target == t.state.Promoted:
		// Back on good ground: the failed revision may be tried again later.
		t.state.Revision = t.state.Promoted
	}
}

// tidy finishes one pending effect and reports whether it did.
func (t *turn) tidy() bool {
	before := t.state.Pending
	if answer := t.seen.Answers[PostRollout]; before.Has(Hooking) && answer.Verdict != Unknown {
		t.state.Pending &^= Hooking
		t.say(hooks(t.plan, PostRollout, answer)...)
	}
	switch {
	case before.Has(Draining):
		if t.seen.Routed && t.seen.Primary.Ready && t.seen.Now.Sub(t.state.Since) >= t.plan.Drain {
			t.state.Pending &^= Draining
		}
	case before.Has(Parking) && t.seen.Parked:
		t.state.Pending &^= Parking
	}
	return t.state.Pending != before
}

// reinitialize tries again after a failed initialization: with another
// revision, or because the primary came up after all.
func (t *turn) reinitialize() {
	switch {
	case t.seen.Target != "" && t.seen.Target != t.state.Revision:
		t.state.Revision = t.seen.Target
	case !t.seen.Primary.Ready || t.seen.Copied != t.state.Revision:
		return
	}
	t.enter(Initializing)
}

// recover leads out of a failure in which the canary kept the traffic, because
// the primary had no healthy copy.
func (t *turn) recover() {
	target, primary := t.seen.Target, t.seen.Primary
	copied := t.seen.Copied == t.state.Revision
	switch {
	case primary.Ready && copied:
		t.enter(Promoting)
	case primary.Ready:
		t.state.Serving, t.state.Weight = OnPrimary, 0
		t.state.Pending = Draining | Parking
		t.say(routedHome(t.plan)...)
		t.enter(Failed)
	case target != "" && target != t.state.Revision && (copied || primary.Dead):
		t.state.Revision = target
		t.say(repairing(t.plan))
		t.enter(Promoting)
	}
}

// detect has seen a new revision: it starts a release, or asks first.
func (t *turn) detect() {
	if !t.seen.Primary.Ready {
		t.notReady(t.seen.Primary)
		return
	}
	answer := t.answer(ConfirmRollout)
	switch {
	case t.seen.Queued != "":
		t.say(queued(t.plan, t.seen.Queued))
	case !t.plan.Confirm:
		t.start()
	case answer.Verdict == Pass:
		t.say(hooks(t.plan, ConfirmRollout, answer)...)
		t.start()
	case answer.Verdict == Fail:
		t.say(hooks(t.plan, ConfirmRollout, answer)...)
		t.state.Revision = t.seen.Target
		t.state.Pending = 0
		t.enter(Waiting)
	}
}

func (t *turn) start() {
	t.say(detected(t.plan))
	for _, text := range t.plan.Warnings {
		t.say(Report{Level: Warn, Message: text})
	}
	t.arrive()
}

// arrive begins a run at its first step, with all traffic at home.
func (t *turn) arrive() {
	if t.seen.Target != "" {
		t.state.Revision = t.seen.Target
	}
	t.state.Failures, t.state.Weight, t.state.Pending = 0, 0, 0
	t.state.Skipped, t.state.Serving = t.plan.Skip, OnPrimary
	t.state.Held = false
	t.enter(Progressing)
}

// wait holds a release back until its confirm-rollout hooks agree.
func (t *turn) wait() {
	answer := t.answer(ConfirmRollout)
	switch {
	case t.seen.verdict(RollbackHook) == Pass:
		t.say(rollbackHook(t.plan, t.seen.Answers[RollbackHook])...)
		t.fail()
	case t.seen.Target == t.state.Promoted:
		t.cancel()
	case changed(t.state, t.seen.Target):
		t.state.Revision, t.state.Held = t.seen.Target, false
		t.enter(Waiting)
	case t.state.Held: // said when it was paused
	case t.plan.Confirm && answer.Verdict != Pass: // said on entering
	case !t.seen.Primary.Ready:
		t.notReady(t.seen.Primary)
	case t.seen.Queued != "":
		t.say(queued(t.plan, t.seen.Queued))
	default:
		if t.plan.Confirm {
			t.say(hooks(t.plan, ConfirmRollout, answer)...)
		}
		t.start()
	}
}

// cancel ends a run whose workload went back to the promoted revision.
func (t *turn) cancel() {
	t.say(cancelled(t.plan))
	t.state.Revision, t.state.Weight, t.state.Held = t.state.Promoted, 0, false
	t.state.Pending = Draining | Parking
	t.enter(Succeeded)
}

// fail ends a run. The traffic goes home, unless there is nobody.
func (t *turn) fail() {
	t.state.Pending = Draining | Parking
	t.state.Held = false
	t.state.Serving, t.state.Weight = OnPrimary, 0
	if !t.seen.Primary.Serving && t.seen.Canary.Serving {
		t.stay()
	}
	if t.plan.After {
		t.state.Pending |= Hooking
	}
	t.say(failed(t.plan, t.state.Serving))
	t.enter(Failed)
}

// stay leaves all traffic on the canary, the last healthy copy.
func (t *turn) stay() {
	t.state.Pending &= Hooking
	t.state.Serving, t.state.Weight = OnCanary, Full
}
