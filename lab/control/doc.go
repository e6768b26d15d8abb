// Package control runs etcd, kube-apiserver and, if wanted, kube-controller-manager as
// ordinary processes of an ordinary user on loopback: a real API for integration tests,
// without nodes. Pods stay Pending until a test writes their status.
//
// It knows flags, ports and order. It refuses to know where the program comes from: the
// caller gives the path that `go run . build kubernetes --print` prints. It depends on
// the standard library only, so that any module can use it cheaply.
package control
