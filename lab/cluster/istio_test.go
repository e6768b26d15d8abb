package cluster

import (
	"slices"
	"testing"

	"github.com/serinhq/serin/lab/image"
)

// Pods of a lab with Istio bring their sidecar from an image, which no other lab is
// burdened with.
func TestSidecarsArePackedWhereIstioRuns(t *testing.T) {
	for _, c := range []struct {
		name, istiod string
		want         []string
	}{
		{"a lab without it", "", nil},
		{"a lab with it", "/cache/istiod", []string{XDSClientImage, EnvoyImage}},
	} {
		t.Run(c.name, func(t *testing.T) {
			parts := Parts{Istiod: c.istiod, XDSClient: "/cache/xdsclient", Envoy: "/cache/envoy"}
			var got []string
			for _, spec := range parts.istioImages() {
				got = append(got, spec.Name)
				if program := map[string]string{XDSClientImage: "/xdsclient", EnvoyImage: bin + "/envoy"}[spec.Name]; !holds(spec, program) {
					t.Errorf("%s is not in %s", program, spec.Name)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("packed %q, want %q", got, c.want)
			}
		})
	}
}

func holds(spec image.Spec, program string) bool { return spec.Files[program] != "" }
