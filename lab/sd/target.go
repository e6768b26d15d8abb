package sd

import (
	"net"
	"regexp"
)

// pod is what is read of a pod.
type pod struct {
	Metadata struct {
		Name, Namespace, UID, ResourceVersion string
		Labels, Annotations                   map[string]string
	}
	Status struct{ Phase, PodIP string }
}

// target is one entry of Prometheus' HTTP service discovery.
type target struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// The labels of every target: the names that the metric queries of progressive delivery
// expect.
const (
	namespaceLabel = "kubernetes_namespace"
	podLabel       = "kubernetes_pod_name"
)

// asTarget tells where the pod is to be scraped, if it is.
func (p pod) asTarget() (target, bool) {
	notes := p.Metadata.Annotations
	if notes["prometheus.io/scrape"] != "true" || p.Status.Phase != "Running" || p.Status.PodIP == "" {
		return target{}, false
	}
	port := notes["prometheus.io/port"]
	if port == "" {
		port = "80"
	}
	labels := map[string]string{}
	for name, value := range p.Metadata.Labels {
		labels[labelName(name)] = value
	}
	labels[namespaceLabel] = p.Metadata.Namespace
	labels[podLabel] = p.Metadata.Name
	if path := notes["prometheus.io/path"]; path != "" {
		labels["__metrics_path__"] = path
	}
	if scheme := notes["prometheus.io/scheme"]; scheme != "" {
		labels["__scheme__"] = scheme
	}
	return target{Targets: []string{net.JoinHostPort(p.Status.PodIP, port)}, Labels: labels}, true
}

// labelName turns a Kubernetes label name into one of Prometheus, as its own discovery does.
func labelName(name string) string {
	return regexp.MustCompile(`[^a-zA-Z0-9_]`).ReplaceAllString(name, "_")
}
