package rollout

import "time"

// Due is when the current step of an analysis may be judged first, and the zero
// time outside of one.
func Due(plan Plan, state State) time.Time {
	state = heal(plan, state)
	if !state.Phase.analysing() {
		return time.Time{}
	}
	return due(plan, state)
}
