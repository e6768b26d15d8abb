package router

import (
	"strings"
	"testing"

	"github.com/serinhq/serin/rollout"
)

// tcpFull has everything; a TCPRoute takes its parents.
func tcpFull() Service { return full() }

// tlsFull has the hosts of full, too.
func tlsFull() Service { return full() }

func tlsMinimal() Service {
	s := minimal()
	s.Hosts = []string{"shop.example.com"}
	return s
}

// TestStreamRefusals: what connections need and do not have.
func TestStreamRefusals(t *testing.T) {
	for _, tc := range []struct {
		name, provider string
		change         func(*Service)
		route          rollout.Route
		want           string
	}{
		{"a TCPRoute without parents", "gatewayapi:v1:TCPRoute", func(s *Service) { s.Parents = nil }, rollout.Split(0), "render TCPRoute shop/web: spec.service.gatewayRefs: Required value"},
		{"mirrored connections", "gatewayapi:v1:TCPRoute", func(*Service) {}, rollout.Route{Primary: rollout.Full, Mirror: rollout.Full}, "mirroring is not supported"},
		{"a TLSRoute for everybody", "gatewayapi:v1:TLSRoute", func(s *Service) { s.Hosts = nil }, rollout.Split(0),
			"render TLSRoute shop/web: spec.service.hosts: Required value: name the hosts that clients ask for (SNI)"},
		{"an address as host", "gatewayapi:v1alpha2:TLSRoute", func(s *Service) { s.Hosts = append(s.Hosts, "10.0.0.1") }, rollout.Split(0), `spec.service.hosts[1]: Invalid value: "10.0.0.1": must be a name`},
		{"every host", "gatewayapi:v1:TLSRoute", func(s *Service) { s.Hosts = []string{"*"} }, rollout.Split(0), `spec.service.hosts[0]: Invalid value: "*"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := tlsMinimal()
			tc.change(&s)
			_, err := Providers[tc.provider].Render(s, tc.route)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}
