package router

import corev1 "k8s.io/api/core/v1"

// Ports lists the container ports of the template that the Services of s have
// besides their main port (spec.service.portDiscovery). The proxies istio-proxy
// and envoy are left out. A port keeps its protocol; a port number taken by an
// earlier port of the same protocol is left out, and a name taken by an earlier
// port is replaced by <protocol>-<container>-<index>, as for a port without name.
func Ports(template corev1.PodTemplateSpec, s Service) []Port { return nil }
