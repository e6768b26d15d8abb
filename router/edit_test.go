package router

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/json" // keeps whole numbers whole
	"sigs.k8s.io/yaml"

	"github.com/serinhq/serin/rollout"
)

// grpcRouteKind is edited by the code of HTTPRoutes.
var grpcRouteKind = gvk{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "GRPCRoute"}

// inUse is a Service whose route is an object of the user's, of the kind of an editor.
func inUse(e *Editor) Service {
	s := plain()
	s.Route = Ref{e.Kind, s.Namespace, "front"}
	return s
}

// front is the object of a user with this spec, which is read as an API server gives it.
func front(t testing.TB, e *Editor, spec string) Object {
	t.Helper()
	object := Object{Object: whole(t, "metadata: {name: front, namespace: shop, labels: {by: flux}, annotations: {owner: team}}\nspec: "+spec)}
	object.SetGroupVersionKind(e.Kind)
	return object
}

// whole decodes YAML with whole numbers, as they come from the cluster.
func whole(t testing.TB, text string) map[string]any {
	t.Helper()
	encoded, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(encoded, &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

var editorsUnderTest = map[string]*Editor{
	"HTTPRoute":      Providers["gatewayapi:v1"].Edit,
	"GRPCRoute":      gatewayEditor(grpcRouteKind),
	"VirtualService": istioEditor,
	"HTTPProxy":      contourEditor,
	"RouteTable":     glooEditor,
	"TraefikService": traefikEditor,
}

func TestEditors(t *testing.T) {
	for _, tc := range []struct {
		name, kind string
		tenths     int
		spec, want string
		kept       string
	}{
		{"a filter and two rules", "HTTPRoute", 100,
			`{hostnames: [a.example], rules: [{matches: [{path: {value: /a}}], timeouts: {request: 5s}, backendRefs: [{name: web, port: 80, filters: [{type: URLRewrite}]}]}, {backendRefs: [{name: other, port: 80}]}, {backendRefs: [{kind: Service, group: "", name: web, port: 80, weight: 7}]}]}`,
			`{hostnames: [a.example], rules: [{matches: [{path: {value: /a}}], timeouts: {request: 5s}, backendRefs: [{name: web, port: 80, weight: 90, filters: [{type: URLRewrite}]}, {name: web-canary, port: 80, weight: 10, filters: [{type: URLRewrite}]}]}, {backendRefs: [{name: other, port: 80}]}, {backendRefs: [{kind: Service, group: "", name: web, port: 80, weight: 90}, {kind: Service, group: "", name: web-canary, port: 80, weight: 10}]}]}`,
			`{"web":[{"at":"spec.rules[0]","weights":[null]},{"at":"spec.rules[2]","weights":[7]}]}`},
		{"another backend keeps its quarter", "HTTPRoute", 55,
			`{rules: [{backendRefs: [{name: other, port: 80, weight: 25}, {name: web, port: 80, weight: 75}]}]}`,
			`{rules: [{backendRefs: [{name: other, port: 80, weight: 1000}, {name: web, port: 80, weight: 2835}, {name: web-canary, port: 80, weight: 165}]}]}`,
			`{"web":[{"at":"spec.rules[0]","weights":[25,75]}]}`},
		{"Services of others, of the name", "HTTPRoute", 100,
			`{rules: [{backendRefs: [{name: web, port: 80}, {name: web, namespace: other, port: 80}, {name: web, kind: ServiceImport, group: multicluster.x-k8s.io, port: 80}]}]}`,
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 90}, {name: web-canary, port: 80, weight: 10}, {name: web, namespace: other, port: 80, weight: 100}, {name: web, kind: ServiceImport, group: multicluster.x-k8s.io, port: 80, weight: 100}]}]}`,
			`{"web":[{"at":"spec.rules[0]","weights":[null,null,null]}]}`},
		{"somebody's own way to the canary", "HTTPRoute", 100,
			`{rules: [{matches: [{headers: [{name: preview, value: "1"}]}], backendRefs: [{name: web-canary, port: 80}]}, {backendRefs: [{name: web, port: 80}]}]}`,
			`{rules: [{matches: [{headers: [{name: preview, value: "1"}]}], backendRefs: [{name: web-canary, port: 80}]}, {backendRefs: [{name: web, port: 80, weight: 90}, {name: web-canary, port: 80, weight: 10}]}]}`,
			`{"web":[{"at":"spec.rules[1]","weights":[null]}]}`},
		{"a backend that is parked", "HTTPRoute", 100,
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 0}]}, {backendRefs: [{name: web, port: 80}]}]}`,
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 0}]}, {backendRefs: [{name: web, port: 80, weight: 90}, {name: web-canary, port: 80, weight: 10}]}]}`,
			`{"web":[{"at":"spec.rules[1]","weights":[null]}]}`},
		{"calls", "GRPCRoute", 1000,
			`{rules: [{matches: [{method: {service: shop.Cart}}], backendRefs: [{name: web, port: 80}]}]}`,
			`{rules: [{matches: [{method: {service: shop.Cart}}], backendRefs: [{name: web, port: 80, weight: 0}, {name: web-canary, port: 80, weight: 100}]}]}`,
			`{"web":[{"at":"spec.rules[0]","weights":[null]}]}`},
		{"all protocols, all spellings", "VirtualService", 300,
			`{hosts: [web], http: [{mirror: {host: web}, route: [{destination: {host: web.shop.svc.cluster.local, port: {number: 80}}, headers: {request: {set: {a: b}}}}]}, {delegate: {name: x}}], tcp: [{route: [{destination: {host: web.shop}, weight: 100}]}], tls: [{match: [{sniHosts: [a]}], route: [{destination: {host: web}}, {destination: {host: web.other}, weight: 1}]}]}`,
			`{hosts: [web], http: [{mirror: {host: web}, route: [{destination: {host: web.shop.svc.cluster.local, port: {number: 80}}, weight: 70, headers: {request: {set: {a: b}}}}, {destination: {host: web-canary.shop.svc.cluster.local, port: {number: 80}}, weight: 30, headers: {request: {set: {a: b}}}}]}, {delegate: {name: x}}], tcp: [{route: [{destination: {host: web.shop}, weight: 70}, {destination: {host: web-canary.shop}, weight: 30}]}], tls: [{match: [{sniHosts: [a]}], route: [{destination: {host: web}}, {destination: {host: web.other}, weight: 1}]}]}`,
			`{"web":[{"at":"spec.http[0]","weights":[null]},{"at":"spec.tcp[0]","weights":[100]}]}`},
		{"a mirror is no part", "HTTPProxy", 500,
			`{virtualhost: {fqdn: a.example}, routes: [{conditions: [{prefix: /}], services: [{name: web, port: 80, protocol: h2c}, {name: audit, port: 80, mirror: true, weight: 30}]}], tcpproxy: {services: [{name: web, port: 80}, {name: other, port: 80}]}}`,
			`{virtualhost: {fqdn: a.example}, routes: [{conditions: [{prefix: /}], services: [{name: web, port: 80, protocol: h2c, weight: 50}, {name: web-canary, port: 80, protocol: h2c, weight: 50}, {name: audit, port: 80, mirror: true, weight: 30}]}], tcpproxy: {services: [{name: web, port: 80, weight: 50}, {name: web-canary, port: 80, weight: 50}, {name: other, port: 80, weight: 100}]}}`,
			`{"web":[{"at":"spec.routes[0]","weights":[null]},{"at":"spec.tcpproxy","weights":[null,null]}]}`},
		{"one destination and several", "RouteTable", 100,
			`{routes: [{matchers: [{prefix: /}], options: {timeout: 5s}, routeAction: {single: {kube: {ref: {name: web, namespace: shop}, port: 80}}}}, {routeAction: {multi: {destinations: [{weight: 3, destination: {kube: {ref: {name: web, namespace: shop}, port: 80}}}, {weight: 1, destination: {upstream: {name: u, namespace: gloo}}}]}}}, {redirectAction: {hostRedirect: b}}]}`,
			`{routes: [{matchers: [{prefix: /}], options: {timeout: 5s}, routeAction: {multi: {destinations: [{weight: 90, destination: {kube: {ref: {name: web, namespace: shop}, port: 80}}}, {weight: 10, destination: {kube: {ref: {name: web-canary, namespace: shop}, port: 80}}}]}}}, {routeAction: {multi: {destinations: [{weight: 270, destination: {kube: {ref: {name: web, namespace: shop}, port: 80}}}, {weight: 30, destination: {kube: {ref: {name: web-canary, namespace: shop}, port: 80}}}, {weight: 100, destination: {upstream: {name: u, namespace: gloo}}}]}}}, {redirectAction: {hostRedirect: b}}]}`,
			`{"web":[{"at":"spec.routes[0].routeAction","weights":[null],"single":true},{"at":"spec.routes[1].routeAction","weights":[3,1]}]}`},
		{"a Service and another TraefikService", "TraefikService", 100,
			`{weighted: {sticky: {cookie: {name: s}}, services: [{name: web, port: http, weight: 1}, {name: web, kind: TraefikService, weight: 1}]}}`,
			`{weighted: {sticky: {cookie: {name: s}}, services: [{name: web, port: http, weight: 90}, {name: web-canary, port: http, weight: 10}, {name: web, kind: TraefikService, weight: 100}]}}`,
			`{"web":[{"at":"spec.weighted","weights":[1,1]}]}`},
		{"a side without traffic is not named", "TraefikService", 1000,
			`{weighted: {services: [{name: web, port: 80}]}}`, `{weighted: {services: [{name: web-canary, port: 80, weight: 100}]}}`,
			`{"web":[{"at":"spec.weighted","weights":[null]}]}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := editorsUnderTest[tc.kind]
			original, want, s := front(t, e, tc.spec), front(t, e, tc.want), inUse(e)
			want.SetAnnotations(map[string]string{"owner": "team", OriginalAnnotation: tc.kept})
			untouched := original.DeepCopy()
			got, err := e.Divide(original, s, rollout.Split(tc.tenths))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.Object, got.Object); diff != "" {
				t.Errorf("divided (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(untouched.Object, original.Object); diff != "" {
				t.Errorf("the object that was read was changed:\n%s", diff)
			}
			again, err := e.Divide(got, s, rollout.Split(0))
			if diff := cmp.Diff(original.Object, again.Object); diff != "" || err != nil {
				t.Errorf("at rest it is not the user's (%v):\n%s", err, diff)
			}
			if diff := cmp.Diff(original.Object, e.Restore(got, s).Object); diff != "" {
				t.Errorf("given back it is not the user's:\n%s", diff)
			}
		})
	}
}

