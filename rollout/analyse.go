package rollout

import "slices"

// analyse judges the current step. The order matters: what ends or restarts a
// release comes first, bad news before the question whether to go on.
func (t *turn) analyse() {
	switch {
	case t.seen.verdict(RollbackHook) == Pass:
		t.say(rollbackHook(t.plan, t.seen.Answers[RollbackHook])...)
		t.fail()
	case t.seen.Target == t.state.Promoted:
		t.cancel()
	case changed(t.state, t.seen.Target):
		t.say(restarted(t.plan))
		t.arrive()
	case t.seen.Canary.Dead:
		t.expire(t.seen.Canary.Reason)
	case t.stranded():
		t.lose()
	case t.check().Verdict == Fail:
		t.miss(t.check())
	case t.blocked():
	default:
		t.leave()
	}
}

// check is the answer to the question that the current step asks. A step that
// asks nothing passes, and so does one that a person skips.
func (t *turn) check() Answer {
	probe := t.plan.Steps[t.state.Step].Check
	if probe == "" || t.state.Skipped {
		return Answer{Verdict: Pass}
	}
	return t.answer(probe)
}

// answer is what a probe found, or what a person said in its place.
func (t *turn) answer(probe Probe) Answer {
	if t.state.Opened.Has(probe) {
		return Answer{Verdict: Pass}
	}
	return t.seen.Answers[probe]
}

// stranded reports whether users are sent to a canary without any pod.
func (t *turn) stranded() bool {
	return t.plan.Steps[t.state.Step].Route.Canary > 0 && !t.seen.Canary.Serving
}

// lose takes the traffic away from a canary that lost all its pods; the ramp
// starts again when it is back, unless that happens too often.
func (t *turn) lose() {
	t.say(lost(t.plan, t.seen.Canary.Reason))
	t.state.Failures++
	t.state.Weight = 0
	t.to(0)
	t.state.Attempt = 1
	t.undo()
}

// miss counts a failed check.
func (t *turn) miss(answer Answer) {
	t.say(findings(t.plan, t.plan.Steps[t.state.Step].Check, answer)...)
	t.state.Failures++
	attempt := t.state.Attempt + 1
	t.to(t.state.Step)
	t.state.Attempt = attempt
	t.undo()
}

// undo fails the release if its failed checks reached the threshold.
func (t *turn) undo() {
	if t.state.Failures >= t.plan.Threshold {
		t.say(thresholdReached(t.plan, t.state.Failures))
		t.fail()
	}
}

func (t *turn) expire(reason string) {
	t.say(deadlineExceeded(t.plan, reason))
	t.fail()
}

// blocked reports whether the step cannot be left yet for a reason that time
// must cure, and ends the release when it took too long.
func (t *turn) blocked() bool {
	check := t.check()
	reason := ""
	switch {
	case !t.seen.Primary.Ready:
		t.notReady(t.seen.Primary)
		reason = t.seen.Primary.Reason
	case !t.seen.Canary.Ready:
		t.notReady(t.seen.Canary)
		reason = t.seen.Canary.Reason
	case !t.seen.Routed:
		reason = Unrouted(t.seen.Refusal)
	case check.Verdict == Unknown:
		if t.state.Step == 0 {
			t.say(starting(t.plan))
		}
		reports := findings(t.plan, t.plan.Steps[t.state.Step].Check, check)
		t.say(reports...)
		reason = inconclusive(reports)
	case t.state.Held:
		return true
	default:
		// The first look at a step comes when its time is up.
		return t.seen.Now.Before(due(t.plan, t.state))
	}
	switch {
	case t.state.Passed:
		t.reopen()
	case t.late():
		t.expire(reason)
	}
	return true
}

// reopen starts the clock of a step that stood at a gate, for however long, and is
// held by something else now. That its checks are being asked again is nothing else.
func (t *turn) reopen() {
	_, answered := t.seen.Answers[t.plan.Steps[t.state.Step].Check]
	ready := t.seen.Primary.Ready && t.seen.Canary.Ready && t.seen.Routed
	if ready && !answered {
		return
	}
	t.state.Passed, t.state.Since = false, t.seen.Now
}

// leave goes to the next step, if its gates are open.
func (t *turn) leave() {
	step := t.plan.Steps[t.state.Step]
	var passed []Report
	if step.Check == PreRollout {
		passed = hooks(t.plan, PreRollout, t.check())
	}
	if t.state.Step == 0 && !t.state.Skipped {
		passed = append([]Report{starting(t.plan)}, passed...)
	}
	for _, gate := range gates(t.state, step) {
		answer := t.answer(gate)
		if answer.Verdict != Pass {
			t.hold(gate, answer)
			return
		}
		passed = append(passed, hooks(t.plan, gate, answer)...)
	}
	t.say(passed...)
	if t.state.Skipped || t.state.Step == len(t.plan.Steps)-1 {
		t.say(copying(t.plan))
		t.enter(Promoting)
		return
	}
	t.to(t.state.Step + 1)
	t.state.Phase = Progressing
	t.state.Weight = t.plan.Steps[t.state.Step].Route.granted()
	t.say(entered(t.plan, t.state.Step)...)
}

