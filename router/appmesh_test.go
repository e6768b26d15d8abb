package router

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

// appMeshBare is the least that both generations need.
func appMeshBare() Service {
	s := bare()
	s.MeshName, s.Selector = "global", workload.Selector{Key: "app", Value: "web"}
	return s
}

// appMeshFull is a Service that uses every field the objects of App Mesh have a place for.
func appMeshFull() Service {
	s := plain()
	s.MeshName = "global"
	s.TargetPort = intstr.FromInt32(8080)
	s.Hosts = []string{"shop.example.com", "www.example.com"}
	s.Match = []Match{{
		URI: Text{Prefix, "/api"}, Method: Text{Exact, "GET"},
		Headers: map[string]Text{"x-tenant": {Regex, "a|b"}}, WithoutHeaders: map[string]Text{"x-debug": {Exact, "1"}},
	}}
	s.Timeout = 15 * time.Second
	s.Retries = Retries{Attempts: 3, PerTryTimeout: 5 * time.Second, On: "5xx, connect-failure,gateway-error"}
	s.Backends = []string{"backend.shop", "arn:aws:appmesh:eu-west-1:1:mesh/global/virtualService/other"}
	s.AccessLog = true
	return s
}

func appMeshScenes() []scene {
	audience := []Match{
		{Headers: map[string]Text{"x-canary": {Exact, "insider"}, "user-agent": {Prefix, "serin/"}}},
		{Headers: map[string]Text{"x-mail": {Suffix, "@example.com"}}},
	}
	paths := appMeshBare()
	paths.Match = []Match{{URI: Text{Prefix, "/api"}}, {URI: Text{Prefix, "/web"}}}
	paths.PortName, paths.Timeout, paths.Retries = "grpc-web", NoTimeout, Retries{Attempts: 2}
	return []scene{
		{"audience", "A/B: two kinds of insiders go to the canary, everybody else home", withAudience(appMeshBare(), audience), rollout.Route{Canary: rollout.Full, Match: true}},
		{"paths", "a route for each match; no timeout at all; retries as far as something is said of them", paths, rollout.Split(rollout.Percent(10))},
		{"audience-paths", "the same under A/B", withAudience(paths, audience), rollout.Route{Canary: rollout.Full, Match: true}},
	}
}

// appMeshText is what Flagger wrote of a router, in the words of a generation.
func appMeshText(version appMeshVersion, routes ...string) string {
	if version == appMeshFirst {
		text := fmt.Sprintf(`{apiVersion: appmesh.k8s.aws/v1beta1, kind: VirtualService, metadata: {name: web.shop, namespace: shop},
spec: {meshName: global, virtualRouter: {name: web}, routes: [%s]}}`, strings.Join(routes, ", "))
		return strings.NewReplacer("httpRoute", "http", "virtualNodeRef: {name: web-canary}", "virtualNodeName: web-canary",
			"virtualNodeRef: {name: web-primary}", "virtualNodeName: web-primary", "virtualNodeRef: {name: other}", "virtualNodeName: other").Replace(text)
	}
	return fmt.Sprintf(`{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualRouter, metadata: {name: web, namespace: shop},
spec: {awsName: web_shop, meshRef: {name: global, uid: u}, routes: [%s]}}`, strings.Join(routes, ", "))
}

func appMeshRoute(name, targets string) string {
	return fmt.Sprintf("{name: %s, httpRoute: {match: {prefix: /}, action: {weightedTargets: [%s]}}}", name, targets)
}

