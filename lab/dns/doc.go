// Package dns answers for the names of Services, as the DNS of a cluster does, so that
// the lab need not build one.
//
// It knows Services with an address: <name>.<namespace>.svc.cluster.local. It refuses to
// know headless Services, pods, and the world outside, which a lab cannot reach anyway.
package dns
