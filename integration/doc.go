// Package integration runs the operator against a real API server, etcd and
// controller manager, started by the lab as an ordinary user.
//
// It knows the world around the operator: stand-ins that make pods ready and
// accept routes, as a kubelet and a gateway would, and servers that answer as
// Prometheus and as webhooks. It refuses to know how the operator works: tests
// say what the cluster looks like in the end, and what happened on the way.
package integration