// TestAppMeshReads what others wrote: Flagger, and people.
func TestAppMeshReads(t *testing.T) {
	both := func(canary, primary int) string {
		return fmt.Sprintf("{virtualNodeRef: {name: web-canary}, weight: %d}, {virtualNodeRef: {name: web-primary}, weight: %d}", canary, primary)
	}
	const home = "{virtualNodeRef: {name: web-primary}, weight: 100}"
	for _, tc := range []struct {
		name   string
		routes []string
		want   rollout.Route
		err    string
	}{
		{"Flagger at home", []string{appMeshRoute("web", both(0, 100))}, rollout.Split(0), ""},
		{"Flagger on the way", []string{appMeshRoute("web", both(10, 90))}, rollout.Split(rollout.Percent(10)), ""},
		{"Flagger under A/B", []string{appMeshRoute("web-a", both(100, 0)), appMeshRoute("web-b", home)}, rollout.Route{Canary: rollout.Full, Match: true}, ""},
		{"relative weights", []string{appMeshRoute("web", both(10, 30))}, rollout.Split(rollout.Percent(25)), ""},
		{"nothing", nil, rollout.Route{}, "no route leads to both sides"},
		{"only home", []string{appMeshRoute("web", home)}, rollout.Route{}, "no route leads to both sides"},
		{"no weight at all", []string{appMeshRoute("web", both(0, 0))}, rollout.Route{}, "routes[0]: the weights sum to nothing"},
		{"another node", []string{appMeshRoute("web", "{virtualNodeRef: {name: other}, weight: 1}, "+home)}, rollout.Route{}, `node "other" is neither`},
		{"a node twice", []string{appMeshRoute("web", home+", "+home)}, rollout.Route{}, "or is there twice"},
		{"the canary alone", []string{appMeshRoute("web", "{virtualNodeRef: {name: web-canary}, weight: 1}")}, rollout.Route{}, "routes[0] leads to the canary alone"},
		{"two divisions", []string{appMeshRoute("web", both(10, 90)), appMeshRoute("web-2", both(20, 80))}, rollout.Route{}, "routes[1] divides the traffic differently"},
		{"the others first", []string{appMeshRoute("web-b", home), appMeshRoute("web-a", both(100, 0))}, rollout.Route{}, "routes[1] divides what the one before takes"},
		{"no HTTP", []string{"{name: web, tcpRoute: {}}"}, rollout.Route{}, "routes[0]: it is not about HTTP"},
	} {
		for _, version := range []appMeshVersion{appMeshFirst, appMeshSecond} {
			t.Run(tc.name+" "+string(version), func(t *testing.T) {
				got, _, err := appMesh(version).Parse([]Object{asRead(t, appMeshText(version, tc.routes...))})
				if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
					t.Errorf("read %+v, %v; want %+v, %q", got, err, tc.want, tc.err)
				}
			})
		}
	}
}

// TestAppMeshAccepts: a step counts when all objects are there and App Mesh has nothing against them.
func TestAppMeshAccepts(t *testing.T) {
	const active = "{observedGeneration: 3, conditions: [{type: VirtualRouterActive, status: 'True'}]}"
	for _, tc := range []struct {
		name, kind, object, status string // of the object; without status it is not there
		want                       bool
	}{
		{"nobody speaks", appMeshRouter, "web", "{}", true},
		{"active", appMeshRouter, "web", active, true},
		{"the generation before", appMeshRouter, "web", strings.Replace(active, "3", "2", 1), false},
		{"not active", appMeshRouter, "web", strings.Replace(active, "True", "False", 1), false},
		{"a node that is not active", appMeshNode, "web-canary", "{conditions: [{type: VirtualNodeActive, status: Unknown}]}", false},
		{"a mesh that stays", appMeshNode, "web-canary", "{conditions: [{type: MeshMarkedForDeletion, status: 'False'}]}", true},
		{"no node of the primary", appMeshNode, "web-primary", "", false},
		{"no service", appMeshService, "web", "", false},
		{"no router", appMeshRouter, "web", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rendered, err := appMesh(appMeshSecond).Render(appMeshFull(), rollout.Split(0))
			if err != nil {
				t.Fatal(err)
			}
			var objects []Object
			for _, object := range rendered {
				object.SetGeneration(3)
				if object.GetKind() == tc.kind && object.GetName() == tc.object {
					if tc.status == "" {
						continue
					}
					var status any
					if err := yaml.Unmarshal([]byte(tc.status), &status); err != nil {
						t.Fatal(err)
					}
					object.Object["status"] = status
				}
				objects = append(objects, object)
			}
			if _, got, _ := appMesh(appMeshSecond).Parse(objects); got != tc.want {
				t.Errorf("accepted: %t", got)
			}
		})
	}
}

