package cluster

import (
	"strings"
	"testing"
)

// Traefik would wait for kinds that never come.
func TestTraefikIsRefusedBesideIstio(t *testing.T) {
	_, err := Up(t.Context(), Options{Istio: true, Traefik: true})
	if err == nil || !strings.Contains(err.Error(), "no kinds of the Gateway API") {
		t.Errorf("got %v", err)
	}
}
