package router

import (
	"strings"
	"testing"

	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/json" // keeps whole numbers whole
	"sigs.k8s.io/yaml"
)

// written is an object as a user wrote it, or as a cluster has it.
func written(text string) Object {
	plain, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		panic(err)
	}
	var object Object
	if err := json.Unmarshal(plain, &object.Object); err != nil {
		panic(err)
	}
	return object
}

// usersIngress leads to the apex on two hosts, beside a path that does not.
const usersIngress = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
  uid: "1"
  resourceVersion: "7"
  labels: {app: web, kustomize.toolkit.fluxcd.io/name: shop}
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: "{}"
    cert-manager.io/cluster-issuer: letsencrypt
    field.cattle.io/publicEndpoints: "[]"
    argocd.argoproj.io/tracking-id: "shop:networking.k8s.io/Ingress:shop/web"
    nginx.ingress.kubernetes.io/proxy-body-size: 8m
    nginx.ingress.kubernetes.io/canary-by-header: x-left-over
    zalando.org/skipper-filter: ratelimit(50, "1m")
    zalando.org/skipper-predicate: Method("GET")
spec:
  ingressClassName: public
  defaultBackend: {service: {name: web, port: {number: 80}}}
  tls: [{hosts: [shop.example.com], secretName: shop-tls}]
  rules:
    - host: shop.example.com
      http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
          - {path: /static, pathType: Prefix, backend: {service: {name: cdn, port: {name: http}}}}
    - host: www.example.com
      http:
        paths:
          - {path: /cart, pathType: Exact, backend: {service: {name: web, port: {number: 80}}}}
    - host: old.example.com
status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}
`

// plainIngress has the least an Ingress can have.
const plainIngress = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  rules:
    - http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
`

func behindIngress(ingress string, live ...string) Service {
	s := plain()
	s.Ingress, s.Settings.IngressPrefix = "web", "nginx.ingress.kubernetes.io"
	for _, text := range append([]string{ingress}, live...) {
		s.Live = append(s.Live, written(text))
	}
	return s
}

func fullNginx() Service      { return behindIngress(usersIngress) }
func minimalNginx() Service   { return behindIngress(plainIngress) }
func fullSkipper() Service    { return behindIngress(usersIngress) }
func minimalSkipper() Service { return behindIngress(plainIngress) }

