package integration

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var trafficRoute = schema.GroupVersionKind{Group: "kuma.io", Version: "v1alpha1", Kind: "TrafficRoute"}

// An object of the cluster is made, watched, set back and left like one of a namespace;
// it is not taken from a Canary of the same name in another namespace.
func TestRouteOfTheCluster(t *testing.T) {
	t.Parallel()
	install(t, "kuma")
	w := newWorld(t)
	w.inMesh("kuma")
	w.phase("Initialized")
	split := func(weights ...int64) []any {
		var all []any
		for i, side := range []string{"-primary", "-canary"} {
			service := fmt.Sprintf("podinfo%s_%s_svc_80", side, w.namespace)
			all = append(all, map[string]any{"weight": weights[i], "destination": map[string]any{"kuma.io/service": service}})
		}
		return all
	}
	w.reachesTrafficRoute(split(100, 0))

	edit := client.RawPatch(types.JSONPatchType, []byte(`[{"op": "replace", "path": "/spec/conf/split/1/weight", "value": 100}]`))
	route := blank(trafficRoute)
	route.SetName("podinfo")
	w.must(plane.client.Patch(w.ctx, route, edit, client.FieldOwner("somebody")))
	w.heard("TrafficRoute podinfo was changed by somebody else in spec.conf.split[1].weight: set back")
	w.reachesTrafficRoute(split(100, 0))

	other := newWorld(t)
	other.inMesh("kuma")
	other.heard("render TrafficRoute podinfo: it leads to a service of the namespace " + w.namespace)
	w.reachesTrafficRoute(split(100, 0))
	other.must(plane.client.Delete(other.ctx, other.canaryObject("podinfo")))
	other.must(vanish(other.ctx, plane.client, other.canaryObject("podinfo")))

	w.must(plane.client.Delete(w.ctx, w.canaryObject("podinfo")))
	w.must(vanish(w.ctx, plane.client, w.canaryObject("podinfo")))
	home := map[string]any{"weight": int64(100), "destination": map[string]any{"kuma.io/service": fmt.Sprintf("podinfo_%s_svc_80", w.namespace)}}
	w.must(plane.client.Get(w.ctx, types.NamespacedName{Name: "podinfo"}, route))
	if diff := cmp.Diff([]any{home}, trafficSplit(route)); diff != "" {
		t.Errorf("left (-want +got)\n%s", diff)
	}
	w.must(plane.client.Delete(w.ctx, route))
}

// inMesh starts an operator for a mesh, and a Canary that is to be reverted.
func (w *world) inMesh(provider string) {
	w.t.Helper()
	w.mesh = provider
	w.operate()
	w.push("app:1")
	canary := w.parse(canaryHead + indent(weighted))
	for field, value := range map[string]any{"provider": provider, "revertOnDeletion": true} {
		w.must(unstructured.SetNestedField(canary.Object, value, "spec", field))
	}
	unstructured.RemoveNestedField(canary.Object, "spec", "service", "gatewayRefs")
	w.must(apply(w.ctx, plane.client, canary))
}

func (w *world) reachesTrafficRoute(split []any) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	w.must(follow(ctx, plane.client, blank(trafficRoute), "", "podinfo", func(u *unstructured.Unstructured) bool {
		return cmp.Equal(split, trafficSplit(u))
	}))
}

func trafficSplit(route *unstructured.Unstructured) []any {
	split, _, err := unstructured.NestedSlice(route.Object, "spec", "conf", "split")
	if err != nil {
		return nil
	}
	return split
}
