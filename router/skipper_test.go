package router

import (
	"strings"
	"testing"

	"github.com/serinhq/serin/rollout"
)

func skipperScenes() []scene {
	shared := behindIngress(strings.Replace(plainIngress, "namespace: shop", `namespace: shop, annotations: {zalando.org/backend-weights: '{"web": 80, "legacy": 20}'}`, 1))
	return []scene{{"shared", "the apex has a part of a path, beside another Service, and that part is divided", shared, rollout.Split(rollout.Percent(10))}}
}

// TestSkipperAdopts what Flagger wrote, and sees what people did to it.
func TestSkipperAdopts(t *testing.T) {
	tenth := rollout.Split(rollout.Percent(10))
	for _, tc := range []struct {
		name, weights, predicate string
		want                     rollout.Route
		err                      string
	}{
		{"just made", `{"web-canary":0,"web-primary":100}`, "Weight(100)", rollout.Split(0), ""},
		{"a step", `{"web-canary":10,"web-primary":90}`, `Weight(100) && Method("GET")`, tenth, ""},
		{"after a release", `{"web-canary":0,"web-primary":100}`, "False()", rollout.Split(0), ""},
		{"weights that do not count", `{"web-canary":10,"web-primary":90}`, `False() && Method("GET")`, rollout.Split(0), ""},
		{"weights by hand", `{"web-canary":1,"web-primary":9}`, "Weight(100)", tenth, ""},
		{"no weights", "", "Weight(100)", rollout.Route{}, "no weights by Service"},
		{"no canary", `{"web-primary":100}`, "Weight(100)", rollout.Route{}, "divides between 0 pairs"},
		{"two apexes", `{"a-canary":1,"a-primary":9,"b-canary":1,"b-primary":9}`, "Weight(100)", rollout.Route{}, "divides between 2 pairs"},
		{"nothing to divide", `{"web-canary":0,"web-primary":0}`, "Weight(100)", rollout.Route{}, "weights of 0 and 0 are no division"},
		{"no predicate", `{"web-canary":10,"web-primary":90}`, `Method("GET")`, rollout.Route{}, "begins neither with Weight(100) nor with False()"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			live := annotated(written(strings.ReplaceAll(plainIngress, "name: web,", "name: web-canary,")),
				map[string]string{skipperWeights: tc.weights, skipperPredicate: tc.predicate})
			got, accepted, err := Providers["skipper"].Parse(append(minimalSkipper().Live, live))
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Fatalf("got %v, want %q", err, tc.err)
			}
			if got != tc.want || accepted != (tc.err == "") {
				t.Errorf("got %+v, %v", got, accepted)
			}
		})
	}
}
