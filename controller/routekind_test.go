package controller

import (
	"slices"
	"strings"
	"testing"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/router"
)

// A kind of routes that is not installed is refused to those who ask for it and to nobody
// else, until it is there.
func TestRouteKindsThatComeLater(t *testing.T) {
	asking := func(kind string) *v1beta1.Canary {
		c := canaryAt("web", 1)
		c.Spec.Provider = "gatewayapi:v1"
		c.Spec.Service.Port, c.Spec.Service.RouteKind = 80, kind
		c.Spec.Service.GatewayRefs = []v1beta1.GatewayRef{{Name: "public"}}
		c.Spec.TargetRef = v1beta1.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
		return c
	}
	const usual = "gatewayapi:v1"
	r := &reconciler{options: Options{MeshProvider: "istio"}, stock: newStock(map[string]router.Provider{usual: router.Providers[usual]})}
	if _, errs := v1beta1.Compile(asking(""), r.features(asking(""))); len(errs) > 0 {
		t.Errorf("nothing was asked for: %v", errs.ToAggregate())
	}
	const definition = "grpcroutes.gateway.networking.k8s.io"
	_, errs := v1beta1.Compile(asking("GRPCRoute"), r.features(asking("GRPCRoute")))
	if len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), "spec.service.routeKind: ") {
		t.Errorf("without GRPCRoutes: %v", errs.ToAggregate())
	}
	kinds := defined(definition)
	if len(kinds) != 1 || !r.stock.learn(kinds[0], routesWith("requestMirror")) {
		t.Fatalf("%s defines %v, which is no news", definition, kinds)
	}
	features := r.features(asking("GRPCRoute"))
	if _, errs := v1beta1.Compile(asking("GRPCRoute"), features); len(errs) > 0 || !slices.Contains(features.Fields, "match") {
		t.Errorf("with GRPCRoutes: %v, fields %q", errs.ToAggregate(), features.Fields)
	}
	if p := r.provider(asking("GRPCRoute")); len(p.Kinds) != 1 || p.Kinds[0].Kind != "GRPCRoute" {
		t.Errorf("the routes are %v", p.Kinds)
	}
}