// hold waits at a closed gate. The clock of the step goes on, so that its
// checks are repeated meanwhile.
func (t *turn) hold(gate Probe, answer Answer) {
	t.state.Passed = true
	if t.state.Phase == WaitingPromotion {
		return // said on entering
	}
	if gate == Approval {
		t.say(awaiting(t.plan, t.plan.Steps[t.state.Step].Name))
	}
	t.say(hooks(t.plan, gate, answer)...)
	if gate == ConfirmPromotion && answer.Verdict == Fail {
		t.state.Phase = WaitingPromotion
	}
}

// promote waits until the primary runs the promoted revision, then gives the
// traffic back to it.
func (t *turn) promote() {
	primary := t.seen.Primary
	copied := t.seen.Copied == t.state.Revision
	switch {
	case !copied && t.state.Serving == OnPrimary && t.seen.verdict(RollbackHook) == Pass:
		t.say(rollbackHook(t.plan, t.seen.Answers[RollbackHook])...)
		t.fail()
	case !copied && t.seen.Target != "" && t.seen.Target != t.state.Revision:
		t.overtaken()
	case primary.Dead && copied, t.late() && !(primary.Ready && copied && t.seen.Routed):
		t.failPromotion()
	case !primary.Serving && t.seen.Canary.Serving && t.state.Serving == OnPrimary:
		t.stay()
		t.notReady(primary)
		t.enter(Promoting)
	case !primary.Ready || !copied || !t.seen.Routed:
		t.notReady(primary)
	case t.state.Step > 0 && t.seen.Now.Sub(t.state.Since) < t.plan.Interval:
		// The step before is given its time.
	default:
		t.comeBack()
	}
}

// comeBack takes the next part of the traffic from the canary; behind the last
// one the primary has all of it.
func (t *turn) comeBack() {
	next := returning(t.plan, t.state)
	if t.state.Serving == OnCanary || next == len(t.plan.Back) {
		t.say(routedHome(t.plan)...)
		t.state.Serving, t.state.Weight = OnPrimary, 0
		t.enter(Finalising)
		return
	}
	back := t.plan.Back[next]
	t.say(backedOff(t.plan, back))
	t.state.Weight = min(t.state.Weight, back.Canary)
	t.to(next + 1)
}

// overtaken: a newer revision landed before the analysed one was copied. It
// has not been analysed, so it must not reach the primary.
func (t *turn) overtaken() {
	switch {
	case t.state.Serving == OnCanary:
		t.state.Revision = t.seen.Target
		t.enter(Promoting)
	case t.seen.Target == t.state.Promoted:
		t.cancel()
	default:
		t.say(restarted(t.plan))
		t.arrive()
	}
}

// failPromotion keeps the traffic where it is healthy.
func (t *turn) failPromotion() {
	t.say(promotionFailed(t.plan, t.seen.Primary.Reason))
	t.state.Serving, t.state.Weight, t.state.Pending = OnPrimary, 0, 0
	if t.seen.Canary.Serving {
		t.stay()
	}
	if t.plan.After {
		t.state.Pending |= Hooking
	}
	t.enter(Failed)
}

// finalise drains the canary and ends the release.
func (t *turn) finalise() {
	primary := t.seen.Primary
	switch {
	case primary.Dead, t.late() && !(primary.Ready && t.seen.Routed):
		t.failPromotion()
	case !primary.Serving && t.seen.Canary.Serving:
		t.stay()
		t.notReady(primary)
		t.enter(Promoting)
	case !primary.Ready || !t.seen.Routed:
		t.notReady(primary)
	case t.seen.Now.Sub(t.state.Since) >= t.plan.Drain:
		t.state.Promoted = t.state.Revision
		t.state.Pending = Parking
		if t.plan.After {
			t.state.Pending |= Hooking
		}
		t.say(promoted(t.plan, t.state.Skipped))
		t.enter(Succeeded)
	}
}

// inconclusive joins what could not be judged into one reason.
func inconclusive(reports []Report) string {
	i := slices.IndexFunc(reports, func(r Report) bool { return r.Level != Info })
	if i < 0 {
		return "the checks of this step gave no answer"
	}
	return reports[i].Message
}
