package router

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/util/json"
)

// TestRefusals: what an HTTPRoute cannot express is refused by the name of the
// field, with a remedy, whether or not the route of the moment needs it.
func TestRefusals(t *testing.T) {
	insider := []Match{{Headers: map[string]Text{"x-canary": {Exact, "insider"}}}}
	for _, tc := range []struct {
		name   string
		change func(s *Service)
		want   string
	}{
		{"no parent", func(s *Service) { s.Parents = nil }, "spec.service.gatewayRefs: Required value: name the Gateway"},
		{"one parent twice", func(s *Service) {
			s.Parents = append(s.Parents, Parent{Kind: "Gateway", Name: "public", SectionName: "https"})
		},
			"spec.service.gatewayRefs[1].sectionName: Duplicate value"},
		{"every host, in Istio's way", func(s *Service) { s.Hosts = []string{"shop.example.com", "*"} }, `spec.service.hosts[1]: Invalid value: "*": must be a host name or *.domain; leave hosts empty`},
		{"too many hosts", func(s *Service) { s.Hosts = strings.Split(strings.Repeat("a.example.com,", 16)+"a", ",") }, "spec.service.hosts: Too many: 17"},
		{"a path without slash", func(s *Service) { s.Match = []Match{{}, {URI: Text{Prefix, "api"}}} }, `spec.service.match[1].uri.prefix: Invalid value: "api": must begin with /`},
		{"the end of a path", func(s *Service) { s.Match = []Match{{URI: Text{Suffix, ".png"}}} }, "spec.service.match[0].uri.suffix: Forbidden: the Gateway API cannot compare like this: use exact, prefix or regex"},
		{"the beginning of a method", func(s *Service) { s.Match = []Match{{Method: Text{Prefix, "P"}}} }, "spec.service.match[0].method.prefix: Forbidden"},
		{"a method by regex", func(s *Service) { s.Match = []Match{{Method: Text{Regex, "GET|PUT"}}} }, "spec.service.match[0].method.regex: Forbidden"},
		{"an unknown method", func(s *Service) { s.Match = []Match{{Method: Text{Exact, "get"}}} }, `spec.service.match[0].method.exact: Unsupported value: "get"`},
		{"the beginning of a header", func(s *Service) { s.Match = []Match{{Headers: map[string]Text{"x-user": {Prefix, "a"}}}} },
			"spec.service.match[0].headers[x-user].prefix: Forbidden: the Gateway API cannot compare like this: use exact or regex"},
		{"a header with any value", func(s *Service) { s.Match = []Match{{Headers: map[string]Text{"x-user": {}}}} }, "spec.service.match[0].headers[x-user]: Required value"},
		{"an empty header", func(s *Service) { s.Match = []Match{{Headers: map[string]Text{"x-user": {Exact, ""}}}} }, "spec.service.match[0].headers[x-user].exact: Invalid value"},
		{"the beginning of a parameter", func(s *Service) { s.Match = []Match{{Query: map[string]Text{"q": {Prefix, "a"}}}} }, "spec.service.match[0].queryParams[q].prefix: Forbidden"},
		{"a scheme", func(s *Service) { s.Match = []Match{{Scheme: Text{Exact, "https"}}} }, "spec.service.match[0].scheme: Forbidden"},
		{"an authority", func(s *Service) { s.Match = []Match{{Authority: Text{Exact, "a"}}} }, "spec.service.match[0].authority: Forbidden"},
		{"the absence of a header", func(s *Service) { s.Match = []Match{{WithoutHeaders: map[string]Text{"a": {}}}} }, "spec.service.match[0].withoutHeaders: Forbidden"},
		{"a path in any case", func(s *Service) { s.Match = []Match{{IgnoreURICase: true}} }, "spec.service.match[0].ignoreUriCase: Forbidden"},
		{"a port", func(s *Service) { s.Match = []Match{{Port: 80}} }, "spec.service.match[0].port: Forbidden"},
		{"gateways", func(s *Service) { s.Match = []Match{{Gateways: []string{"mesh"}}} }, "spec.service.match[0].gateways: Forbidden"},
		{"a source namespace", func(s *Service) { s.Match = []Match{{SourceNamespace: "test"}} }, "spec.service.match[0].sourceNamespace: Forbidden"},
		{"an audience by source", func(s *Service) { s.Audience = append(insider, Match{SourceLabels: map[string]string{"app": "a"}}) }, "spec.analysis.match[1].sourceLabels: Forbidden"},
		{"an audience of everybody", func(s *Service) { s.Audience = []Match{{}} }, "spec.analysis.match[0]: Required value: set headers or queryParams"},
		{"an audience by path", func(s *Service) { s.Audience = []Match{{URI: Text{Exact, "/"}, Headers: insider[0].Headers}} }, "spec.analysis.match[0].uri: Forbidden: set it in spec.service.match"},
		{"an audience by the end of a header", func(s *Service) { s.Audience = []Match{{Headers: map[string]Text{"x-user": {Suffix, "a"}}}} }, "spec.analysis.match[0].headers[x-user].suffix: Forbidden"},
		{"an audience too large", func(s *Service) { s.Audience, s.Match = many(9), many(8) }, "spec.analysis.match: Too many: 72: must have at most 64 items"},
		{"too many rules", func(s *Service) {
			s.Audience, s.Match, s.Rewrite = many(2), manyPaths(6), Rewrite{URI: "/", PrefixOnly: true}
		}, "spec.analysis.match: Too many: 18: must have at most 16 items"},
		{"a prefix replaced where none is matched", func(s *Service) {
			s.Match, s.Rewrite = []Match{{URI: Text{Prefix, "/a"}}, {URI: Text{Exact, "/b"}}}, Rewrite{URI: "/", PrefixOnly: true}
		}, "spec.service.rewrite.type: Forbidden: ReplacePrefixMatch needs a prefix, and spec.service.match[1].uri is none"},
		{"an authority with a port", func(s *Service) { s.Rewrite.Authority = "web:8080" }, `spec.service.rewrite.authority: Invalid value: "web:8080": must be a host name without port`},
		{"a header name with a blank", func(s *Service) { s.Request.Add = map[string]string{"x env": "a"} }, `spec.service.headers.request.add: Invalid value: "x env"`},
		{"a header without value", func(s *Service) { s.Response.Set = map[string]string{"x-env": ""} }, "spec.service.headers.response.set[x-env]: Invalid value"},
		{"a mirror without port", func(s *Service) { s.Mirrors = []Backend{{Name: "audit"}} }, "spec.service.mirror[0].backendRef.port: Required value"},
		{"a mirror that is the canary", func(s *Service) { s.Mirrors = []Backend{{Name: "web-canary", Namespace: "shop", Port: 80}} }, "spec.service.mirror[0].backendRef.name: Forbidden: the analysis mirrors to the canary"},
		{"no place left for a mirror", func(s *Service) { s.Mirrors = make([]Backend, 16) }, "spec.service.mirror: Too many: 16: must have at most 15 items"},
		{"an origin by regex", func(s *Service) { s.CORS.Origins = []Text{{Regex, ".*"}} }, "spec.service.corsPolicy.allowOrigins: Forbidden"},
		{"an origin with a path", func(s *Service) { s.CORS.Origins = []Text{{Exact, "https://a.example.com/x"}} }, "spec.service.corsPolicy.allowOrigin: Invalid value"},
		{"all origins and one more", func(s *Service) { s.CORS.Origins = []Text{{Exact, "*"}, {Exact, "https://a.example.com"}} }, `spec.service.corsPolicy.allowOrigin: Invalid value: "*": must be the only entry`},
		{"an unknown method for browsers", func(s *Service) { s.CORS.Methods = []string{"get"} }, "spec.service.corsPolicy.allowMethods: Unsupported value"},
		{"an age below a second", func(s *Service) { s.CORS.MaxAge = time.Millisecond }, "spec.service.corsPolicy.maxAge: Invalid value"},
		{"a backend more patient than the request", func(s *Service) { s.Timeout, s.BackendTimeout = time.Second, 2*time.Second }, "spec.service.backendTimeout: Invalid value: \"2s\": must not be longer than spec.service.timeout, 1s"},
		{"a timeout of microseconds", func(s *Service) { s.Timeout = 1500 * time.Microsecond }, "spec.service.timeout: Invalid value"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := minimal()
			tc.change(&s)
			_, err := Providers["gatewayapi:v1"].Render(s, rollout.Split(0))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got  %v\nwant %s", err, tc.want)
			}
			if !strings.HasPrefix(err.Error(), "render HTTPRoute shop/web: ") {
				t.Errorf("the error does not say what was rendered: %v", err)
			}
		})
	}
}

