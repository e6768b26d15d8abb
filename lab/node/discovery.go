package node

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/serinhq/serin/lab/dns"
	"github.com/serinhq/serin/lab/sd"
)

// startDiscovery serves the list of pods that Debian's Prometheus cannot find by itself,
// and the names of Services.
func (n *theNode) startDiscovery(ctx context.Context) error {
	listener, err := net.Listen("tcp", "127.0.0.1:"+discoveryPort)
	if err != nil {
		return fmt.Errorf("listen for Prometheus: %w", err)
	}
	packets, err := net.ListenPacket("udp", net.JoinHostPort(nodeAddress, "53"))
	if err != nil {
		return fmt.Errorf("listen for questions about names: %w", err)
	}
	pods, names := sd.New(n.client), dns.New(n.client)
	// They live as long as the node does, not as long as its start.
	lifetime := context.WithoutCancel(ctx)
	go pods.Watch(lifetime)
	go names.Watch(lifetime)
	go func() { fmt.Fprintln(os.Stderr, "pod discovery ended:", pods.Serve(listener)) }()
	go func() { fmt.Fprintln(os.Stderr, "the DNS ended:", names.Serve(packets)) }()
	return nil
}
