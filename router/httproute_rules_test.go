package router

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/serinhq/serin/rollout"
)

// TestAudienceKeepsItsRule: no rule comes or goes when a test of an audience begins and
// ends, nor on its way. Envoy Gateway has Envoy forget what a rule was, or learn what it is,
// before its route follows: seen as 503 for everybody else while a test began.
func TestAudienceKeepsItsRule(t *testing.T) {
	s := withAudience(minimal(), []Match{{Headers: map[string]Text{"x-canary": {Exact, "insider"}}}})
	tested := rollout.Route{Canary: rollout.Full, Match: true}
	want := matchesOf(t, s, tested)
	for _, tc := range []struct {
		name  string
		route rollout.Route
	}{
		{"at rest", rollout.Split(0)},
		{"half of the audience", rollout.Route{Primary: rollout.Percent(50), Canary: rollout.Percent(50), Match: true}},
		{"everybody is away", rollout.Split(rollout.Full)},
		{"everybody is divided", rollout.Split(rollout.Percent(30))},
		{"everybody is copied", rollout.Route{Primary: rollout.Full, Mirror: rollout.Full}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(want, matchesOf(t, s, tc.route)); diff != "" {
				t.Errorf("other rules than during the test (-want +got):\n%s", diff)
			}
			objects, err := Providers["gatewayapi:v1"].Render(s, tc.route)
			if err != nil {
				t.Fatal(err)
			}
			if got, _, err := Providers["gatewayapi:v1"].Parse(objects); err != nil || got != tc.route {
				t.Errorf("read as %+v, %v, want %+v", got, err, tc.route)
			}
		})
	}
}

// matchesOf are the matches of each rule.
func matchesOf(t *testing.T, s Service, r rollout.Route) (matches [][]gatewayv1.HTTPRouteMatch) {
	t.Helper()
	rules, problems := httpRules(s, r)
	if err := problems.ToAggregate(); err != nil {
		t.Fatal(err)
	}
	for _, rule := range rules {
		matches = append(matches, rule.Matches)
	}
	return matches
}
