package cluster

import (
	"maps"
	"slices"
	"testing"
)

func TestEnvoyGatewayIsPackedWhereItRuns(t *testing.T) {
	for _, c := range []struct {
		name  string
		parts Parts
		want  []string // programs
	}{
		{"a lab without it", Parts{Envoy: "/cache/envoy"}, nil},
		{"a lab with it", Parts{Envoy: "/cache/envoy", EnvoyGateway: "/cache/envoy-gateway"}, []string{"/cache/envoy", "/cache/envoy-gateway"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var packed []string
			for _, spec := range c.parts.envoyGatewayImages() {
				packed = slices.AppendSeq(packed, maps.Values(spec.Files))
			}
			for _, program := range c.want {
				if !slices.Contains(packed, program) {
					t.Errorf("%s is in no image", program)
				}
			}
			if len(c.want) == 0 && len(packed) > 0 {
				t.Errorf("packed %v", packed)
			}
			if c.parts.config().EnvoyGateway != (len(c.want) > 0) {
				t.Error("the node starts it without its images, or not with them")
			}
		})
	}
}
