package v1beta1

import (
	"fmt"
	"slices"
)

// unused warns of fields that say something about routes and have no effect with
// the provider at hand. The reference passes them over; refusing them would refuse
// Canaries that work.
func unused(s CanaryService, f Features) []string {
	var warnings []string
	for _, field := range []struct {
		name string
		set  bool
	}{
		{"gateways", len(s.Gateways) > 0},
		{"gatewayRefs", len(s.GatewayRefs) > 0},
		{"hosts", len(s.Hosts) > 0},
		{"delegation", s.Delegation},
		{"trafficPolicy", s.TrafficPolicy != nil},
		{"match", len(s.Match) > 0},
		{"rewrite", s.Rewrite != nil},
		{"retries", s.Retries != nil},
		{"headers", s.Headers != nil},
		{"mirror", len(s.Mirror) > 0},
		{"corsPolicy", s.CorsPolicy != nil},
		{"timeout", s.Timeout != ""},
		{"backendTimeout", s.BackendTimeout != ""},
		{"meshName", s.MeshName != ""},
		{"backends", len(s.Backends) > 0},
	} {
		if field.set && f.Routes && !slices.Contains(f.Fields, field.name) {
			warnings = append(warnings, fmt.Sprintf("spec.service.%s has no effect with %s", field.name, f.who()))
		}
	}
	return warnings
}
