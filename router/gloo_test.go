package router

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/serinhq/serin/rollout"
	"sigs.k8s.io/yaml"
)

// asRead is an object as it comes from the cluster.
func asRead(t testing.TB, text string) Object {
	t.Helper()
	var object Object
	if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
		t.Fatal(err)
	}
	return object
}

// upstreamSource is an Upstream of the user with settings of all kinds.
func upstreamSource() Object {
	var object Object
	const text = `
apiVersion: gloo.solo.io/v1
kind: Upstream
metadata: {name: web-upstream, namespace: gloo-system, labels: {team: storefront, kustomize.toolkit.fluxcd.io/name: apps, tier: front}}
spec:
  kube: {serviceName: web, serviceNamespace: shop, servicePort: 80}
  outlierDetection: {interval: 10s}
  sslConfig: {sni: web.example.com}
  circuitBreakers: {maxConnections: 100}
  connectionConfig: {connectTimeout: 2s, maxRequestsPerConnection: 51}
  loadBalancerConfig: {roundRobin: {slowStartConfig: {slowStartWindow: 2m, minWeightPercent: 5}}}
  useHttp2: true
  initialStreamWindowSize: 65536
  initialConnectionWindowSize: 65537
  httpProxyHostname: proxy.example.com
status: {statuses: {gloo-system: {state: Rejected}}}
`
	if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
		panic(err)
	}
	return object
}

// glooFull is a Service that uses every field the objects of Gloo have a place for.
func glooFull() Service {
	s := plain()
	s.Upstream = Ref{glooUpstreamKind, "gloo-system", "web-upstream"}
	s.Settings.Include = []string{"team"}
	s.Live = []Object{upstreamSource()}
	return s
}

func glooScenes() []scene {
	audience := []Match{
		{Headers: map[string]Text{"x-canary": {Exact, "insider"}, "user-agent": {Regex, ".*Firefox.*"}}, Method: Text{Exact, "GET"}},
		{Headers: map[string]Text{"x-agent": {Prefix, "serin/1.0"}, "x-mail": {Suffix, "@example.com"}}},
		{Query: map[string]Text{"preview": {Exact, "1"}}},
	}
	return []scene{
		{"audience", "A/B: three kinds of insiders go to the canary, everybody else home", withAudience(bare(), audience), rollout.Route{Canary: rollout.Full, Match: true}},
		{"mirror-tenths", "a share of the requests in tenths of a percent is copied", bare(), rollout.Route{Primary: rollout.Full, Mirror: 5}},
		{"tenths", "weights are relative, so that tenths of a percent are thousandths", bare(), rollout.Split(5)},
	}
}

const flaggersTable = `
apiVersion: gateway.solo.io/v1
kind: RouteTable
metadata: {name: web, namespace: shop}
spec: {routes: [%s]}
`

// destinations writes a list of them; a weight of zero is left out, as Flagger does.
func destinations(primary, canary int) string {
	write := func(side string, weight int) string {
		text := fmt.Sprintf("{destination: {upstream: {name: shop-web-%supstream-80, namespace: shop}}", side)
		if weight != 0 {
			text += fmt.Sprintf(", weight: %d", weight)
		}
		return text + "}"
	}
	return "[" + write("primary", primary) + ", " + write("canary", canary) + "]"
}

func glooRouteText(matchers, ends string) string {
	return fmt.Sprintf("{inheritablePathMatchers: true, matchers: %s, routeAction: {multi: {destinations: %s}}}", matchers, ends)
}