func many(n int) []Match {
	var matches []Match
	for i := range n {
		matches = append(matches, Match{Headers: map[string]Text{fmt.Sprintf("x-%d", i): {Exact, "1"}}})
	}
	return matches
}

func manyPaths(n int) []Match {
	var matches []Match
	for i := range n {
		matches = append(matches, Match{URI: Text{Prefix, fmt.Sprintf("/%d", i)}})
	}
	return matches
}

// TestImpossibleRoutes: an impossible State must not become an impossible object.
func TestImpossibleRoutes(t *testing.T) {
	for _, route := range []rollout.Route{
		{}, {Primary: 900, Canary: 200}, {Primary: 1100, Canary: -100}, {Primary: rollout.Full, Mirror: 1001}, {Primary: rollout.Full, Mirror: -1}, {Canary: rollout.Full, Match: true},
	} {
		for name, provider := range Providers {
			if objects, err := provider.Render(minimal(), route); err == nil {
				t.Errorf("%s rendered %+v: %v", name, route, objects)
			}
		}
	}
}

func TestTimeouts(t *testing.T) {
	for _, tc := range []struct {
		timeout time.Duration
		want    string
	}{
		{15 * time.Second, "15s"},
		{90 * time.Minute, "1h30m"},
		{time.Hour + time.Minute + time.Second + time.Millisecond, "1h1m1s1ms"},
		{1500 * time.Millisecond, "1s500ms"},
		{NoTimeout, "0s"},
	} {
		s := minimal()
		s.Timeout = tc.timeout
		objects, err := Providers["gatewayapi:v1"].Render(s, rollout.Split(0))
		if err != nil {
			t.Fatal(err)
		}
		rule := objects[0].Object["spec"].(map[string]any)["rules"].([]any)[0].(map[string]any)
		if got := rule["timeouts"].(map[string]any)["request"]; got != tc.want {
			t.Errorf("%v became %v, want %s", tc.timeout, got, tc.want)
		}
	}
}

