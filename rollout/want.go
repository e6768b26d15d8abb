package rollout

// Want says what the world should look like in a state. It depends on nothing
// else, so it can be applied again after a restart and against every drift.
func Want(plan Plan, state State) Desired {
	state = heal(plan, state)
	want := Desired{Route: route(plan, state), Expose: true}
	want.Route.Cookies = state.Cookies
	switch state.Phase {
	case New:
		want.Expose = false
	case Initializing:
		want.Expose = state.Step > 0
		want.Primary = state.Revision
	case Initialized, Succeeded:
		want.Primary = state.Promoted
		want.Canary = parked(state)
	case Waiting:
		want.Primary = state.Promoted
	case Progressing, WaitingPromotion:
		want.Primary = state.Promoted
		want.Canary, want.Share = Up, share(plan, state)
	case Promoting, Finalising:
		want.Primary = state.Revision
		want.Canary, want.Share = Up, want.Route.Canary
	case Terminating:
		want.Canary, want.Share = Up, Full
		want.Release = [...]Release{comingUp: Named, leaving: Served, gone: Alone}[state.Step]
		want.Expose = want.Release != Named || state.Promoted != ""
	case Failed:
		want.Expose = state.Promoted != ""
		want.Canary = parked(state)
	}
	// What is drained after the initialization are the user's own pods.
	want.Trying = want.Expose && want.Canary == Up && state.Phase != Initialized
	return want
}

// share is what the canary must be able to carry: its part of the traffic now,
// and that of the next step, so that the pods are there before the requests.
func share(plan Plan, state State) int {
	next := min(state.Step+1, len(plan.Steps)-1)
	return max(plan.Steps[state.Step].Route.Canary, plan.Steps[next].Route.Canary)
}

// parked scales the canary down once its last requests had time to end, and
// leaves it alone when that is done.
func parked(state State) Scale {
	switch {
	case state.Serving == OnCanary || state.Pending.Has(Draining):
		return Up
	case state.Pending.Has(Parking):
		return Zero
	default:
		return Leave
	}
}

// route of a state. It never gives the canary more than was decided.
func route(plan Plan, state State) Route {
	switch state.Phase {
	case Progressing, WaitingPromotion:
		return plan.Steps[state.Step].Route
	case Promoting:
		return backwards(plan, state)
	case Failed:
		if state.Serving == OnCanary && state.Promoted != "" {
			return Split(Full)
		}
		return home
	case Terminating:
		if state.Step >= leaving {
			return Split(Full)
		}
		return home
	case New, Initializing, Initialized, Waiting, Finalising, Succeeded:
		return home
	}
	return home
}

// backwards is the route while the primary takes over the promoted revision.
func backwards(plan Plan, state State) Route {
	last := plan.Steps[len(plan.Steps)-1].Route
	switch {
	case state.Serving == OnCanary:
		return Split(Full)
	case state.Step > len(plan.Back):
		return home
	case state.Step > 0 && known(state, plan.Back[state.Step-1]):
		return plan.Back[state.Step-1]
	case state.Step > 0:
		return home
	case !state.Skipped && last.granted() <= state.Weight:
		last.Mirror = 0
		return last
	default:
		return Split(state.Weight)
	}
}

// returning is the next step of the way back that takes something from the
// canary. One that a person promoted early has less than the first of them, and
// must not get more on its way out.
func returning(plan Plan, state State) int {
	for i := state.Step; i < len(plan.Back); i++ {
		if back := plan.Back[i]; known(state, back) && (back.Match || back.Canary < state.Weight) {
			return i
		}
	}
	return len(plan.Back)
}

// known reports whether the canary has all that the route gives it. What it has
// of an audience is not in the weight: all that its analysis led to, or, if that
// was skipped, nobody knows.
func known(state State, back Route) bool {
	return back.granted() <= state.Weight && !(back.Match && state.Skipped)
}

// heal returns the state itself if a release can be in it under the plan, and
// otherwise the nearest one that gives the canary no more than it had. Status
// may have been edited by hand, and the plan may have changed under a release.
func heal(plan Plan, state State) State {
	state.Step = max(state.Step, 0)
	state.Attempt = max(state.Attempt, 0)
	state.Failures = max(state.Failures, 0)
	state.Weight = min(max(state.Weight, 0), Full)
	state.Pending &= Draining | Parking | Hooking
	state.Opened &= 1<<len(gateBits) - 1
	if plan.Cookie == "" {
		state.Cookies = Cookies{}
	}
	if state.Phase != Waiting && !state.Phase.analysing() {
		state.Held, state.Opened, state.Passed = false, 0, false
	}
	if state.Serving != OnCanary {
		state.Serving = OnPrimary
	}
	switch state.Phase {
	case New:
		return State{Paused: state.Paused}
	case Initializing:
		if state.Revision == "" {
			return State{Paused: state.Paused}
		}
		state.Step, state.Serving, state.Weight = min(state.Step, 1), OnCanary, 0
		return state
	case Failed:
		return healFailed(state)
	case Initialized, Succeeded, Waiting, Finalising:
		state.Step, state.Weight, state.Serving = 0, 0, OnPrimary
	case Progressing, WaitingPromotion:
		state.Serving = OnPrimary
		state.Step = align(plan, state)
		state.Weight = plan.Steps[state.Step].Route.granted()
	case Promoting:
		if state.Serving == OnCanary {
			state.Weight = Full
		}
	case Terminating:
		return healTerminating(state)
	default: // a phase of another version
		state = State{Phase: Initialized, Revision: state.Promoted, Promoted: state.Promoted, Since: state.Since, Paused: state.Paused}
	}
	if state.Promoted == "" || state.Revision == "" {
		return State{Paused: state.Paused}
	}
	return state
}

// healFailed: without a promoted revision the initialization failed, and the
// traffic never left the user's own pods.
func healFailed(state State) State {
	state.Step, state.Weight = 0, 0
	switch {
	case state.Revision == "":
		return State{Paused: state.Paused}
	case state.Promoted == "":
		state.Serving = OnCanary
	case state.Serving == OnCanary:
		state.Weight = Full
	}
	if state.Serving == OnCanary {
		state.Pending &= Hooking
	}
	return state
}

// healTerminating: whoever holds the traffic follows from the step.
func healTerminating(state State) State {
	state.Step = min(state.Step, gone)
	state.Pending = 0
	state.Serving, state.Weight = OnPrimary, 0
	if state.Step >= leaving {
		state.Serving, state.Weight = OnCanary, Full
	}
	return state
}

// align finds the furthest step, not beyond the current one, whose route gives
// the canary no more than it has. The arrival always does.
func align(plan Plan, state State) int {
	for i := min(state.Step, len(plan.Steps)-1); i > 0; i-- {
		if plan.Steps[i].Route.granted() <= state.Weight {
			return i
		}
	}
	return 0
}
