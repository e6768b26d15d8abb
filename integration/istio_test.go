package integration

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const usersRoute = `
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: {name: podinfo, labels: {owner: users}}
spec:
  hosts: [shop.example.com]
  gateways: [infra/public]
  exportTo: ["."]
  http:
  - timeout: 3s
    route: [{destination: {host: podinfo}}]
`

// A VirtualService of the user is taken over, and as it was when the Canary is
// deleted; either because it was kept, or because kubectl knows.
func TestVirtualServiceIsTakenOverAndRestored(t *testing.T) {
	t.Parallel()
	install(t, "istio")
	for _, how := range []string{"kept", "applied by kubectl"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			route := w.parse(usersRoute)
			before := route.DeepCopy()
			if how != "kept" {
				text, err := json.Marshal(route.Object)
				w.must(err)
				route.SetAnnotations(map[string]string{corev1.LastAppliedConfigAnnotation: string(text)})
			}
			w.must(plane.client.Create(w.ctx, route))
			w.operate()
			w.push("app:1")
			canary := w.parse(canaryHead + indent(weighted))
			for field, value := range map[string]any{"provider": "istio", "revertOnDeletion": true} {
				w.must(unstructured.SetNestedField(canary.Object, value, "spec", field))
			}
			unstructured.RemoveNestedField(canary.Object, "spec", "service", "gatewayRefs")
			w.must(unstructured.SetNestedStringSlice(canary.Object, []string{"infra/public"}, "spec", "service", "gateways"))
			w.must(apply(w.ctx, plane.client, canary))
			w.phase("Initialized")
			w.must(plane.client.Get(w.ctx, client.ObjectKeyFromObject(route), route))
			want := before.DeepCopy().Object["spec"].(map[string]any)
			want["hosts"] = []any{"podinfo"}
			want["http"] = []any{map[string]any{"route": []any{
				map[string]any{"destination": map[string]any{"host": "podinfo-primary"}, "weight": int64(100)},
				map[string]any{"destination": map[string]any{"host": "podinfo-canary"}, "weight": int64(0)},
			}}}
			if diff := cmp.Diff(want, route.Object["spec"]); diff != "" || len(route.GetOwnerReferences()) > 0 {
				t.Errorf("taken over, with the owners %v (-want +got)\n%s", route.GetOwnerReferences(), diff)
			}

			w.must(plane.client.Delete(w.ctx, w.canaryObject("podinfo")))
			w.must(vanish(w.ctx, plane.client, w.canaryObject("podinfo")))
			w.must(plane.client.Get(w.ctx, client.ObjectKeyFromObject(route), route))
			if diff := cmp.Diff(before.Object["spec"], route.Object["spec"]); diff != "" {
				t.Errorf("restored (-want +got)\n%s", diff)
			}
			annotations := route.GetAnnotations()
			delete(annotations, corev1.LastAppliedConfigAnnotation)
			if diff := cmp.Diff(before.GetLabels(), route.GetLabels()); diff != "" || len(annotations)+len(route.GetOwnerReferences()) > 0 {
				t.Errorf("it is left with %v, %v, labels (-want +got)\n%s", annotations, route.GetOwnerReferences(), diff)
			}
		})
	}
}