// A live route as the API server returns it, ready to be spoilt.
const liveRoute = `{
	"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
	"metadata": {"name": "web", "namespace": "shop", "generation": 3},
	"spec": {
		"parentRefs": [
			{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public", "namespace": "infra", "sectionName": "https"},
			{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "private"}
		],
		"rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "backendRefs": [
			{"group": "", "kind": "Service", "name": "web-canary", "port": 80, "weight": 10},
			{"group": "", "kind": "Service", "name": "web-primary", "port": 80, "weight": 90}
		]}]
	},
	"status": {"parents": [
		{"controllerName": "example.com/a", "parentRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public", "namespace": "infra", "sectionName": "https"},
			"conditions": [{"type": "Accepted", "status": "True", "observedGeneration": 3}, {"type": "ResolvedRefs", "status": "True", "observedGeneration": 3}]},
		{"controllerName": "example.com/b", "parentRef": {"name": "private", "namespace": "shop"},
			"conditions": [{"type": "Accepted", "status": "True", "observedGeneration": 3}]},
		{"controllerName": "example.com/b", "parentRef": {"name": "public", "namespace": "infra", "sectionName": "http"},
			"conditions": [{"type": "Accepted", "status": "False", "observedGeneration": 1}]}
	]}
}`

// TestAcceptance: a step counts when every parent said so about this very route.
func TestAcceptance(t *testing.T) {
	for _, tc := range []struct {
		name, old, new string
		want           bool
	}{
		{"every parent took this generation; one that is no longer a parent does not count", "", "", true},
		{"a parent has not looked at this generation yet", `"True", "observedGeneration": 3}]}`, `"True", "observedGeneration": 2}]}`, false},
		{"a parent does not say which generation it took", `"True", "observedGeneration": 3}]}`, `"True"}]}`, false},
		{"a parent refuses the route", `"Accepted", "status": "True"`, `"Accepted", "status": "False"`, false},
		{"a parent cannot find a backend", `"ResolvedRefs", "status": "True"`, `"ResolvedRefs", "status": "False"`, false},
		{"a parent looked for the backends of an older generation", `"ResolvedRefs", "status": "True", "observedGeneration": 3`, `"ResolvedRefs", "status": "True", "observedGeneration": 2`, false},
		{"a parent answered without a verdict", `"Accepted"`, `"Programmed"`, false},
		{"a parent has not answered", `"parentRef": {"name": "private", "namespace": "shop"}`, `"parentRef": {"name": "private", "namespace": "infra"}`, false},
		{"nobody answered", `"parents"`, `"ancestors"`, false},
		{"a second controller of the same parent refuses", `"sectionName": "http"}`, `"sectionName": "https"}`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.Replace(liveRoute, tc.old, tc.new, 1)
			if (text == liveRoute) != (tc.old == tc.new) {
				t.Fatal("the case changes nothing")
			}
			route, accepted, err := Providers["gatewayapi:v1"].Parse([]Object{decode(t, text)})
			if err != nil {
				t.Fatal(err)
			}
			if route != rollout.Split(rollout.Percent(10)) {
				t.Errorf("route is %+v, whatever the status says", route)
			}
			if accepted != tc.want {
				t.Errorf("accepted is %v", accepted)
			}
		})
	}
}

