package router

import (
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/serinhq/serin/rollout"
)

// TestCookiesKeepTheirRules: nothing that Envoy Gateway has a name for comes or goes as a
// release with both cookies begins and ends. What went was seen as 500 as a release was given up.
func TestCookiesKeepTheirRules(t *testing.T) {
	s, _ := sticky(minimal(), Caps{Affinity: true, PrimaryCookie: true})
	s.Match = []Match{{URI: Text{Prefix, "/api"}}, {URI: Text{Prefix, "/web"}}}
	prefixed := s
	prefixed.Rewrite = Rewrite{URI: "/", PrefixOnly: true} // a rule for each match
	previous := rollout.Cookies{Previous: "abc"}
	for _, service := range []struct {
		name string
		s    Service
	}{{"one rule for all matches", s}, {"a rule for each match", prefixed}} {
		want := namesInEnvoy(t, service.s, with(rollout.Split(rollout.Percent(30)), both))
		for _, tc := range []struct {
			name  string
			route rollout.Route
		}{
			{"never released", rollout.Split(0)},
			{"further on", with(rollout.Split(rollout.Percent(60)), both)},
			{"a release later", with(rollout.Split(0), previous)},
			{"copied after a release", with(rollout.Route{Primary: rollout.Full, Mirror: rollout.Full}, previous)},
		} {
			t.Run(service.name+"/"+tc.name, func(t *testing.T) {
				if diff := cmp.Diff(want, namesInEnvoy(t, service.s, tc.route)); diff != "" {
					t.Errorf("other names than on the way (-want +got):\n%s", diff)
				}
				objects, err := Providers["gatewayapi:v1"].Render(service.s, tc.route)
				if err != nil {
					t.Fatal(err)
				}
				if got, _, err := Providers["gatewayapi:v1"].Parse(objects); err != nil || got != tc.route {
					t.Errorf("read as %+v, %v, want %+v", got, err, tc.route)
				}
			})
		}
	}
}

// TestNobodyIsOnTheSpareRule: no cookie that was ever set leads there.
func TestNobodyIsOnTheSpareRule(t *testing.T) {
	s, _ := sticky(minimal(), Caps{Affinity: true, PrimaryCookie: true})
	rules, problems := httpRules(s, with(rollout.Split(0), rollout.Cookies{Previous: "abc"}))
	if err := problems.ToAggregate(); err != nil {
		t.Fatal(err)
	}
	spare := rules[len(rules)-1]
	if !isSpare(gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name}}, spare, rollout.Cookies{Primary: "home-sticky="}) {
		t.Fatalf("the last rule keeps no place: %+v", spare)
	}
	pattern := regexp.MustCompile(spare.Matches[0].Headers[0].Value)
	for _, header := range []string{"", "home-sticky=abc", "sticky=abc; home-sticky=abc", "home-sticky=abc; a=", "a=home-sticky=", "sticky="} {
		if pattern.MatchString(header) {
			t.Errorf("%s matches %q", pattern, header)
		}
	}
}

// TestLeavingMovesNobodyToANewRule: first all are led to the first rule, which is the one that
// is left at the end.
func TestLeavingMovesNobodyToANewRule(t *testing.T) {
	s, _ := sticky(minimal(), Caps{Affinity: true, PrimaryCookie: true})
	for _, tc := range []struct {
		name    string
		how     rollout.Release
		cookies []string // that each rule is about, empty for everybody's
	}{
		{"while the apex is named", rollout.Named, []string{"", "^(.*; *)?sticky=(;.*)?$", "^(.*; *)?home-sticky=(;.*)?$"}},
		{"while the apex serves", rollout.Served, []string{"", "^(.*; *)?sticky=(;.*)?$", "^(.*; *)?home-sticky=(;.*)?$"}},
		{"what stays", rollout.Alone, []string{""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			objects, err := Providers["gatewayapi:v1"].Leave(s, tc.how)
			if err != nil {
				t.Fatal(err)
			}
			var live gatewayv1.HTTPRoute
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(objects[0].Object, &live); err != nil {
				t.Fatal(err)
			}
			var cookies []string
			for _, rule := range live.Spec.Rules {
				about := ""
				for _, header := range rule.Matches[0].Headers {
					about = header.Value
				}
				cookies = append(cookies, about)
			}
			if diff := cmp.Diff(tc.cookies, cookies); diff != "" {
				t.Errorf("the rules are about other cookies (-want +got):\n%s", diff)
			}
		})
	}
}

func with(r rollout.Route, cookies rollout.Cookies) rollout.Route {
	r.Cookies = cookies
	return r
}

// namesInEnvoy are what Envoy Gateway 1.9 would call the parts of the route: a rule whose
// backends have no filters is one part, and of another each backend that has a share.
func namesInEnvoy(t *testing.T, s Service, r rollout.Route) (names []string) {
	t.Helper()
	rules, problems := httpRules(s, r)
	if err := problems.ToAggregate(); err != nil {
		t.Fatal(err)
	}
	for i, rule := range rules {
		parts := slices.ContainsFunc(rule.BackendRefs, func(ref gatewayv1.HTTPBackendRef) bool { return len(ref.Filters) > 0 })
		if !parts {
			names = append(names, fmt.Sprintf("rule/%d", i))
			continue
		}
		for j, ref := range rule.BackendRefs {
			if *ref.Weight > 0 {
				names = append(names, fmt.Sprintf("rule/%d/backend/%d", i, j))
			}
		}
	}
	return names
}
