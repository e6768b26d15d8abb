package router

import (
	"strings"
	"testing"

	"github.com/serinhq/serin/rollout"
)

// What Flagger wrote, by the stages of its releases.
const (
	flaggersSplit = `
http:
- match: [{uri: {prefix: /api}}]
  route:
  - {destination: {host: web-primary, port: {number: 80}}, weight: 90}
  - {destination: {host: web-canary, port: {number: 80}}, weight: 10}
`
	flaggersMirror = `
http:
- mirror: {host: web-canary}
  mirrorPercentage: {value: 20}
  route:
  - {destination: {host: web-primary}, weight: 100}
  - {destination: {host: web-canary}, weight: 0}
`
	flaggersWholeMirror = `
http:
- mirror: {host: web-canary}
  route:
  - {destination: {host: web-primary}, weight: 100}
  - {destination: {host: web-canary}}
`
	flaggersTest = `
http:
- match: [{uri: {prefix: /api}, headers: {x-canary: {exact: insider}}}]
  route:
  - {destination: {host: web-primary}, weight: 0}
  - {destination: {host: web-canary}, weight: 100}
- match: [{uri: {prefix: /api}}]
  route: [{destination: {host: web-primary}, weight: 0}]
`
	flaggersCookies = `
http:
- match: [{headers: {Cookie: {regex: ".*sticky.*LpsIaLdoNZ.*"}}}]
  route:
  - {destination: {host: web-primary}, weight: 0}
  - {destination: {host: web-canary}, weight: 100}
- match: [{headers: {Cookie: {regex: ".*home.*QwErTyUiOp.*"}}}]
  route:
  - {destination: {host: web-primary}, weight: 100}
  - {destination: {host: web-canary}, weight: 0}
- route:
  - destination: {host: web-primary}
    weight: 90
    headers: {response: {add: {Set-Cookie: "home=QwErTyUiOp; Max-Age=30; Path=/"}}}
  - destination: {host: web-canary}
    weight: 10
    headers: {response: {add: {Set-Cookie: "sticky=LpsIaLdoNZ; Max-Age=21600; Path=/"}}}
`
	flaggersOldCookie = `
http:
- match: [{headers: {Cookie: {regex: ".*sticky.*LpsIaLdoNZ.*"}}}]
  headers: {response: {add: {Set-Cookie: "sticky=LpsIaLdoNZ; Max-Age=-1"}}}
  route:
  - {destination: {host: web-primary}, weight: 100}
  - {destination: {host: web-canary}, weight: 0}
- headers: {response: {add: {Set-Cookie: "sticky=LpsIaLdoNZ; Max-Age=-1"}}}
  route:
  - {destination: {host: web-primary}, weight: 100}
  - {destination: {host: web-canary}, weight: 0}
`
	flaggersConnections = `
http:
- route: [{destination: {host: web}}]
tcp:
- match: [{port: 7070}]
  route:
  - {destination: {host: web-primary, port: {number: 7070}}, weight: 90}
  - {destination: {host: web-canary, port: {number: 7070}}, weight: 10}
`
)

// TestIstioAdopts: a release of Flagger goes on where it was.
func TestIstioAdopts(t *testing.T) {
	tenth := rollout.Split(rollout.Percent(10))
	cookies, old := tenth, rollout.Split(0)
	cookies.Cookies = rollout.Cookies{Canary: "LpsIaLdoNZ", Primary: "QwErTyUiOp"}
	old.Cookies.Previous = "LpsIaLdoNZ"
	for _, tc := range []struct {
		name, spec string
		want       rollout.Route
	}{
		{"weights", flaggersSplit, tenth},
		{"a mirrored share", flaggersMirror, rollout.Route{Primary: rollout.Full, Mirror: rollout.Percent(20)}},
		{"a mirror without share, and no weight for 0", flaggersWholeMirror, rollout.Route{Primary: rollout.Full, Mirror: rollout.Full}},
		{"A/B, whose fallback has no weight", flaggersTest, rollout.Route{Canary: rollout.Full, Match: true}},
		{"cookies", flaggersCookies, cookies},
		{"an old cookie, dropped for everybody", flaggersOldCookie, old},
		{"connections beside requests of the user", flaggersConnections, tenth},
		{"another sum", strings.NewReplacer("weight: 90", "weight: 3", "weight: 10", "weight: 1").Replace(flaggersSplit), rollout.Split(250)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, accepted, err := istio.Parse([]Object{liveVirtualService(tc.spec, nil)})
			if err != nil || got != tc.want || !accepted {
				t.Errorf("parsed %+v, accepted %t, %v; want %+v", got, accepted, err, tc.want)
			}
		})
	}
}