// TestParseForeignRoutes: what Render would not write is an error that says
// what is odd, and is cured by applying again.
func TestParseForeignRoutes(t *testing.T) {
	const rules = `[{"backendRefs": [{"name": "web-canary", "weight": 10}, {"name": "web-primary", "weight": 90}]}]`
	for _, tc := range []struct {
		name, rules string
		want        rollout.Route
		err         string
	}{
		{"defaults are not spelled out", rules, rollout.Split(rollout.Percent(10)), ""},
		{"weights by hand are read as they are", strings.Replace(rules, "90", "10", 1), rollout.Split(rollout.Percent(50)), ""},
		{"no weights at all", `[{"backendRefs": [{"name": "web-canary"}, {"name": "web-primary"}]}]`, rollout.Split(rollout.Percent(50)), ""},
		{"a mirror without share", `[{"filters": [{"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "web-canary"}}}], "backendRefs": [{"name": "web-primary", "weight": 100}, {"name": "web-canary", "weight": 0}]}]`,
			rollout.Route{Primary: rollout.Full, Mirror: rollout.Full}, ""},
		{"a third backend", `[{"backendRefs": [{"name": "web-canary"}, {"name": "web-primary"}, {"name": "web"}]}]`, rollout.Route{}, "rules[0]: backend web is neither"},
		{"an end of another namespace", `[{"backendRefs": [{"name": "web-canary", "namespace": "other"}, {"name": "web-primary"}]}]`, rollout.Route{}, "rules[0]: backend web-canary is neither"},
		{"an end twice", `[{"backendRefs": [{"name": "web-primary"}, {"name": "web-primary"}]}]`, rollout.Route{}, "rules[0]: backend web-primary is neither"},
		{"the canary alone", `[{"backendRefs": [{"name": "web-canary"}]}]`, rollout.Route{}, "rules[0]: no backend is the primary"},
		{"the primary alone", `[{"backendRefs": [{"name": "web-primary"}]}]`, rollout.Route{}, "no rule leads to Service web-canary"},
		{"no rules", `[]`, rollout.Route{}, "no rule leads to"},
		{"rules that disagree", `[{"backendRefs": [{"name": "web-canary"}, {"name": "web-primary"}]}, {"backendRefs": [{"name": "web-canary", "weight": 2}, {"name": "web-primary"}]}]`, rollout.Route{}, "rules[1] divides"},
		{"a field of another type", `{}`, rollout.Route{}, "parse HTTPRoute shop/web"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := fmt.Sprintf(`{"metadata": {"name": "web", "namespace": "shop"}, "spec": {"rules": %s}}`, tc.rules)
			route, accepted, err := Providers["gatewayapi:v1"].Parse([]Object{decode(t, text)})
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Fatalf("got error %v, want %q", err, tc.err)
			}
			if route != tc.want || accepted {
				t.Errorf("got %+v, %v", route, accepted)
			}
		})
	}
}

// TestParseNothing: before the first apply there is no route, and that is no error.
func TestParseNothing(t *testing.T) {
	route, accepted, err := Providers["gatewayapi:v1"].Parse(nil)
	if route != (rollout.Route{}) || accepted || err != nil {
		t.Errorf("got %+v, %v, %v", route, accepted, err)
	}
	if _, _, err := Providers["gatewayapi:v1"].Parse(make([]Object, 2)); err == nil {
		t.Error("two objects where one is rendered were taken")
	}
	route, accepted, err = Providers["kubernetes"].Parse(nil)
	if route != rollout.Split(0) || !accepted || err != nil {
		t.Errorf("without a router traffic is at home: got %+v, %v, %v", route, accepted, err)
	}
}

func decode(t *testing.T, text string) Object {
	t.Helper()
	var object Object
	if err := json.Unmarshal([]byte(text), &object.Object); err != nil {
		t.Fatal(err)
	}
	return object
}
