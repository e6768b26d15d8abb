package v1beta1

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A route of the user's is divided if the provider can do that, and then by weights only.
func TestRouteOfTheUser(t *testing.T) {
	ref := func(kind string) string { return "routeRef: {apiVersion: x/v1, kind: " + kind + ", name: front}\n" }
	weights := "analysis: {interval: 30s, threshold: 5, stepWeight: 10}\n"
	own := gateway()
	own.Edits = "HTTPRoute.gateway.networking.k8s.io"
	lent := Features{Provider: own.Provider, Available: own.Available, Routes: true, Weight: true, Edits: own.Edits, Borrowed: true}
	for _, tt := range []struct {
		name, spec string
		features   Features
		want       []string
	}{
		{"divided", ref("HTTPRoute") + weights, lent, nil},
		{"another kind", ref("VirtualService") + weights, own, []string{
			`spec.routeRef: Invalid value: "x/v1 VirtualService": the provider gatewayapi:v1 divides requests in a HTTPRoute.gateway.networking.k8s.io; name one, or remove the field to have one made`}},
		{"a provider that cannot", ref("HTTPRoute") + weights, plain(), []string{
			`spec.routeRef: Forbidden: the provider kubernetes cannot divide requests in a route of yours; remove the field`}},
		{"for metric templates only", ref("ApisixRoute") + weights, own, nil},
		{"without a name", strings.Replace(ref("HTTPRoute"), "front", `""`, 1) + weights, own, []string{
			`spec.routeRef.name: Required value: name the object in which requests are to be divided`}},
		{"mirroring", ref("HTTPRoute") + "analysis: {interval: 30s, threshold: 5, stepWeight: 10, mirror: true}\n", lent, []string{
			`spec.analysis.mirror: Forbidden: the provider gatewayapi:v1 with spec.routeRef cannot copy requests to the canary; remove the field`}},
		{"an audience", ref("HTTPRoute") + "analysis: {interval: 30s, threshold: 5, iterations: 2, match: [{headers: {a: {exact: b}}}]}\n", lent, []string{
			`spec.analysis.match: Forbidden: the provider gatewayapi:v1 with spec.routeRef cannot route by the content of requests; remove the field`}},
		{"session affinity", ref("HTTPRoute") + "analysis: {interval: 30s, threshold: 5, stepWeight: 10, sessionAffinity: {cookieName: c}}\n", lent, []string{
			`spec.analysis.sessionAffinity: Forbidden: the provider gatewayapi:v1 with spec.routeRef cannot keep users on a side; remove the field`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, errs := Compile(parse(t, withSpec(tt.spec)), tt.features)
			var got []string
			for _, err := range errs {
				got = append(got, err.Error())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	canary := parse(t, withSpec(ref("HTTPRoute")+weights))
	canary.Spec.TargetRef.Kind = "Service"
	if _, errs := Compile(canary, lent); len(errs) != 1 || !strings.Contains(errs[0].Error(), "spec.routeRef: Forbidden: a Service as target") {
		t.Errorf("a Service as target: %v", errs)
	}
	plan, errs := Compile(parse(t, withSpec(ref("HTTPRoute")+weights)), lent)
	want := []string{"spec.service.gatewayRefs has no effect with the provider gatewayapi:v1 with spec.routeRef"}
	if diff := cmp.Diff(want, plan.Warnings); diff != "" || len(errs) > 0 {
		t.Errorf("%v, warnings (-want +got):\n%s", errs, diff)
	}
}

// The kind of a route of the Gateway API is that of the user's, where there is one.
func TestRouteOfTheUserSaysItsKind(t *testing.T) {
	for _, tt := range []struct{ spec, want string }{
		{"routeRef: {apiVersion: gateway.networking.k8s.io/v1, kind: GRPCRoute, name: front}\n", "gatewayapi:v1:GRPCRoute"},
		{"routeRef: {apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, name: front}\n", "gatewayapi:v1"},
		{"routeRef: {apiVersion: apisix.apache.org/v2, kind: ApisixRoute, name: front}\n", "gatewayapi:v1"},
		{"", "gatewayapi:v1"},
	} {
		if got := parse(t, withSpec(tt.spec)).Provider("gatewayapi:v1"); got != tt.want {
			t.Errorf("%q: provider %s, want %s", tt.spec, got, tt.want)
		}
	}
}
