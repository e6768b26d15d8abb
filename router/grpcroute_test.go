package router

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/serinhq/serin/rollout"
)

// grpcFull uses every field a GRPCRoute has a place for, and those that it passes over.
func grpcFull() Service {
	s := full()
	s.Match = []Match{{URI: Text{Prefix, "/shop.v1.Cart/"}, Headers: map[string]Text{"x-tenant": {Regex, "a|b"}}}, {URI: Text{Exact, "/shop.v1.Order/Place"}}}
	return s
}

func grpcScenes() []scene {
	s := minimal()
	s.Match = []Match{{URI: Text{Prefix, "/shop.v1.Cart"}}, {URI: Text{Exact, "/shop.v1.Order/Place"}, Headers: map[string]Text{"x-env": {Exact, "prod"}}}}
	s.Audience = []Match{{Headers: map[string]Text{"x-canary": {Exact, "insider"}}}, {Headers: map[string]Text{"x-env": {Exact, "test"}, "x-user": {Regex, "qa-.*"}}}}
	mixed := minimal()
	mixed.Match = []Match{{URI: Text{Prefix, "/shop.v1.Cart/"}}, {URI: Text{Prefix, "/"}}}
	return []scene{
		{"audience", "A/B: two kinds of insiders go to the canary within the calls that are served, everybody else home", s, rollout.Route{Canary: rollout.Full, Match: true}},
		{"every-call", "a match of every call makes the others say nothing", mixed, rollout.Split(rollout.Percent(10))},
	}
}

// TestGRPCRefusals: what calls do not have is refused by the name of the field.
func TestGRPCRefusals(t *testing.T) {
	uri := func(op Op, value string) func(*Service) {
		return func(s *Service) { s.Match = []Match{{}, {URI: Text{op, value}}} }
	}
	for _, tc := range []struct {
		name   string
		change func(*Service)
		want   string
	}{
		{"no parent", func(s *Service) { s.Parents = nil }, "spec.service.gatewayRefs: Required value"},
		{"a path that is no call", uri(Exact, "/cart"), `spec.service.match[1].uri.exact: Invalid value: "/cart": a GRPCRoute compares calls`},
		{"a service as a call", uri(Exact, "/shop.Cart/"), "spec.service.match[1].uri.exact: Invalid value"},
		{"a call as a prefix", uri(Prefix, "/shop.Cart/Add"), `spec.service.match[1].uri.prefix: Invalid value: "/shop.Cart/Add": a GRPCRoute compares whole names`},
		{"a service without name", uri(Prefix, "/shop..Cart/"), "spec.service.match[1].uri.prefix: Invalid value"},
		{"the end of a path", uri(Suffix, "/Add"), "spec.service.match[1].uri.suffix: Forbidden: a GRPCRoute cannot compare paths like this: use exact or prefix"},
		{"a path by regex", uri(Regex, "/shop.*"), "spec.service.match[1].uri.regex: Forbidden"},
		{"a method of HTTP", func(s *Service) { s.Match = []Match{{Method: Text{Exact, "POST"}}} }, "spec.service.match[0].method: Forbidden: a GRPCRoute cannot match it: use uri or headers"},
		{"a parameter", func(s *Service) { s.Match = []Match{{Query: map[string]Text{"q": {Exact, "1"}}}} }, "spec.service.match[0].queryParams: Forbidden"},
		{"the beginning of a header", func(s *Service) { s.Match = []Match{{Headers: map[string]Text{"x-user": {Prefix, "a"}}}} },
			"spec.service.match[0].headers[x-user].prefix: Forbidden: the Gateway API cannot compare like this: use exact or regex"},
		{"an audience by parameter", func(s *Service) { s.Audience = []Match{{Query: map[string]Text{"q": {Exact, "1"}}}} }, "spec.analysis.match[0].queryParams: Forbidden: a GRPCRoute cannot match it: use headers"},
		{"an audience of everybody", func(s *Service) { s.Audience = []Match{{}} }, "spec.analysis.match[0]: Required value: set headers: without them every call would match"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := minimal()
			tc.change(&s)
			_, err := Providers["gatewayapi:v1:GRPCRoute"].Render(s, rollout.Split(0))
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "render GRPCRoute shop/web: ") {
				t.Fatalf("got  %v\nwant render GRPCRoute shop/web: ...%s", err, tc.want)
			}
		})
	}
}

