package rollout

import "time"

// Needs lists the questions that must be answered before the state can move.
// Target is what the workload asks for now: it alone decides whether a resting
// canary has anything to ask.
func Needs(plan Plan, state State, target Revision) Asks {
	state = heal(plan, state)
	if plan.Suspend || state.Paused {
		return Asks{}
	}
	var asks Asks
	switch state.Phase {
	case Initializing:
		if !plan.Skip {
			asks.Watch = append(asks.Watch, Ask{Probe: Online, Every: plan.Interval})
		}
	case Initialized, Succeeded, Failed:
		if state.Pending.Has(Hooking) {
			asks.Watch = append(asks.Watch, Ask{Probe: PostRollout, Every: plan.Interval})
		} else if plan.Confirm && changed(state, target) {
			asks.Chain = append(asks.Chain, Ask{Probe: ConfirmRollout, Every: plan.Interval})
		}
	case Waiting:
		if plan.Confirm && !state.Opened.Has(ConfirmRollout) {
			asks.Chain = append(asks.Chain, Ask{Probe: ConfirmRollout, Every: plan.Interval})
		}
		asks.Watch = watch(plan)
	case Progressing, WaitingPromotion:
		asks.Chain = chain(plan, state)
		asks.Watch = watch(plan)
	case Promoting:
		asks.Watch = watch(plan)
	case New, Finalising, Terminating:
	}
	return asks
}

// watch asks the rollback hooks, which may end a release at any time.
func watch(plan Plan) []Ask {
	if !plan.Rollback {
		return nil
	}
	return []Ask{{Probe: RollbackHook, Every: plan.Interval}}
}

// chain asks what stands between a step and the next one.
func chain(plan Plan, state State) []Ask {
	step := plan.Steps[state.Step]
	after := due(plan, state)
	var asks []Ask
	if step.Check != "" && !state.Skipped && !state.Opened.Has(step.Check) {
		asks = append(asks, Ask{Probe: step.Check, After: after, Every: plan.Interval, Ready: step.Check == PreRollout})
	}
	for _, gate := range gates(state, step) {
		if gate != Approval && !state.Opened.Has(gate) {
			asks = append(asks, Ask{Probe: gate, After: after, Every: plan.Interval, Ready: true})
		}
	}
	return asks
}

// gates of a step. A release that already waits for its promotion has passed
// the others; one whose analysis is skipped asks none.
func gates(state State, step Step) []Probe {
	if state.Skipped {
		return nil
	}
	if state.Phase != WaitingPromotion {
		return step.Gates
	}
	for _, gate := range step.Gates {
		if gate == ConfirmPromotion {
			return []Probe{gate}
		}
	}
	return nil
}

// due is when the current step may be judged. A step that failed once waits an
// interval, whatever its hold.
func due(plan Plan, state State) time.Time {
	hold := plan.Steps[state.Step].Hold
	if state.Attempt > 0 {
		hold = max(hold, plan.Interval)
	}
	if state.Skipped {
		hold = 0
	}
	return state.Since.Add(hold)
}

// Wake returns the next time at which Next may decide differently although
// nothing else happened, and false if there is none: a resting canary has no
// timer.
func Wake(plan Plan, state State, now time.Time) (time.Time, bool) {
	state = heal(plan, state)
	if (plan.Suspend || state.Paused) && state.Phase != Terminating {
		return time.Time{}, false
	}
	var times []time.Time
	switch state.Phase {
	case Initializing:
		times = append(times, state.Since.Add(plan.Deadline))
	case Initialized, Succeeded, Failed:
		if state.Pending.Has(Draining) {
			times = append(times, state.Since.Add(plan.Drain))
		}
	case Progressing, WaitingPromotion:
		times = append(times, due(plan, state), due(plan, state).Add(plan.Deadline))
	case Promoting:
		times = append(times, state.Since.Add(plan.Interval), state.Since.Add(plan.Deadline))
	case Finalising:
		times = append(times, state.Since.Add(plan.Drain), state.Since.Add(plan.Deadline))
	case Terminating:
		times = append(times, state.Since.Add(plan.Drain))
	case New, Waiting:
	}
	return earliest(times, now)
}

func earliest(times []time.Time, now time.Time) (first time.Time, ok bool) {
	for _, at := range times {
		if at.After(now) && (!ok || at.Before(first)) {
			first, ok = at, true
		}
	}
	return first, ok
}

// changed reports whether the workload asks for a revision that was neither
// promoted nor acted on.
func changed(state State, target Revision) bool {
	return target != "" && target != state.Promoted && target != state.Revision
}
