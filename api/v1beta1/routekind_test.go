package v1beta1

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProviderOfRouteKind: a kind of routes is part of the name of the Gateway API's
// providers, and of no other's.
func TestProviderOfRouteKind(t *testing.T) {
	for _, tc := range []struct{ name, provider, kind, want string }{
		{"what Flagger users have", "gatewayapi:v1", "", "gatewayapi:v1"},
		{"the usual kind, said", "gatewayapi:v1beta1", "HTTPRoute", "gatewayapi:v1beta1"},
		{"another kind", "gatewayapi:v1", "GRPCRoute", "gatewayapi:v1:GRPCRoute"},
		{"an older version", "gatewayapi:v1alpha2", "TCPRoute", "gatewayapi:v1alpha2:TCPRoute"},
		{"a name that has a kind", "gatewayapi:v1:TCPRoute", "", "gatewayapi:v1:TCPRoute"},
		{"the field wins over the flag", "gatewayapi:v1:TCPRoute", "GRPCRoute", "gatewayapi:v1:GRPCRoute"},
		{"the usual kind wins, too", "gatewayapi:v1:TCPRoute", "HTTPRoute", "gatewayapi:v1"},
		{"a provider without kinds", "gloo:v1", "GRPCRoute", "gloo:v1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			canary := &Canary{}
			canary.Spec.Service.RouteKind = tc.kind
			if got := canary.Provider(tc.provider); got != tc.want {
				t.Errorf("as flag: got %s, want %s", got, tc.want)
			}
			canary.Spec.Provider = tc.provider
			if got := canary.Provider("istio"); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// TestRouteKindIsRefused: by its own name, with what to do.
func TestRouteKindIsRefused(t *testing.T) {
	of := func(provider string, available ...string) Features {
		f := gateway()
		f.Provider, f.Available = provider, available
		return f
	}
	for _, tc := range []struct {
		name, kind string
		features   Features
		want       []string
	}{
		{"at hand", "GRPCRoute", of("gatewayapi:v1:GRPCRoute", "gatewayapi:v1:GRPCRoute"), nil},
		{"unknown", "UDPRoute", of("gatewayapi:v1:UDPRoute"), []string{
			`spec.service.routeKind: Unsupported value: "UDPRoute": choose one of HTTPRoute, GRPCRoute, TCPRoute, TLSRoute`}},
		{"of a provider that has none", "GRPCRoute", of("istio", "istio"), []string{
			`spec.service.routeKind: Forbidden: the provider istio makes no routes of the Gateway API; set spec.provider to gatewayapi:v1, or remove the field`}},
		{"the usual kind where it is another", "HTTPRoute", of("traefik", "traefik"), []string{
			`spec.service.routeKind: Forbidden: the provider traefik makes no routes of the Gateway API; set spec.provider to gatewayapi:v1, or remove the field`}},
		{"of another version", "TCPRoute", of("gatewayapi:v1:TCPRoute", "gatewayapi:v1", "gatewayapi:v1alpha2:TCPRoute"), []string{
			`spec.service.routeKind: Unsupported value: "TCPRoute": the provider gatewayapi:v1:TCPRoute is not at hand: set spec.provider to gatewayapi:v1alpha2, whose TCPRoute the cluster has`}},
		{"not installed", "TLSRoute", of("gatewayapi:v1:TLSRoute", "gatewayapi:v1"), []string{
			`spec.service.routeKind: Unsupported value: "TLSRoute": the provider gatewayapi:v1:TLSRoute is not at hand: install the kind TLSRoute of the Gateway API, which the cluster does not have`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.Replace(withAnalysis("stepWeight: 10"), "{port: 9898,", "{port: 9898, routeKind: "+tc.kind+",", 1)
			_, errs := Compile(parse(t, text), tc.features)
			if diff := cmp.Diff(tc.want, said(errs)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestConnectionsOnly: a provider of connections says once what it cannot do.
func TestConnectionsOnly(t *testing.T) {
	features := gateway()
	features.Provider, features.Available = "gatewayapi:v1:TCPRoute", []string{"gatewayapi:v1:TCPRoute"}
	features.TCP, features.Mirror, features.Match, features.Scoped, features.Affinity = true, false, false, false, false
	canary := parse(t, withAnalysis("stepWeight: 10\nmirror: true\nsessionAffinity: {cookieName: a}"))
	canary.Spec.Service.AppProtocol, canary.Spec.Service.RouteKind = "tcp", "TCPRoute"
	_, errs := Compile(canary, features)
	want := []string{
		`spec.analysis.sessionAffinity: Forbidden: the provider gatewayapi:v1:TCPRoute cannot keep users on a side; remove the field`,
		`spec.analysis.mirror: Forbidden: the provider gatewayapi:v1:TCPRoute cannot copy requests to the canary; remove the field`,
	}
	if diff := cmp.Diff(want, said(errs)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
