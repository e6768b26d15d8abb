// Package node is one Kubernetes node in namespaces of its own.
//
// The program starts itself again with new mount, network, process, host name and IPC
// namespaces. There, the first process only collects the dead; the second starts etcd,
// Kubernetes, containerd, the gateway and Prometheus and ends when one of them does.
// Ending the first ends everything, and the host was never changed:
//
//	host                        |  namespaces of the lab
//	listener 127.0.0.1:a  ------+-> relay -> kube-apiserver
//	listener 127.0.0.1:b  ------+-> relay -> Envoy    -> pods
//	listener 127.0.0.1:c  ------+-> relay -> Prometheus
//
// A listening socket stays in the network namespace it was opened in, so the host opens
// them and hands them in; no interface, route or rule of the host is touched.
//
// It knows how the parts are started and connected. It refuses to know where the
// programs come from, and what is done with the cluster.
package node
