package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/router"
)

// An object of the user's is as it should be if its spec and what was kept of it are;
// what is sent is what differs.
func TestUnchanged(t *testing.T) {
	object := func(original string, rules ...any) *unstructured.Unstructured {
		u := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"hostnames": []any{"a"}, "rules": rules}}}
		if original != "" {
			u.SetAnnotations(map[string]string{router.OriginalAnnotation: original})
		}
		return u
	}
	for _, tt := range []struct {
		name       string
		live, want *unstructured.Unstructured
		same       bool
		sent       map[string]any
	}{
		{"the same", object("{}", "x"), object("{}", "x"), true, map[string]any{}},
		{"there is none", nil, object("", "x"), false, nil},
		{"a rule", object("{}", "x"), object("{}", "y"), false, map[string]any{"rules": []any{"y"}}},
		{"a GitOps tool put the spec back, and left the annotation", object("{}", "x"), object("", "x"), false, map[string]any{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := unchanged(tt.live, *tt.want); got != tt.same {
				t.Errorf("it is as it should be: %t", got)
			}
			if tt.live == nil {
				return
			}
			if diff := cmp.Diff(tt.sent, changes(tt.live.Object["spec"], tt.want.Object["spec"])); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

// A Canary that names a route of the user's is told what it can do there by the provider.
func TestFeaturesOfARouteOfTheUser(t *testing.T) {
	r := &reconciler{stock: newStock(router.Providers)}
	for _, tt := range []struct {
		name, provider string
		ref            *v1beta1.ObjectRef
		borrowed       bool
		edits          string
	}{
		{"none", "istio", nil, false, "VirtualService.networking.istio.io"},
		{"one, in another version", "istio", &v1beta1.ObjectRef{APIVersion: "networking.istio.io/v1", Kind: "VirtualService", Name: "front"}, true, "VirtualService.networking.istio.io"},
		{"one of another kind", "istio", &v1beta1.ObjectRef{APIVersion: "apisix.apache.org/v2", Kind: "ApisixRoute", Name: "front"}, false, "VirtualService.networking.istio.io"},
		{"one that the provider cannot divide in", "kuma", &v1beta1.ObjectRef{APIVersion: "a/v1", Kind: "HTTPRoute", Name: "front"}, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			canary := canaryAt("podinfo", 1)
			canary.Spec.Provider, canary.Spec.RouteRef = tt.provider, tt.ref
			f := r.features(canary)
			if f.Borrowed != tt.borrowed || f.Edits != tt.edits || r.borrows(canary) != tt.borrowed {
				t.Errorf("borrowed %t, edits %q", f.Borrowed, f.Edits)
			}
			if tt.borrowed && (!f.Weight || f.Mirror || f.Match || f.Affinity || f.Parents || len(f.Fields) > 0) {
				t.Errorf("it divides, and does nothing else: %+v", f)
			}
		})
	}
}
