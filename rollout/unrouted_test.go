package rollout

import (
	"strings"
	"testing"
	"time"
)

// Who waits for a route in vain learns what its status has against it.
func TestRefusalOfTheRouteIsTheReason(t *testing.T) {
	const refusal = "HTTPRoute web: Accepted is False (NoMatchingParent): there is no such listener"
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	plan := Plan{Subject: Subject{Namespace: "shop", Name: "web", Target: "web"}, Interval: time.Minute, Deadline: time.Hour, Threshold: 2, Steps: []Step{{}, {Route: Split(200), Enter: Advance}}}
	for _, tt := range []struct {
		name  string
		state State
		want  string
	}{
		{"initialization", State{Phase: Initializing, Step: 1, Revision: "a", Serving: OnCanary, Since: begin},
			"Initialization of web.shop failed, its own pods keep the traffic: "},
		{"release", State{Phase: Progressing, Step: 1, Revision: "b", Promoted: "a", Weight: 200, Since: begin},
			"Rolling back web.shop progress deadline exceeded "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seen := Observation{Now: begin.Add(2 * time.Hour), Target: tt.state.Revision, Copied: "a", Primary: Health{Ready: true, Serving: true},
				Canary: Health{Ready: true, Serving: true}, Refusal: refusal}
			next, reports := Next(plan, tt.state, seen)
			if next.Phase != Failed {
				t.Fatalf("it is %s", next.Phase)
			}
			want := tt.want + "the traffic provider has not accepted the route: " + refusal
			found := false
			for _, r := range reports {
				found = found || strings.HasPrefix(r.Message, want)
			}
			if !found {
				t.Errorf("said %+v, want %q", reports, want)
			}
		})
	}
}
