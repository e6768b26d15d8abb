// Package cluster is the lab as programs use it: Up starts a real single-node Kubernetes
// with a gateway and Prometheus, and Down ends it.
//
//	func main() {
//		cluster.Enter() // first of all: the lab runs this program again, inside
//		c, err := cluster.Up(ctx, cluster.Options{Name: "demo"})
//		...
//		defer c.Down(ctx)
//
// It knows what belongs to a lab and where it is kept. It refuses to know how each part
// is fetched or started.
package cluster
