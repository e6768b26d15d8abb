package cluster

import (
	"strings"
	"testing"
)

// They would wait for kinds that never come.
func TestFurtherGatewaysAreRefusedBesideIstio(t *testing.T) {
	for _, options := range []Options{{Istio: true, Traefik: true}, {Istio: true, EnvoyGateway: true}} {
		_, err := Up(t.Context(), options)
		if err == nil || !strings.Contains(err.Error(), "no kinds of the Gateway API") {
			t.Errorf("%+v: got %v", options, err)
		}
	}
}