// TestIstioDrift: an edit by hand is another route or an error, never overlooked.
func TestIstioDrift(t *testing.T) {
	for _, tc := range []struct{ name, spec, from, to, want string }{
		{"an end of the user", flaggersSplit, "host: web-canary", "host: web-v3", "destination web-v3 is neither the primary nor the canary"},
		{"an end twice", flaggersSplit, "host: web-canary", "host: web-primary", "destination web-primary is neither"},
		{"no weights", flaggersSplit, "weight: 90", "weight: -10", "weights of -10 and 10 divide nothing"},
		{"text", flaggersSplit, "weight: 90", "weight: most", "decode its spec"},
		{"users led away", flaggersCookies, "weight: 0}\n  - {destination: {host: web-canary}, weight: 100", "weight: 100}\n  - {destination: {host: web-canary}, weight: 0",
			"rule 0 leads users with a cookie to the other side"},
		{"another cookie", flaggersCookies, "- match: [{headers: {Cookie: {regex: \".*home", `- route:
  - {destination: {host: web-primary}, weight: 90}
  - {destination: {host: web-canary}, weight: 10, headers: {response: {add: {set-cookie: a=b}}}}
- match: [{headers: {Cookie: {regex: ".*home`, "sets another cookie than the rules before"},
		{"two divisions", flaggersCookies, "- match: [{headers: {Cookie: {regex: \".*home", `- route:
  - {destination: {host: web-primary}, weight: 50}
  - {destination: {host: web-canary}, weight: 50}
- match: [{headers: {Cookie: {regex: ".*home`, "divides the traffic differently from the rules before"},
		{"mirrored outsiders", flaggersTest, "- match: [{uri: {prefix: /api}}]", "- mirror: {host: web-canary}", "requests outside of the analysis are mirrored"},
		{"the canary alone", flaggersTest, "[{destination: {host: web-primary}, weight: 0}]", "[{destination: {host: web-canary}}]", "no destination is the primary"},
		{"nobody on the canary", usersSpec, "host: web", "host: web-primary", "no rule divides the traffic between Services web-primary and web-canary"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec := strings.Replace(tc.spec, tc.from, tc.to, 1)
			if spec == tc.spec {
				t.Fatal("nothing was edited")
			}
			got, _, err := istio.Parse([]Object{liveVirtualService(spec, nil)})
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "parse VirtualService shop/web: ") {
				t.Errorf("parsed %+v, %v; want %q", got, err, tc.want)
			}
		})
	}
}

// TestIstioAccepts: silence is consent, unless istiod writes status.
func TestIstioAccepts(t *testing.T) {
	for _, tc := range []struct {
		name, status string
		want         bool
	}{
		{"no status", "", true},
		{"reconciled", `{observedGeneration: "3", conditions: [{type: Reconciled, status: "True"}]}`, true},
		{"reconciled, by the condition's own word", `{observedGeneration: 2, conditions: [{type: Reconciled, status: "True", observedGeneration: 3}]}`, true},
		{"not by all proxies", `{observedGeneration: "3", conditions: [{type: Reconciled, status: "False"}]}`, false},
		{"before the last change", `{observedGeneration: "2", conditions: [{type: Reconciled, status: "True"}]}`, false},
		{"before the last change, by the condition", `{conditions: [{type: Reconciled, status: "True", observedGeneration: "2"}]}`, false},
		{"of an unknown generation", `{conditions: [{type: Reconciled, status: "True"}]}`, true},
		{"another condition", `{conditions: [{type: PassedAnalysis, status: "False"}]}`, true},
		{"an error", `{observedGeneration: "3", validationMessages: [{level: INFO}, {level: ERROR}]}`, false},
		{"an error of before", `{observedGeneration: "2", validationMessages: [{level: ERROR}]}`, true},
		{"a warning", `{validationMessages: [{level: WARNING}]}`, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			live := liveVirtualService(flaggersSplit, nil)
			live.SetGeneration(3)
			if tc.status != "" {
				live.Object["status"] = decoded(tc.status)
			}
			if _, got, err := istio.Parse([]Object{live}); err != nil || got != tc.want {
				t.Errorf("accepted %t, %v", got, err)
			}
		})
	}
	rule := plain().destinationRule("web-canary")
	rule.Object["status"] = decoded(`{validationMessages: [{level: ERROR}]}`)
	if _, got, err := istio.Parse([]Object{rule, liveVirtualService(flaggersSplit, nil)}); err != nil || got {
		t.Errorf("a rule in error: accepted %t, %v", got, err)
	}
	if route, got, err := istio.Parse([]Object{rule}); err != nil || got || route != (rollout.Route{}) {
		t.Errorf("no VirtualService: %+v, accepted %t, %v", route, got, err)
	}
}
