package v1beta1

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The kinds of routes of the Gateway API.
const (
	HTTPRoute = "HTTPRoute"
	GRPCRoute = "GRPCRoute"
	TCPRoute  = "TCPRoute"
	TLSRoute  = "TLSRoute"
)

// gatewayAPI begins the names of the providers that have kinds of routes. A version
// follows, and a kind that is no HTTPRoute.
const gatewayAPI = "gatewayapi:"

// gatewayGroup begins the versions of these kinds.
const gatewayGroup = "gateway.networking.k8s.io/"

// routing is the name of a provider with a kind of routes. Only those of the Gateway
// API have one; the name of another stays, so that validation can call it by it.
func routing(provider, kind string) string {
	version, found := strings.CutPrefix(provider, gatewayAPI)
	if kind == "" || !found {
		return provider
	}
	version, _, _ = strings.Cut(version, ":")
	if kind == HTTPRoute {
		return gatewayAPI + version
	}
	return gatewayAPI + version + ":" + kind
}

// routeKind: a kind of routes that is not made must not be taken for another.
func routeKind(c *Canary, f Features) field.ErrorList {
	path, kind := field.NewPath("spec", "service", "routeKind"), c.Spec.Service.RouteKind
	switch kinds := []string{HTTPRoute, GRPCRoute, TCPRoute, TLSRoute}; {
	case !slices.Contains(kinds, kind):
		return field.ErrorList{unsupported(path, kind, "choose one of "+strings.Join(kinds, ", "))}
	case !strings.HasPrefix(f.Provider, gatewayAPI):
		return field.ErrorList{field.Forbidden(path, "the provider "+f.Provider+" makes no routes of the Gateway API; set spec.provider to gatewayapi:v1, or remove the field")}
	case slices.Contains(f.Available, f.Provider):
		return nil
	}
	var others []string
	for _, name := range f.Available {
		if provider, found := strings.CutSuffix(name, ":"+kind); found {
			others = append(others, provider)
		}
	}
	remedy := "set spec.provider to " + strings.Join(others, " or ") + ", whose " + kind + " the cluster has"
	if len(others) == 0 {
		remedy = "install the kind " + kind + " of the Gateway API, which the cluster does not have"
	}
	return field.ErrorList{unsupported(path, kind, "the provider "+f.Provider+" is not at hand: "+remedy)}
}
