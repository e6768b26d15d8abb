package dns

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
)

func resolver(t *testing.T, names *Names) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- names.Serve(conn) }()
	t.Cleanup(func() {
		if err := errors.Join(conn.Close(), <-ended); err != nil {
			t.Error(err)
		}
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func made(name, address string) service {
	var s service
	s.Metadata.Name, s.Metadata.Namespace, s.Spec.ClusterIP = name, "test", address
	return s
}

func TestServiceHasAnAddress(t *testing.T) {
	names := New(nil)
	follower{names}.Replace([]service{made("a", "10.96.0.7"), made("headless", "None")})
	r := resolver(t, names)
	got, err := r.LookupHost(t.Context(), "a.test.svc.cluster.local.")
	if err != nil || !slices.Equal(got, []string{"10.96.0.7"}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, name := range []string{"b.test.svc.cluster.local.", "headless.test.svc.cluster.local.", "example.com."} {
		_, err := r.LookupHost(t.Context(), name)
		if refused, ok := errors.AsType[*net.DNSError](err); !ok || !refused.IsNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	follower{names}.Change("DELETED", made("a", "10.96.0.7"))
	if _, err := r.LookupHost(t.Context(), "a.test.svc.cluster.local."); err == nil {
		t.Error("a deleted Service still has an address")
	}
}
