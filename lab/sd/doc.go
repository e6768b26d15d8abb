// Package sd tells Prometheus which pods to scrape, over its HTTP service discovery,
// because Debian's Prometheus is built without the one for Kubernetes.
//
// It knows the scrape annotations and how a pod becomes a target. It refuses to know
// what is measured.
package sd
