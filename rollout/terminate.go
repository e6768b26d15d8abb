package rollout

// The steps of the way out, in State.Step of phase Terminating.
const (
	comingUp = iota // the workload gets its pods back, the primary serves
	leaving         // the workload serves, the primary's last requests end
	gone            // nothing is ours any more
)

// terminate gives the workload back: first its pods, then the traffic, and only
// then the Canary may go, and its primary with it.
func (t *turn) terminate() {
	t.state.Paused = false // a suspended Canary is deleted like any other
	if t.state.Phase != Terminating {
		there := t.state.Promoted != "" && t.state.Serving == OnCanary
		t.say(terminating(t.plan))
		t.state.Pending, t.state.Held = 0, false
		t.state.Serving, t.state.Weight = OnPrimary, 0
		t.enter(Terminating)
		if there {
			t.away()
		}
		return
	}
	switch t.state.Step {
	case comingUp:
		switch {
		case !t.seen.Canary.Ready:
			t.say(notGivenBack(t.plan, t.seen.Canary.Reason))
		case t.state.Promoted == "" || t.seen.Routed && t.waited():
			t.away()
		}
	case leaving:
		if t.seen.Routed && t.waited() {
			t.say(terminated(t.plan))
			t.to(gone)
		}
	}
}

// waited reports whether the data plane and the requests under way had their time.
func (t *turn) waited() bool { return t.seen.Now.Sub(t.state.Since) >= t.plan.Drain }

// away moves all traffic to the workload's own pods.
func (t *turn) away() {
	t.state.Serving, t.state.Weight = OnCanary, Full
	t.to(leaving)
}

// Gone reports whether the Canary may be removed: everything is given back.
func Gone(state State) bool { return state.Phase == Terminating && state.Step >= gone }