// TestGRPCRefusesTogether: what is wrong with calls and what is wrong with any route.
func TestGRPCRefusesTogether(t *testing.T) {
	s := minimal()
	s.Match, s.Hosts = []Match{{URI: Text{Exact, "/cart"}}}, []string{"*"}
	_, err := Providers["gatewayapi:v1:GRPCRoute"].Render(s, rollout.Split(0))
	if err == nil || !strings.Contains(err.Error(), "spec.service.match[0].uri.exact") {
		t.Errorf("got %v", err)
	}
}

// TestParseLiveRoutes reads routes of other kinds as an API server and a gateway give
// them back, and as people spoil them.
func TestParseLiveRoutes(t *testing.T) {
	const calls = `"matches": [{"method": {"type": "Exact", "service": "shop.Cart"}, "headers": [{"type": "Exact", "name": "x", "value": "y"}]}],`
	ends := func(primary, canary string) string {
		return `"backendRefs": [{"group": "", "kind": "Service", "name": "web-primary", "port": 80, "weight": ` + primary + `},
			{"group": "", "kind": "Service", "name": "web-canary", "port": 80, "weight": ` + canary + `}]`
	}
	taken := func(kind string) string {
		return `"status": {"parents": [{"controllerName": "example.com/a", "parentRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public"},
			"conditions": [{"type": "Accepted", "status": "True", "observedGeneration": 3}, {"type": "` + kind + `", "status": "True", "observedGeneration": 3}]}]}`
	}
	for _, tc := range []struct {
		name, provider, rule, status string
		want                         rollout.Route
		accepted                     bool
		err                          string
	}{
		{"GRPCRoute", "gatewayapi:v1:GRPCRoute", calls + ends("90", "10"), taken("ResolvedRefs"), rollout.Split(rollout.Percent(10)), true, ""},
		{"a GRPCRoute that nobody took", "gatewayapi:v1:GRPCRoute", calls + ends("90", "10"), `"status": {}`, rollout.Split(rollout.Percent(10)), false, ""},
		{"a GRPCRoute with a third backend", "gatewayapi:v1:GRPCRoute", calls + `"backendRefs": [{"name": "web"}]`, `"status": {}`, rollout.Route{}, false, "parse GRPCRoute shop/web: rules[0]: backend web is neither"},
		{"TCPRoute", "gatewayapi:v1:TCPRoute", ends("90", "10"), taken("ResolvedRefs"), rollout.Split(rollout.Percent(10)), true, ""},
		{"an older TCPRoute", "gatewayapi:v1alpha2:TCPRoute", ends("0", "100"), taken("ResolvedRefs"), rollout.Split(rollout.Full), true, ""},
		{"a TCPRoute without weights", "gatewayapi:v1:TCPRoute", ends("0", "0"), taken("ResolvedRefs"), rollout.Route{}, false, "parse TCPRoute shop/web: rules[0]: the weights sum to nothing"},
		{"TLSRoute", "gatewayapi:v1:TLSRoute", ends("1", "3"), taken("Programmed"), rollout.Split(rollout.Percent(75)), true, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			object := decode(t, `{"metadata": {"name": "web", "namespace": "shop", "generation": 3},
				"spec": {"parentRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public"}], "rules": [{`+tc.rule+`}]}, `+tc.status+`}`)
			before := object.DeepCopy()
			route, accepted, err := Providers[tc.provider].Parse([]Object{object})
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Fatalf("got error %v, want %q", err, tc.err)
			}
			if route != tc.want || accepted != tc.accepted {
				t.Errorf("got %+v, %v", route, accepted)
			}
			if diff := cmp.Diff(before.Object, object.Object); diff != "" {
				t.Errorf("reading changed the object of the cache\n%s", diff)
			}
		})
	}
}
