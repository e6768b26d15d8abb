package router

import (
	"net/netip"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// tcpRoute drives everything that serves TCPRoutes: it divides connections, each of
// which stays where it was led to. The older version is that of Gateway API before 1.6.
func tcpRoute(version string) Provider {
	kind := schema.GroupVersionKind{Group: gatewayv1.GroupName, Version: version, Kind: "TCPRoute"}
	p := gatewayRoutes(kind, streams, gatewayForm{fit: streamService, shape: streamRule})
	p.Fields = []string{"gatewayRefs"}
	return p
}

// tlsRoute drives everything that serves TLSRoutes: it divides connections to hosts,
// which clients name at their beginning, and looks no further into them.
func tlsRoute(version string) Provider {
	kind := schema.GroupVersionKind{Group: gatewayv1.GroupName, Version: version, Kind: "TLSRoute"}
	p := gatewayRoutes(kind, streams, gatewayForm{fit: namedStreamService, shape: streamRule})
	p.Fields = []string{"gatewayRefs", "hosts"}
	return p
}

var streams = Caps{Weight: true, TCP: true, Parents: true}

// streamService has no hosts, as nobody names any.
func streamService(s Service) (Service, field.ErrorList) {
	s.Hosts = nil
	return withoutRequests(s), nil
}

// namedStreamService needs names: a route without them would take everybody's connections.
func namedStreamService(s Service) (Service, field.ErrorList) {
	path := field.NewPath("spec", "service", "hosts")
	if len(s.Hosts) == 0 {
		return s, field.ErrorList{field.Required(path, "name the hosts that clients ask for (SNI); a TLSRoute needs one")}
	}
	var problems field.ErrorList
	for i, host := range s.Hosts {
		if _, err := netip.ParseAddr(host); err == nil {
			problems = append(problems, field.Invalid(path.Index(i), host, "must be a name: clients of an address name no host"))
		}
	}
	return withoutRequests(s), problems
}

// withoutRequests leaves out what there is to say of requests only.
func withoutRequests(s Service) Service {
	s.Match, s.Audience, s.Mirrors = nil, nil, nil
	s.Rewrite, s.CORS, s.Request, s.Response = Rewrite{}, CORS{}, HeaderMod{}, HeaderMod{}
	s.Timeout, s.BackendTimeout = 0, 0
	return s
}

// streamRule leaves the backends.
func streamRule(rule map[string]any) { delete(rule, "matches") }
