package integration

import (
	"context"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
)

func TestWhatSomebodyDeletesComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.begin(weighted)
	for _, c := range []struct {
		gvk  schema.GroupVersionKind
		name string
	}{
		{httpRoute, "podinfo"},
		{corev1.SchemeGroupVersion.WithKind("Service"), "podinfo-primary"},
		{corev1.SchemeGroupVersion.WithKind("Service"), "podinfo"},
		{appsv1.SchemeGroupVersion.WithKind("Deployment"), "podinfo-primary"},
		{httpRoute, "podinfo"}, // a second time
	} {
		object := blank(c.gvk)
		w.must(plane.client.Get(w.ctx, types.NamespacedName{Namespace: w.namespace, Name: c.name}, object))
		gone := object.GetUID()
		w.must(plane.client.Delete(w.ctx, object, client.PropagationPolicy("Background")))
		w.must(follow(w.ctx, plane.client, blank(c.gvk), w.namespace, c.name, func(u *unstructured.Unstructured) bool {
			return u.GetUID() != gone
		}))
	}
}

// A hand in the split of a running release is taken back, is told and counted, and moves
// no weight; what other people keep in the object stays.
func TestWhatSomebodyChangesIsSetBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.begin(weighted)
	w.push("app:2")
	revision := w.weight(20)
	w.annotate(map[string]any{"serin.dev/pause": revision}) // so that the weight has no reason to move
	w.until("the pause to be taken up", func(c *v1beta1.Canary) bool { return c.Status.Rollout.Held })
	share := func(u *unstructured.Unstructured) int64 {
		rules, _, err := unstructured.NestedSlice(u.Object, "spec", "rules")
		w.must(err)
		if len(rules) == 0 {
			return -1
		}
		backends, _, err := unstructured.NestedSlice(rules[0].(map[string]any), "backendRefs")
		w.must(err)
		if len(backends) != 2 {
			return -1
		}
		return backends[1].(map[string]any)["weight"].(int64)
	}
	w.reachesRoute(func(u *unstructured.Unstructured) bool { return share(u) == 20 })
	for _, edit := range []string{
		`[{"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": 100}]`,
		`[{"op": "replace", "path": "/spec/rules/0/backendRefs", "value": [{"name": "podinfo", "port": 80}]}]`,
		`[{"op": "add", "path": "/metadata/labels", "value": {"somebody": "else"}}, {"op": "remove", "path": "/spec/rules"}]`,
	} {
		route := blank(httpRoute)
		route.SetNamespace(w.namespace)
		route.SetName("podinfo")
		w.must(plane.client.Patch(w.ctx, route, client.RawPatch(types.JSONPatchType, []byte(edit)), client.FieldOwner("somebody")))
		edited := route.GetGeneration()
		w.reachesRoute(func(u *unstructured.Unstructured) bool { return u.GetGeneration() > edited && share(u) == 20 })
	}
	w.heard("HTTPRoute podinfo." + w.namespace + " was changed by somebody else in spec.rules")
	if weight := w.status().Status.CanaryWeight; weight != 20 {
		t.Errorf("the weight is %d now", weight)
	}
	route := blank(httpRoute)
	w.must(plane.client.Get(w.ctx, types.NamespacedName{Namespace: w.namespace, Name: "podinfo"}, route))
	if route.GetLabels()["somebody"] != "else" {
		t.Errorf("the label of somebody else is gone: %v", route.GetLabels())
	}
}

// What a Canary no longer gives its Services goes from them, and nothing that others gave.
func TestWhatServicesAreNoLongerGivenGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate()
	w.push("app:1")
	canary := w.parse(canaryHead + indent(weighted))
	given := map[string]any{"labels": map[string]any{"team": "shop"}, "annotations": map[string]any{"example.com/owner": "shop"}}
	for field, value := range map[string]any{"apex": given, "primary": given, "canary": given, "appProtocol": "http", "trafficDistribution": "PreferClose"} {
		w.must(unstructured.SetNestedField(canary.Object, value, "spec", "service", field))
	}
	w.must(apply(w.ctx, plane.client, canary))
	w.phase("Initialized")
	service := blank(corev1.SchemeGroupVersion.WithKind("Service"))
	services := []string{"podinfo", "podinfo-primary", "podinfo-canary"}
	for _, name := range services {
		service.SetNamespace(w.namespace)
		service.SetName(name)
		patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"somebody":"else"}}}`))
		w.must(plane.client.Patch(w.ctx, service, patch, client.FieldOwner("somebody")))
		if service.GetLabels()["team"] != "shop" || textAt(service, "spec", "trafficDistribution") != "PreferClose" {
			t.Fatalf("Service %s has not what it is given: %v", name, service.Object)
		}
	}
	for _, field := range []string{"apex", "primary", "canary", "appProtocol", "trafficDistribution"} {
		w.edit(`[{"op": "remove", "path": "/spec/service/` + field + `"}]`)
	}
	for _, name := range services {
		ctx, cancel := context.WithTimeout(w.ctx, 30*time.Second)
		defer cancel()
		err := follow(ctx, plane.client, service, w.namespace, name, func(u *unstructured.Unstructured) bool {
			text, err := u.MarshalJSON()
			w.must(err)
			gone := !strings.Contains(string(text), `"shop"`) && !strings.Contains(string(text), "appProtocol\":") && textAt(u, "spec", "trafficDistribution") == ""
			return gone && u.GetLabels()["somebody"] == "else"
		})
		if err != nil {
			t.Errorf("Service %s keeps what it is no longer given: %v", name, err)
		}
	}
}

// A person, or another operator that does not know the field, takes away what a
// release remembers. The running operator must not wait for its own past.
func TestStatusThatLostItsMemoryIsTakenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.begin(weighted)
	patch := client.RawPatch(types.MergePatchType, []byte(`{"status":{"rollout":null}}`))
	raw := blank(v1beta1.GroupVersion().WithKind("Canary"))
	raw.SetNamespace(w.namespace)
	raw.SetName("podinfo")
	w.must(plane.client.Status().Patch(w.ctx, raw, patch))
	w.push("app:2")
	w.phase("Succeeded")
	if got := w.image("podinfo-primary"); got != "app:2" {
		t.Errorf("the primary runs %s", got)
	}
}

// Tools that wait for objects to settle compare the two generations.
func TestEditedSpecIsObservedWhileIdle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.begin(weighted)
	before := w.status().Generation
	w.canary("maxWeight: 60\nstepWeight: 30\n")
	w.until("the new generation", func(c *v1beta1.Canary) bool {
		return c.Generation > before && c.Status.ObservedGeneration == c.Generation
	})
}

// The younger of two Canaries of one workload is refused, until the older goes.
// Nothing else happens then that could wake it: the older was never released.
func TestYoungerCanaryTakesOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate()
	older := w.parse(`
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: aaa}
spec:
  provider: gatewayapi:v1
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: podinfo}
  service: {port: 80, targetPort: 9898, gatewayRefs: [{name: public}]}
  skipAnalysis: true
  revertOnDeletion: true
`)
	w.must(apply(w.ctx, plane.client, older))
	w.push("app:1")
	w.canary(weighted)
	w.until("the younger Canary to be refused", func(c *v1beta1.Canary) bool {
		for _, condition := range c.Status.Conditions {
			if condition.Type == v1beta1.Accepted && condition.Status == "False" {
				return true
			}
		}
		return false
	})
	w.must(plane.client.Delete(w.ctx, older))
	w.phase("Initialized")
}