// TestOriginals: what a route is built upon must be there and lead to the apex.
func TestOriginals(t *testing.T) {
	for _, tc := range []struct {
		name, provider string
		service        Service
		want           string
	}{
		{"no reference to an Ingress", "nginx", plain(), "spec.ingressRef: Required value: name the Ingress that leads to Service web"},
		{"no such Ingress", "skipper", behindIngress(strings.Replace(plainIngress, "name: web", "name: other", 1)),
			`spec.ingressRef.name: Invalid value: "web": namespace shop has no Ingress of this name: create it, with Service web behind it`},
		{"an Ingress that leads elsewhere", "nginx", behindIngress(strings.ReplaceAll(plainIngress, "service: {name: web", "service: {name: cdn")),
			`spec.ingressRef.name: Invalid value: "web": this Ingress does not lead to Service web: let one of its backends name it, or set spec.service.name`},
		{"an Ingress without rules", "skipper", behindIngress("{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web}, spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}}"),
			"spec.ingressRef.name: Invalid value: \"web\": this Ingress does not lead to Service web"},
		{"weights that are none", "skipper", behindIngress(strings.Replace(plainIngress, "namespace: shop", "annotations: {zalando.org/backend-weights: 50/50}", 1)),
			`annotation zalando.org/backend-weights of this Ingress has no weights by Service: correct it, for example {"web": 100}`},
		{"no reference to an ApisixRoute", "apisix", plain(), "spec.routeRef: Required value: name the ApisixRoute"},
		{"an ApisixRoute of streams only", "apisix", behindApisix("{apiVersion: apisix.apache.org/v2, kind: ApisixRoute, metadata: {name: web}, spec: {stream: []}}"),
			`spec.routeRef.name: Invalid value: "web": this ApisixRoute does not lead to Service web`},
		{"a rule that divides already", "apisix", behindApisix(strings.Replace(plainApisix, "backends: [", "backends: [{serviceName: old, servicePort: 80}, ", 1)),
			"http rule rule-1 of this ApisixRoute divides requests between Service web and others: let it lead to web alone"},
		{"a rule that also leads outside", "apisix", behindApisix(strings.Replace(plainApisix, "backends:", "upstreams: [{name: outside}]\n      backends:", 1)),
			"divides requests between Service web and others"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Providers[tc.provider].Render(tc.service, rollout.Split(0))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

// TestDividing: our object is found beside one of the user that is named like ours,
// and is not taken for it.
func TestDividing(t *testing.T) {
	s := behindIngress(strings.Replace(plainIngress, "name: web,", "name: blue-canary,", 1))
	s.Ingress = "blue-canary"
	rendered, err := Providers["nginx"].Render(s, rollout.Split(rollout.Percent(10)))
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := Providers["nginx"].Parse([]Object{s.Live[0], rendered[0]})
	if err != nil || got != rollout.Split(rollout.Percent(10)) {
		t.Errorf("got %+v, %v", got, err)
	}
	s = minimalNginx()
	if got, accepted, err := Providers["nginx"].Parse(s.Live); got != (rollout.Route{}) || accepted || err != nil {
		t.Errorf("without an object of ours: %+v, %v, %v", got, accepted, err)
	}
	if refs := Providers["nginx"].Refs(s); len(refs) != 2 || refs[0].Name != "web" || refs[1].Name != "web-canary" {
		t.Errorf("it reads %v", refs)
	}
}

// TestOriginalsAreOnlyRead: the live objects are the cache's.
func TestOriginalsAreOnlyRead(t *testing.T) {
	for _, name := range []string{"nginx", "skipper", "apisix"} {
		s, fresh := fixtureOf(name).full(), fixtureOf(name).full()
		if _, err := Providers[name].Render(s, rollout.Split(rollout.Percent(10))); err != nil {
			t.Fatal(err)
		}
		var changed []string
		differences("", fresh.Live[0].Object, s.Live[0].Object, &changed)
		if len(changed) > 0 {
			t.Errorf("%s changed %v of the user's object", name, changed)
		}
	}
}

// TestFieldsThatGo: an original that lost a field is seen by an annotation that a
// live copy of its former self does not have, and so is a route that lost a condition.
func TestFieldsThatGo(t *testing.T) {
	insiders := []Match{{Headers: map[string]Text{"x-canary": {Exact, "insider"}}}}
	for _, tc := range []struct {
		name, provider string
		before, after  Service
		from, to       rollout.Route
	}{
		{"an annotation of the Ingress", "nginx", behindIngress(usersIngress), behindIngress(strings.Replace(usersIngress, "nginx.ingress.kubernetes.io/proxy-body-size: 8m", "", 1)), rollout.Split(0), rollout.Split(0)},
		{"a class of the Ingress", "skipper", behindIngress(usersIngress), behindIngress(strings.Replace(usersIngress, "ingressClassName: public", "", 1)), rollout.Split(0), rollout.Split(0)},
		{"a setting of a rule", "apisix", behindApisix(usersApisix), behindApisix(strings.Replace(usersApisix, "websocket: true", "", 1)), rollout.Split(0), rollout.Split(0)},
		{"the header of a test", "nginx", withAudience(minimalNginx(), insiders), withAudience(minimalNginx(), insiders), rollout.Route{Canary: rollout.Full, Match: true}, rollout.Split(0)},
		{"a weight of a thousand", "nginx", minimalNginx(), minimalNginx(), rollout.Split(5), rollout.Split(50)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before, err := Providers[tc.provider].Render(tc.before, tc.from)
			if err != nil {
				t.Fatal(err)
			}
			after, err := Providers[tc.provider].Render(tc.after, tc.to)
			if err != nil {
				t.Fatal(err)
			}
			if before[0].GetAnnotations()[workload.RenderedAnnotation] == after[0].GetAnnotations()[workload.RenderedAnnotation] {
				t.Error("the digest is the same, so that the field would stay")
			}
		})
	}
}

// TestSteppingAside: at the end of a Canary the original serves, and our object goes
// with the Canary. It must not hold the Canary when there is nothing to step aside from.
func TestSteppingAside(t *testing.T) {
	for name, ours := range map[string]string{"nginx": "web-canary", "skipper": "web-canary", "apisix": "web-web-canary"} {
		s := withAudience(fixtureOf(name).full(), []Match{{URI: Text{Exact, "/not-possible"}}})
		for _, how := range []rollout.Release{rollout.Named, rollout.Served} {
			objects, err := Providers[name].Leave(s, how)
			if err != nil || len(objects) != 1 || objects[0].GetName() != ours || len(objects[0].GetOwnerReferences()) != 1 {
				t.Fatalf("%s, %v: left %v, %v", name, how, objects, err)
			}
		}
		served, err := Providers[name].Leave(s, rollout.Served)
		if err != nil {
			t.Fatal(err)
		}
		if route, _, err := Providers[name].Parse(served); name != "apisix" && (err != nil || route != rollout.Split(0)) {
			t.Errorf("%s is not out of the way: %+v, %v", name, route, err)
		}
		live := served[0].DeepCopy()
		live.SetOwnerReferences(nil)
		s.Live = append(s.Live, *live)
		if objects, err := Providers[name].Leave(s, rollout.Served); err != nil || len(objects) != 1 || objects[0].GetOwnerReferences() != nil {
			t.Errorf("%s: what the user made would go with the Canary: %v, %v", name, objects, err)
		}
		theirs := workload.Owner{Name: "other", UID: "u"}
		s.Live[1].SetOwnerReferences(theirs.References())
		if objects, err := Providers[name].Leave(s, rollout.Served); err != nil || len(objects) != 0 {
			t.Errorf("%s: left the object of %v: %v", name, metav1.GetControllerOfNoCopy(&s.Live[1]), err)
		}
		s.Live = nil
		if objects, err := Providers[name].Leave(s, rollout.Named); err != nil || objects != nil {
			t.Errorf("%s: without its original it left %v, %v", name, objects, err)
		}
	}
}