// TestGlooReads what others wrote: Flagger, and people.
func TestGlooReads(t *testing.T) {
	const insiders = "[{headers: [{name: x-canary, value: insider}]}]"
	shadowed := func(upstream, percentage string) string {
		return strings.Replace(glooRouteText("[]", destinations(100, 0)), "matchers", fmt.Sprintf(
			"options: {shadowing: {upstream: {name: %s, namespace: shop}, percentage: %s}}, matchers", upstream, percentage), 1)
	}
	home := "[{destination: {upstream: {name: shop-web-primaryupstream-80, namespace: shop}}, weight: 100}]"
	for _, tc := range []struct {
		name   string
		routes []string
		want   rollout.Route
		err    string
	}{
		{"Flagger at home", []string{glooRouteText("[]", destinations(100, 0))}, rollout.Split(0), ""},
		{"Flagger on the way", []string{glooRouteText("[]", destinations(90, 10))}, rollout.Split(rollout.Percent(10)), ""},
		{"Flagger away", []string{glooRouteText("[]", destinations(0, 100))}, rollout.Split(rollout.Full), ""},
		{"Flagger under A/B, others get 404", []string{glooRouteText(insiders, destinations(0, 100))}, rollout.Route{Canary: rollout.Full, Match: true}, ""},
		{"the user's path is no audience", []string{glooRouteText("[{prefix: /api}]", destinations(1, 1))}, rollout.Split(rollout.Percent(50)), ""},
		{"everybody else", []string{glooRouteText(insiders, destinations(3, 1)), glooRouteText("[]", home)},
			rollout.Route{Primary: rollout.Percent(75), Canary: rollout.Percent(25), Match: true}, ""},
		{"copies", []string{shadowed("shop-web-canaryupstream-80", "20")}, rollout.Route{Primary: rollout.Full, Mirror: rollout.Percent(20)}, ""},
		{"copies of tenths", []string{shadowed("shop-web-canaryupstream-80", "0.5")}, rollout.Route{Primary: rollout.Full, Mirror: 5}, ""},
		{"copies for others", []string{shadowed("audit", "100")}, rollout.Route{}, `routes[0]: upstream "audit", which gets copies, is not the canary's`},
		{"copies outside of an A/B test", []string{glooRouteText(insiders, destinations(0, 100)),
			strings.Replace(shadowed("shop-web-canaryupstream-80", "1"), destinations(100, 0), home, 1)}, rollout.Route{}, "routes[1] copies requests outside of the analysis"},
		{"no weight at all", []string{glooRouteText("[]", destinations(0, 0))}, rollout.Route{}, "routes[0]: the weights sum to nothing"},
		{"no routes", nil, rollout.Route{}, "no route leads to both sides"},
		{"another upstream", []string{glooRouteText("[]", strings.ReplaceAll(destinations(1, 1), "web-canary", "shop-canary"))}, rollout.Route{},
			`upstream "shop-shop-canaryupstream-80" is neither the primary's nor the canary's`},
		{"another namespace", []string{glooRouteText("[]", strings.ReplaceAll(destinations(1, 1), "namespace: shop", "namespace: other"))}, rollout.Route{}, "is neither"},
		{"one side twice", []string{glooRouteText("[]", strings.ReplaceAll(destinations(1, 1), "canary", "primary"))}, rollout.Route{}, "or is there twice"},
		{"two divisions", []string{glooRouteText(insiders, destinations(0, 100)), glooRouteText("[]", destinations(90, 10))}, rollout.Route{},
			"routes[1] divides the traffic differently"},
		{"insiders at home", []string{glooRouteText(insiders, home), glooRouteText("[]", destinations(90, 10))}, rollout.Route{},
			"routes[0] leads some requests to the primary alone"},
		{"a route for nobody", []string{glooRouteText("[]", destinations(90, 10)), glooRouteText("[]", home)}, rollout.Route{},
			"routes[0] takes all requests"},
		{"the canary alone", []string{glooRouteText("[]", strings.ReplaceAll(home, "primary", "canary"))}, rollout.Route{}, "routes[0] leads to the canary alone"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			table := asRead(t, fmt.Sprintf(flaggersTable, strings.Join(tc.routes, ", ")))
			got, _, err := gloo.Parse([]Object{table})
			if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("read %+v, %v; want %+v, %q", got, err, tc.want, tc.err)
			}
		})
	}
}

