package integration

import (
	"context"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
)

// Weights that somebody writes into the route are no progress, and a service that its
// user edits is no new beginning: the release goes on from where it is.
func TestRouteAndServiceEditedUnderARelease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hooks.refuse("gate", true)
	w.begin(weighted + "webhooks:\n- {name: gate, type: confirm-promotion, url: " + w.hooks.URL + "/gate}\n")
	w.push("app:2")
	w.until("the promotion to wait for approval", func(c *v1beta1.Canary) bool { return c.Status.Phase == "WaitingPromotion" })

	route := blank(httpRoute)
	route.SetNamespace(w.namespace)
	route.SetName("podinfo")
	foreign := `[{"op": "replace", "path": "/spec/rules/0/backendRefs/0/weight", "value": 10},
		{"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": 90}]`
	w.must(plane.client.Patch(w.ctx, route, client.RawPatch(types.JSONPatchType, []byte(foreign)), client.FieldOwner("somebody")))
	if got := splitOf(route); got != "10/90" {
		t.Fatalf("the route divides %s, and was to be 10/90", got)
	}
	edited := route.GetGeneration()
	w.reachesRoute(func(u *unstructured.Unstructured) bool { return u.GetGeneration() > edited && splitOf(u) == "60/40" })

	longer := []byte(`{"spec": {"service": {"timeout": "15s"}}}`)
	w.must(plane.client.Patch(w.ctx, w.canaryObject("podinfo"), client.RawPatch(types.MergePatchType, longer), client.FieldOwner("user")))
	split := ""
	w.reachesRoute(func(u *unstructured.Unstructured) bool {
		split = splitOf(u)
		rules, _, _ := unstructured.NestedSlice(u.Object, "spec", "rules")
		timeout, _, _ := unstructured.NestedString(rules[0].(map[string]any), "timeouts", "request")
		return timeout == "15s"
	})
	if split != "60/40" {
		t.Errorf("the edited service came with %s, want 60/40 as before", split)
	}
	w.hooks.refuse("gate", false)
	w.phase("Succeeded")
	if got, want := w.gateway.seen(), "100/0 80/20 60/40 10/90 60/40 100/0"; got != want {
		t.Errorf("the route went through %s, want %s", got, want)
	}
	if w.said("Restarting analysis") {
		t.Errorf("the release began anew: %q", w.events())
	}
}

// reachesRoute waits until the route is as the function wants.
func (w *world) reachesRoute(holds func(*unstructured.Unstructured) bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	w.must(follow(ctx, plane.client, blank(httpRoute), w.namespace, "podinfo", holds))
}
