package rollout

import "testing"

// Routes may name the canary from the beginning of a release, before it has a share, to
// the end of its last requests, and at no other time.
func TestTrying(t *testing.T) {
	plan := Plan{Steps: []Step{{Route: Split(0)}, {Route: Split(200)}}}
	for _, tc := range []struct {
		name  string
		state State
		want  bool
	}{
		{"nothing yet", State{}, false},
		{"the primary comes up", State{Phase: Initializing, Revision: "a", Step: 1, Serving: OnCanary}, false},
		{"the user's own pods are drained", State{Phase: Initialized, Revision: "a", Promoted: "a", Pending: Draining | Parking}, false},
		{"it never started", State{Phase: Failed, Revision: "a", Serving: OnCanary}, false},
		{"a release waits for others", State{Phase: Waiting, Revision: "b", Promoted: "a"}, false},
		{"the canary comes up", State{Phase: Progressing, Revision: "b", Promoted: "a"}, true},
		{"the last gate", State{Phase: WaitingPromotion, Revision: "b", Promoted: "a", Step: 1, Weight: 200}, true},
		{"the primary takes over", State{Phase: Promoting, Revision: "b", Promoted: "a", Weight: 200}, true},
		{"home again", State{Phase: Finalising, Revision: "b", Promoted: "a"}, true},
		{"its last requests", State{Phase: Succeeded, Revision: "b", Promoted: "b", Pending: Draining | Parking}, true},
		{"they had time to end", State{Phase: Succeeded, Revision: "b", Promoted: "b", Pending: Parking}, false},
		{"at rest", State{Phase: Succeeded, Revision: "b", Promoted: "b"}, false},
		{"the last requests of a bad one", State{Phase: Failed, Revision: "b", Promoted: "a", Pending: Draining | Parking}, true},
		{"a bad one is over", State{Phase: Failed, Revision: "b", Promoted: "a"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Want(plan, tc.state).Trying; got != tc.want {
				t.Errorf("trying is %t, want %t", got, tc.want)
			}
		})
	}
}