// TestGlooAccepts: a step counts from the moment in which Gloo has nothing against it.
func TestGlooAccepts(t *testing.T) {
	status := func(object Object, text string) Object {
		var said any
		if err := yaml.Unmarshal([]byte(text), &said); err != nil {
			t.Fatal(err)
		}
		object.Object["status"] = said
		return object
	}
	const accepted = "{statuses: {gloo-system: {state: Accepted, reportedBy: gateway}}}"
	for _, tc := range []struct {
		name, table, upstream string
		lacks                 int // index of an object that is not there
		want                  bool
	}{
		{"both", accepted, accepted, -1, true},
		{"by number, as it was", "{state: 1, reported_by: gateway}", "{statuses: {gloo-system: {state: 1}}}", -1, true},
		{"nobody speaks", "{}", "{}", -1, true},
		{"a rejected table", "{statuses: {gloo-system: {state: Rejected, reason: no}}}", accepted, -1, false},
		{"rejected by one of two", "{statuses: {a: {state: Accepted}, b: {state: Rejected}}}", accepted, -1, false},
		{"rejected by number", "{state: 2}", accepted, -1, false},
		{"a warning", "{statuses: {gloo-system: {state: Warning}}}", accepted, -1, false},
		{"not looked at", "{statuses: {gloo-system: {state: Pending}}}", accepted, -1, false},
		{"a rejected upstream", accepted, "{statuses: {gloo-system: {state: Rejected}}}", -1, false},
		{"no upstream of the primary", accepted, accepted, 0, false},
		{"no upstream of the canary", accepted, accepted, 1, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			objects, err := gloo.Render(glooFull(), rollout.Split(rollout.Percent(10)))
			if err != nil {
				t.Fatal(err)
			}
			objects[1], objects[2] = status(objects[1], tc.upstream), status(objects[2], tc.table)
			objects = append(objects, upstreamSource()) // what Gloo says of that is not about us
			if tc.lacks >= 0 {
				objects = slices.Delete(objects, tc.lacks, tc.lacks+1)
			}
			if _, got, err := gloo.Parse(objects); got != tc.want || err != nil {
				t.Errorf("accepted: %t, %v", got, err)
			}
		})
	}
	if route, accepted, err := gloo.Parse([]Object{upstreamSource()}); route != (rollout.Route{}) || accepted || err != nil {
		t.Errorf("without a RouteTable: %+v, %t, %v", route, accepted, err)
	}
}

