package node

import (
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"
)

// nodeLink carries the node's address: a bridge without ports, because not every kernel
// has the dummy link type.
const nodeLink = "node0"

// setupNetwork makes the empty network namespace look like a machine: loopback, an
// address that pods can reach, a default route and forwarding.
func setupNetwork() error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find loopback: %w", err)
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return fmt.Errorf("start loopback: %w", err)
	}
	link := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: nodeLink}}
	if err := netlink.LinkAdd(link); err != nil {
		return fmt.Errorf("add the bridge %s: %w", nodeLink, err)
	}
	host := net.CIDRMask(32, 32)
	address := &netlink.Addr{IPNet: &net.IPNet{IP: net.ParseIP(nodeAddress), Mask: host}}
	if err := netlink.AddrAdd(link, address); err != nil {
		return fmt.Errorf("give %s the address %s: %w", nodeLink, nodeAddress, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("start %s: %w", nodeLink, err)
	}
	// Without any route that covers service addresses, packets to them are refused before
	// kube-proxy's rules can turn them into pod addresses.
	everywhere := &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}
	route := &netlink.Route{LinkIndex: link.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: everywhere}
	if err := netlink.RouteAdd(route); err != nil {
		return fmt.Errorf("add a default route: %w", err)
	}
	const forward = "/proc/sys/net/ipv4/ip_forward" // of this network namespace only
	if err := os.WriteFile(forward, []byte("1"), 0o644); err != nil {
		return fmt.Errorf("switch on forwarding: %w", err)
	}
	return nil
}
