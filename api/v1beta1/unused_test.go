package v1beta1

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestUnusedFields: what a provider passes over is said, and refuses nothing.
func TestUnusedFields(t *testing.T) {
	everything := CanaryService{
		Gateways: []string{"mesh"}, GatewayRefs: []GatewayRef{{}}, Hosts: []string{"a"}, Delegation: true, TrafficPolicy: &runtime.RawExtension{},
		Match: []HTTPMatch{{}}, Rewrite: &Rewrite{}, Retries: &Retries{}, Headers: &Headers{}, Mirror: []Mirror{{}}, CorsPolicy: &CorsPolicy{},
		Timeout: "1s", BackendTimeout: "1s", MeshName: "m", Backends: []string{"b"},
	}
	if all := unused(everything, Features{Provider: "traefik", Routes: true}); len(all) != 15 {
		t.Errorf("%d of 15 fields are spoken of: %q", len(all), all)
	}
	if said := unused(everything, Features{Provider: "kubernetes"}); said != nil {
		t.Errorf("a provider without routes warns of %q", said)
	}
	some := CanaryService{Hosts: []string{"a"}, Timeout: "1s"}
	got := unused(some, Features{Provider: "traefik", Routes: true, Fields: []string{"hosts"}})
	if diff := cmp.Diff([]string{"spec.service.timeout has no effect with the provider traefik"}, got); diff != "" {
		t.Error(diff)
	}
}
