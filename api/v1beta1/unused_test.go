package v1beta1

import (
	"strings"
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

// A gateway that may not know the policy is warned of, and what it has no need for is not.
func TestWarnsOfClassesWithoutCORS(t *testing.T) {
	f := gateway()
	f.Lacks.CORS = Lack{Class: "plain", Feature: "HTTPRouteCORS"}
	f.Fields = append(f.Fields, "corsPolicy")
	for _, c := range []struct {
		name, service string
		want          []string
	}{
		{"a policy", "{port: 9898, corsPolicy: {maxAge: 24h}, ", []string{
			"spec.service.corsPolicy may have no effect: GatewayClass plain, of spec.service.gatewayRefs, does not list HTTPRouteCORS in status.supportedFeatures"}},
		{"none", "{port: 9898, ", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, errs := Compile(parse(t, strings.Replace(withAnalysis("stepWeight: 10"), "{port: 9898,", c.service, 1)), f)
			if diff := cmp.Diff(c.want, plan.Warnings); diff != "" || len(errs) > 0 {
				t.Errorf("%v, warnings (-want +got)\n%s", errs, diff)
			}
		})
	}
}

// What works is not refused: a class that only cannot copy shares, where all requests are
// copied, and one that cannot copy at all, where none are.
func TestClassesAreAskedForWhatIsNeeded(t *testing.T) {
	f := gateway()
	f.Lacks.MirrorShare = Lack{Class: "simple", Feature: "HTTPRouteRequestPercentageMirror"}
	if _, errs := Compile(parse(t, withAnalysis("stepWeight: 10\nmirror: true")), f); len(errs) > 0 {
		t.Errorf("copies of all requests: %v", errs)
	}
	f.Lacks.Mirror = Lack{Class: "simple", Feature: "HTTPRouteRequestMirror"}
	if _, errs := Compile(parse(t, withAnalysis("stepWeight: 10")), f); len(errs) > 0 {
		t.Errorf("no copies: %v", errs)
	}
}