// In a release the canary is named before it gets a share and after it had one, if that
// does no harm.
func TestEditorsNameTheCanaryBeforeItsShare(t *testing.T) {
	for kind, specs := range map[string][2]string{
		"HTTPRoute": {`{rules: [{backendRefs: [{name: web, port: 80, weight: 3}, {name: other, port: 80, weight: 1}]}]}`,
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 300}, {name: web-canary, port: 80, weight: 0}, {name: other, port: 80, weight: 100}]}]}`},
		"HTTPProxy": {`{routes: [{services: [{name: web, port: 80}]}]}`,
			`{routes: [{services: [{name: web, port: 80, weight: 100}, {name: web-canary, port: 80, weight: 0}]}]}`},
		"TraefikService": {`{weighted: {services: [{name: web, port: 80}]}}`, `{weighted: {services: [{name: web, port: 80}]}}`},
	} {
		t.Run(kind, func(t *testing.T) {
			e := editorsUnderTest[kind]
			original, s := front(t, e, specs[0]), inUse(e)
			trying := s
			trying.Trying = true
			named, err := e.Divide(original, trying, rollout.Split(0))
			if diff := cmp.Diff(front(t, e, specs[1]).Object["spec"], named.Object["spec"]); diff != "" || err != nil {
				t.Errorf("named (%v) (-want +got):\n%s", err, diff)
			}
			if route, err := e.Parse(named, trying); route != rollout.Split(0) || err != nil {
				t.Errorf("it is read as %+v, %v", route, err)
			}
			shared, err := e.Divide(named, trying, rollout.Split(200))
			if err != nil {
				t.Fatal(err)
			}
			again, err := e.Divide(shared, trying, rollout.Split(0))
			if diff := cmp.Diff(named.Object, again.Object); diff != "" || err != nil {
				t.Errorf("after its share (%v):\n%s", err, diff)
			}
			rest, err := e.Divide(again, s, rollout.Split(0))
			if diff := cmp.Diff(original.Object, rest.Object); diff != "" || err != nil {
				t.Errorf("at rest it is not the user's (%v):\n%s", err, diff)
			}
		})
	}
}

// What people change while an object is divided counts, and is there at rest.
func TestEditsInBetween(t *testing.T) {
	const plainRules = `{rules: [{backendRefs: [{name: web, port: 80}]}, {backendRefs: [{name: web, port: 80, weight: 7}]}]}`
	for _, tc := range []struct {
		name, kind, original, live string
		kept                       string // instead of what was kept
		want, rest                 string
	}{
		{"a GitOps tool put the original back", "HTTPRoute", plainRules, plainRules, "",
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 80}, {name: web-canary, port: 80, weight: 20}]}, {backendRefs: [{name: web, port: 80, weight: 80}, {name: web-canary, port: 80, weight: 20}]}]}`, plainRules},
		{"a rule before the others", "HTTPRoute", plainRules,
			`{rules: [{matches: [{path: {value: /new}}], backendRefs: [{name: other, port: 80}]}, {backendRefs: [{name: web, port: 80, weight: 90}, {name: web-canary, port: 80, weight: 10}]}, {backendRefs: [{name: web, port: 80, weight: 90}, {name: web-canary, port: 80, weight: 10}]}]}`, "",
			`{rules: [{matches: [{path: {value: /new}}], backendRefs: [{name: other, port: 80}]}, {backendRefs: [{name: web, port: 80, weight: 80}, {name: web-canary, port: 80, weight: 20}]}, {backendRefs: [{name: web, port: 80, weight: 80}, {name: web-canary, port: 80, weight: 20}]}]}`,
			`{rules: [{matches: [{path: {value: /new}}], backendRefs: [{name: other, port: 80}]}, {backendRefs: [{name: web, port: 80, weight: 7}]}, {backendRefs: [{name: web, port: 80}]}]}`},
		{"another rule to the apex", "HTTPRoute", `{rules: [{backendRefs: [{name: web, port: 80}]}]}`,
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 90}, {name: web-canary, port: 80, weight: 10}]}, {backendRefs: [{name: web, port: 80, weight: 3}]}]}`, "",
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 80}, {name: web-canary, port: 80, weight: 20}]}, {backendRefs: [{name: web, port: 80, weight: 80}, {name: web-canary, port: 80, weight: 20}]}]}`,
			`{rules: [{backendRefs: [{name: web, port: 80}]}, {backendRefs: [{name: web, port: 80, weight: 3}]}]}`},
		{"another backend has another part", "HTTPRoute", `{rules: [{backendRefs: [{name: web, port: 80, weight: 3}, {name: other, port: 80, weight: 1}]}]}`,
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 270}, {name: web-canary, port: 80, weight: 30}, {name: other, port: 80, weight: 300}]}]}`, "",
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 80}, {name: web-canary, port: 80, weight: 20}, {name: other, port: 80, weight: 100}]}]}`,
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 300}, {name: other, port: 80, weight: 300}]}]}`},
		{"a hand in the split alone", "HTTPRoute", `{rules: [{backendRefs: [{name: web, port: 80}]}]}`,
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 1}, {name: web-canary, port: 80, weight: 99}]}]}`, "",
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 80}, {name: web-canary, port: 80, weight: 20}]}]}`,
			`{rules: [{backendRefs: [{name: web, port: 80}]}]}`},
		{"the canary was taken out", "HTTPRoute", `{rules: [{backendRefs: [{name: web, port: 80}]}]}`,
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 90}]}]}`, "",
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 80}, {name: web-canary, port: 80, weight: 20}]}]}`,
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 90}]}]}`},
		{"a field of both sides", "HTTPRoute", `{rules: [{backendRefs: [{name: web, port: 80}]}]}`,
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 90, filters: [{type: CORS}]}, {name: web-canary, port: 80, weight: 10, filters: [{type: CORS}]}]}]}`, "",
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 80, filters: [{type: CORS}]}, {name: web-canary, port: 80, weight: 20, filters: [{type: CORS}]}]}]}`,
			`{rules: [{backendRefs: [{name: web, port: 80, filters: [{type: CORS}]}]}]}`},
		{"a field of one side, which becomes that of both", "HTTPRoute", `{rules: [{backendRefs: [{name: web, port: 80}]}]}`,
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 90, filters: [{type: CORS}]}, {name: web-canary, port: 80, weight: 10}]}]}`, "",
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 80, filters: [{type: CORS}]}, {name: web-canary, port: 80, weight: 20, filters: [{type: CORS}]}]}]}`,
			`{rules: [{backendRefs: [{name: web, port: 80, filters: [{type: CORS}]}]}]}`},
		{"what was kept is lost", "HTTPRoute", `{rules: [{backendRefs: [{name: web, port: 80}]}]}`,
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 90}, {name: web-canary, port: 80, weight: 10}]}]}`, "{",
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 80}, {name: web-canary, port: 80, weight: 20}]}]}`,
			`{rules: [{backendRefs: [{name: web, port: 80, weight: 100}]}]}`},
		{"a destination is a list by now", "RouteTable", `{routes: [{routeAction: {single: {kube: {ref: {name: web, namespace: shop}, port: 80}}}}]}`,
			`{routes: [{routeAction: {multi: {destinations: [{weight: 90, destination: {kube: {ref: {name: web, namespace: shop}, port: 80}}}, {weight: 10, destination: {kube: {ref: {name: web-canary, namespace: shop}, port: 80}}}, {weight: 100, destination: {upstream: {name: u, namespace: gloo}}}]}}}]}`, "",
			`{routes: [{routeAction: {multi: {destinations: [{weight: 80, destination: {kube: {ref: {name: web, namespace: shop}, port: 80}}}, {weight: 20, destination: {kube: {ref: {name: web-canary, namespace: shop}, port: 80}}}, {weight: 100, destination: {upstream: {name: u, namespace: gloo}}}]}}}]}`,
			`{routes: [{routeAction: {multi: {destinations: [{weight: 100, destination: {kube: {ref: {name: web, namespace: shop}, port: 80}}}, {weight: 100, destination: {upstream: {name: u, namespace: gloo}}}]}}}]}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := editorsUnderTest[tc.kind]
			s := inUse(e)
			before, err := e.Divide(front(t, e, tc.original), s, rollout.Split(100))
			if err != nil {
				t.Fatal(err)
			}
			live := front(t, e, tc.live)
			live.SetAnnotations(before.GetAnnotations())
			if tc.kept != "" {
				live.SetAnnotations(map[string]string{"owner": "team", OriginalAnnotation: tc.kept})
			}
			got, err := e.Divide(live, s, rollout.Split(200))
			if diff := cmp.Diff(front(t, e, tc.want).Object["spec"], got.Object["spec"]); diff != "" || err != nil {
				t.Errorf("divided (%v) (-want +got):\n%s", err, diff)
			}
			if diff := cmp.Diff(front(t, e, tc.rest).Object, e.Restore(got, s).Object); diff != "" {
				t.Errorf("at rest (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(front(t, e, tc.rest).Object, e.Restore(live, s).Object); diff != "" {
				t.Errorf("given back at once (-want +got):\n%s", diff)
			}
		})
	}
}

// Releases of two Services may divide requests in one object.
func TestEditorsShareAnObject(t *testing.T) {
	e := editorsUnderTest["HTTPRoute"]
	first, second := inUse(e), inUse(e)
	second.Name = "cart"
	original := front(t, e, `{rules: [{backendRefs: [{name: web, port: 80}]}, {backendRefs: [{name: cart, port: 80, weight: 5}]}]}`)
	live, err := e.Divide(original, first, rollout.Split(100))
	if err != nil {
		t.Fatal(err)
	}
	both, err := e.Divide(live, second, rollout.Split(500))
	if err != nil {
		t.Fatal(err)
	}
	if route, err := e.Parse(both, first); route != rollout.Split(100) || err != nil {
		t.Errorf("the first is at %v, %v", route, err)
	}
	if diff := cmp.Diff(live.Object, e.Restore(both, second).Object); diff != "" {
		t.Errorf("the second took the first with it:\n%s", diff)
	}
	if diff := cmp.Diff(original.Object, e.Restore(e.Restore(both, first), second).Object); diff != "" {
		t.Errorf("at rest it is not the user's:\n%s", diff)
	}
}

func TestEditorsRefuse(t *testing.T) {
	for _, tc := range []struct{ name, kind, spec, want string }{
		{"a route to others", "HTTPRoute", `{rules: [{backendRefs: [{name: other, port: 80}]}]}`,
			`spec.routeRef.name: Invalid value: "front": this HTTPRoute does not lead to Service web: let one of its backends name it`},
		{"no rules", "HTTPRoute", `{}`, `this HTTPRoute does not lead to Service web`},
		{"a port of nobody", "HTTPRoute", `{rules: [{backendRefs: [{name: web, port: 9090}]}]}`,
			`spec.rules[0]: port 9090 is none of Service web-canary: name port 80, or let spec.service.portDiscovery find it`},
		{"a port by another name", "TraefikService", `{weighted: {services: [{name: web, port: metrics}]}}`, `port metrics is none of Service web-canary`},
		{"a weight too great", "HTTPRoute", `{rules: [{backendRefs: [{name: web, port: 80, weight: 1001}, {name: other, port: 80, weight: 1000}]}]}`,
			`spec.rules[0]: a weight of 1001 cannot be divided into tenths of a percent: give weights of at most 1000`},
		{"a subset", "VirtualService", `{http: [{route: [{destination: {host: web, subset: v1}}]}]}`,
			`spec.http[0]: destination web has the subset v1, which the canary has not: remove subset`},
		{"an Upstream", "RouteTable", `{routes: [{routeAction: {single: {upstream: {name: shop-web-80, namespace: gloo}}}}]}`, `this RouteTable does not lead to Service web`},
		{"nothing weighted", "TraefikService", `{mirroring: {name: web, port: 80}}`, `this TraefikService does not lead to Service web`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := editorsUnderTest[tc.kind]
			// At rest already: a release must not find out in the middle.
			_, err := e.Divide(front(t, e, tc.spec), inUse(e), rollout.Split(0))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

// A provider turns to the user's object only if it is of the kind that it can change.
func TestInPlace(t *testing.T) {
	for name, provider := range Providers {
		if provider.Edit == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			s := inUse(provider.Edit)
			s.Route.Version = "v0" // users name the version they know
			in := provider.InPlace(s)
			if refs := in.Refs(s); !in.Borrowed || len(refs) != 1 || refs[0] != (Ref{provider.Edit.Kind, "shop", "front"}) {
				t.Fatalf("it reads %v", refs)
			}
			if _, err := in.Render(s, rollout.Split(0)); err == nil || !strings.Contains(err.Error(), "spec.routeRef.name") {
				t.Errorf("without the object: %v", err)
			}
			if left, err := in.Leave(s, rollout.Served); len(left) > 0 || err != nil {
				t.Errorf("without the object it leaves %v, %v", left, err)
			}
			if _, accepted, err := in.Parse(nil); accepted || err != nil {
				t.Errorf("without the object: %v, %v", accepted, err)
			}
			for _, r := range []rollout.Route{{Primary: rollout.Full, Match: true}, {Primary: rollout.Full, Mirror: 10}} {
				if _, err := in.Render(s, r); err == nil || !strings.Contains(err.Error(), "not supported") {
					t.Errorf("%+v: %v", r, err)
				}
			}
			s.Route.Kind = "Somewhere"
			if provider.InPlace(s).Borrowed || provider.InPlace(plain()).Borrowed {
				t.Error("it turns to an object that it cannot change")
			}
		})
	}
}

// What the data plane says of an object counts as it does for one of ours.
func TestEditedObjectsAreAccepted(t *testing.T) {
	for _, tc := range []struct {
		name, kind, spec, status string
		want                     bool
	}{
		{"nobody spoke", "HTTPRoute", `{parentRefs: [{name: public}], rules: [{backendRefs: [{name: web, port: 80}]}]}`, `{}`, false},
		{"a gateway took it", "GRPCRoute", `{parentRefs: [{name: public}], rules: [{matches: [{method: {service: a}}], backendRefs: [{name: web, port: 80}]}]}`,
			`{parents: [{parentRef: {name: public}, controllerName: a/b, conditions: [{type: Accepted, status: "True", observedGeneration: 3}]}]}`, true},
		{"a gateway took the one before", "HTTPRoute", `{parentRefs: [{name: public}], rules: [{backendRefs: [{name: web, port: 80}]}]}`,
			`{parents: [{parentRef: {name: public}, controllerName: a/b, conditions: [{type: Accepted, status: "True", observedGeneration: 2}]}]}`, false},
		{"istiod is silent", "VirtualService", `{http: [{route: [{destination: {host: web}}]}]}`, `{}`, true},
		{"istiod has not come so far", "VirtualService", `{http: [{route: [{destination: {host: web}}]}]}`,
			`{conditions: [{type: Reconciled, status: "False", observedGeneration: 3}]}`, false},
		{"Contour serves it", "HTTPProxy", `{routes: [{services: [{name: web, port: 80}]}]}`,
			`{currentStatus: valid, conditions: [{type: Valid, status: "True", observedGeneration: 3}]}`, true},
		{"Contour serves another", "HTTPProxy", `{routes: [{services: [{name: web, port: 80}]}]}`,
			`{currentStatus: valid, conditions: [{type: Valid, status: "True", observedGeneration: 2}]}`, false},
		{"Gloo warns", "RouteTable", `{routes: [{routeAction: {single: {kube: {ref: {name: web, namespace: shop}, port: 80}}}}]}`, `{statuses: {a: {state: Warning}}}`, false},
		{"Traefik never speaks", "TraefikService", `{weighted: {services: [{name: web, port: 80}]}}`, `{}`, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := editorsUnderTest[tc.kind]
			s := inUse(e)
			live := front(t, e, tc.spec)
			live.SetGeneration(3)
			live.Object["status"] = whole(t, "status: "+tc.status)["status"]
			divided, err := e.Divide(live, s, rollout.Split(300))
			if err != nil {
				t.Fatal(err)
			}
			route, accepted, err := (Provider{Edit: e}).InPlace(s).Parse([]Object{divided})
			if route != rollout.Split(300) || accepted != tc.want || err != nil {
				t.Errorf("got %+v, %t, %v", route, accepted, err)
			}
		})
	}
}