// TestGlooRefuses what it cannot express, by the name of the field.
func TestGlooRefuses(t *testing.T) {
	asking := func(m Match) func(*Service) { return func(s *Service) { s.Audience = []Match{m} } }
	for _, tc := range []struct {
		name   string
		change func(*Service)
		want   string
	}{
		{"no upstream of that name", func(s *Service) { s.Live = nil }, `spec.upstreamRef: Not found: "Upstream gloo-system/web-upstream: make it, or remove the field"`},
		{"one in another namespace", func(s *Service) { s.Upstream.Namespace = "shop" }, `Upstream shop/web-upstream: make it`},
		{"an upstream of another kind", func(s *Service) { s.Upstream.Kind = "UpstreamGroup" }, `spec.upstreamRef.kind: Unsupported value: "UpstreamGroup.gloo.solo.io"`},
		{"a generated one", func(s *Service) { s.Upstream.Namespace, s.Upstream.Name = "shop", "shop-web-canaryupstream-80" }, "spec.upstreamRef.name: Invalid value"},
		{"everybody", asking(Match{}), "spec.analysis.match[0]: Required value: set headers or queryParams"},
		{"a path", asking(Match{URI: Text{Prefix, "/api"}, Headers: map[string]Text{"a": {Exact, "b"}}}), "spec.analysis.match[0].uri: Forbidden"},
		{"labels of the source", asking(Match{SourceLabels: map[string]string{"a": "b"}}), "spec.analysis.match[0].sourceLabels: Forbidden"},
		{"presence alone", asking(Match{Headers: map[string]Text{"x-canary": {Exact, ""}}}), "spec.analysis.match[0].headers[x-canary]: Required value"},
		{"no expression", asking(Match{Headers: map[string]Text{"x-canary": {Regex, "("}}}), "spec.analysis.match[0].headers[x-canary].regex: Invalid value"},
		{"no name", asking(Match{Query: map[string]Text{"a b": {Exact, "1"}}}), "spec.analysis.match[0].queryParams: Invalid value"},
		{"a part of a method", asking(Match{Method: Text{Prefix, "P"}}), "spec.analysis.match[0].method.exact: Required value"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := glooFull()
			tc.change(&s)
			if _, err := gloo.Render(s, rollout.Split(0)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
	if _, err := gloo.Render(bare(), rollout.Route{Primary: rollout.Full, Match: true}); err == nil || !strings.Contains(err.Error(), "spec.analysis.match: Required value") {
		t.Errorf("a test of nobody: %v", err)
	}
}

// TestGlooFollowsTheSource: a changed setting reaches both sides; when the source is
// gone, what was copied of it stays with the route that is left.
func TestGlooFollowsTheSource(t *testing.T) {
	s := glooFull()
	rendered, err := gloo.Render(s, rollout.Split(0))
	if err != nil {
		t.Fatal(err)
	}
	balanced := func(object Object) any { return object.Object["spec"].(map[string]any)["loadBalancerConfig"] }
	changed := upstreamSource()
	changed.Object["spec"].(map[string]any)["loadBalancerConfig"] = map[string]any{"random": map[string]any{}}
	s.Live = append(slices.Clone(rendered), changed)
	again, err := gloo.Render(s, rollout.Split(0))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if diff := cmp.Diff(balanced(changed), balanced(again[i])); diff != "" {
			t.Errorf("%s does not follow (-source +rendered)\n%s", again[i].GetName(), diff)
		}
	}
	s.Live = rendered
	left, err := gloo.Leave(s, rollout.Alone)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(balanced(upstreamSource()), balanced(left[0])); diff != "" {
		t.Errorf("left without its settings (-source +left)\n%s", diff)
	}
}

// TestGlooLeaves in stages: requests go to the apex before the canary is forgotten.
func TestGlooLeaves(t *testing.T) {
	for how, want := range map[rollout.Release]string{
		rollout.Named:  "owned web-primary [primary canary]",
		rollout.Served: "free web [primary canary]",
		rollout.Alone:  "free web [primary]",
	} {
		objects, err := gloo.Leave(glooFull(), how)
		if err != nil {
			t.Fatal(err)
		}
		kube := objects[0].Object["spec"].(map[string]any)["kube"].(map[string]any)
		var sides []string
		for _, side := range []string{glooPrimary, glooCanary} {
			if text := fmt.Sprint(objects[1].Object); strings.Contains(text, "shop-web-"+side+"upstream-80") {
				sides = append(sides, side)
			}
		}
		whose := "owned"
		if len(objects[0].GetOwnerReferences())+len(objects[1].GetOwnerReferences()) == 0 {
			whose = "free"
		}
		if got := fmt.Sprintf("%s %s %v", whose, kube["serviceName"], sides); got != want {
			t.Errorf("stage %d: %s, want %s", how, got, want)
		}
	}
}

func TestNamed(t *testing.T) {
	for name, want := range map[string]bool{"gloo": true, "gloo:v1": true, "glooey": false, "kuma": true, "kuma:v1": false, "gatewayapi": false} {
		if _, got := Named(Providers, name); got != want {
			t.Errorf("%s is a provider: %t", name, got)
		}
	}
}