// TestAppMeshRefuses what it cannot express, by the name of the field.
func TestAppMeshRefuses(t *testing.T) {
	asking := func(m Match) func(*Service) { return func(s *Service) { s.Audience = []Match{m} } }
	serving := func(m Match) func(*Service) { return func(s *Service) { s.Match = []Match{m} } }
	many := map[string]Text{}
	for i := range appMeshHeaders + 1 {
		many[fmt.Sprintf("x-%d", i)] = Text{Exact, "1"}
	}
	for _, tc := range []struct {
		name   string
		change func(*Service)
		want   string
	}{
		{"no mesh", func(s *Service) { s.MeshName = "" }, "spec.service.meshName: Required value: name the mesh"},
		{"no backend", func(s *Service) { s.Backends = []string{""} }, "spec.service.backends[0]: Required value"},
		{"microseconds", func(s *Service) { s.Timeout = time.Microsecond }, `spec.service.timeout: Invalid value: "1µs"`},
		{"and of retries", func(s *Service) { s.Retries.PerTryTimeout = time.Microsecond }, "spec.service.retries.perTryTimeout: Invalid value"},
		{"another reason", func(s *Service) { s.Retries.On = "5xx,reset" }, `spec.service.retries.retryOn: Unsupported value: "reset"`},
		{"a whole path", serving(Match{URI: Text{Exact, "/api"}}), "spec.service.match[0].uri.prefix: Required value"},
		{"a method of that name", serving(Match{Method: Text{Exact, "BREW"}}), "spec.service.match[0].method.exact: Unsupported value"},
		{"a query", serving(Match{Query: map[string]Text{"a": {Exact, "b"}}}), "spec.service.match[0].queryParams: Forbidden"},
		{"everybody", asking(Match{}), "spec.analysis.match[0].headers: Required value: without headers every request would match"},
		{"labels of the source", asking(Match{SourceLabels: map[string]string{"a": "b"}}), "spec.analysis.match[0].sourceLabels: Forbidden"},
		{"presence alone", asking(Match{Headers: map[string]Text{"x-canary": {}}}), "spec.analysis.match[0].headers[x-canary]: Required value"},
		{"no expression", asking(Match{Headers: map[string]Text{"x-canary": {Regex, "("}}}), "spec.analysis.match[0].headers[x-canary].regex: Invalid value"},
		{"no name", asking(Match{Headers: map[string]Text{"a b": {Exact, "1"}}}), `spec.analysis.match[0].headers: Invalid value: "a b"`},
		{"a long value", asking(Match{Headers: map[string]Text{"a": {Exact, strings.Repeat("b", 256)}}}), "spec.analysis.match[0].headers[a]: Too long"},
		{"many headers", asking(Match{Headers: many}), "spec.analysis.match.headers: Too many"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := appMeshFull()
			tc.change(&s)
			if _, err := appMesh(appMeshFirst).Render(s, rollout.Split(0)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
	unnamed := appMeshBare()
	unnamed.MeshName = ""
	if _, err := appMesh(appMeshSecond).Render(unnamed, rollout.Split(0)); err != nil {
		t.Errorf("the second generation needs no name of a mesh: %v", err)
	}
}

// TestAppMeshNodesAreAhead: pods start when their node is there, as it will stay.
func TestAppMeshNodesAreAhead(t *testing.T) {
	for version, want := range map[appMeshVersion]int{appMeshFirst: 3, appMeshSecond: 2} {
		p := appMesh(version)
		rendered, err := p.Render(appMeshFull(), rollout.Split(0))
		if err != nil {
			t.Fatal(err)
		}
		ahead, err := p.Ahead(appMeshFull())
		if err != nil || len(ahead) != want {
			t.Fatalf("%s: %d objects, %v", version, len(ahead), err)
		}
		if diff := cmp.Diff(rendered[:want], ahead); diff != "" {
			t.Errorf("%s (-rendered +ahead)\n%s", version, diff)
		}
		read := map[Ref]bool{}
		for _, ref := range p.Refs(appMeshFull()) {
			read[ref] = true
		}
		for _, object := range rendered {
			if ref := (Ref{object.GroupVersionKind(), object.GetNamespace(), object.GetName()}); !read[ref] {
				t.Errorf("%v is rendered and not read", ref)
			}
		}
		if len(read) != len(rendered) {
			t.Errorf("%s: %d are read, %d rendered", version, len(read), len(rendered))
		}
		if _, err := p.Ahead(Service{Name: "web", Namespace: "shop", Port: 80, Timeout: 1}); err == nil || !strings.Contains(err.Error(), "spec.service.timeout") {
			t.Errorf("%s: want a refusal, got %v", version, err)
		}
	}
}

// TestAppMeshLeaves in stages: requests are led to the workload's own pods, which are
// found by the apex Service by then, before the sides are forgotten.
func TestAppMeshLeaves(t *testing.T) {
	for _, tc := range []struct {
		provider string
		how      rollout.Release
		want     string
	}{
		{"appmesh", rollout.Named, "owned web at web.shop: web-canary 0, web-primary 100, web 0"},
		{"appmesh", rollout.Served, "free web at web.shop: web-canary 0, web-primary 0, web 100"},
		{"appmesh", rollout.Alone, "free web at web.shop: web 100"},
		{"appmesh:v1beta2", rollout.Named, "owned web-canary at web-canary.shop.svc.cluster.local.: web-primary 100, web-canary 0"},
		{"appmesh:v1beta2", rollout.Served, "free web-canary at web.shop.svc.cluster.local.: web-primary 0, web-canary 100"},
		{"appmesh:v1beta2", rollout.Alone, "free web-canary at web.shop.svc.cluster.local.: web-canary 100"},
	} {
		objects, err := Providers[tc.provider].Leave(appMeshFull(), tc.how)
		if err != nil {
			t.Fatal(err)
		}
		if got := appMeshSummary(objects); got != tc.want {
			t.Errorf("%s\ngot  %s\nwant %s", tc.provider, got, tc.want)
		}
	}
	s := appMeshFull()
	s.Timeout = time.Microsecond
	if _, err := Providers["appmesh"].Leave(s, rollout.Alone); err == nil || !strings.Contains(err.Error(), "render VirtualService shop/web.shop: spec.service.timeout") {
		t.Errorf("a timeout that App Mesh cannot count: %v", err)
	}
}

// appMeshSummary says who owns the objects, where the node finds its pods, and where the
// first route leads.
func appMeshSummary(objects []Object) string {
	owned := "free"
	for _, object := range objects {
		if len(object.GetOwnerReferences()) > 0 {
			owned = "owned"
		}
	}
	fields := func(object Object) map[string]any { return object.Object["spec"].(map[string]any) }
	dns := fields(objects[0])["serviceDiscovery"].(map[string]any)["dns"].(map[string]any)
	route := fields(objects[1])["routes"].([]any)[0].(map[string]any)
	content, ok := route["httpRoute"].(map[string]any)
	if !ok {
		content = route["http"].(map[string]any)
	}
	var ends []string
	for _, target := range content["action"].(map[string]any)["weightedTargets"].([]any) {
		end := target.(map[string]any)
		name := end["virtualNodeName"]
		if ref, ok := end["virtualNodeRef"].(map[string]any); ok {
			name = ref["name"]
		}
		ends = append(ends, fmt.Sprintf("%v %v", name, end["weight"]))
	}
	host := dns["hostname"]
	if host == nil {
		host = dns["hostName"]
	}
	return fmt.Sprintf("%s %s at %v: %s", owned, objects[0].GetName(), host, strings.Join(ends, ", "))
}
