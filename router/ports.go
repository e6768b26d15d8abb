package router

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Port is a port of a Service besides its main one.
type Port struct {
	Name     string
	Number   int32  // of the Service and of the container
	Protocol string // TCP, UDP or SCTP
}

// Ports lists the container ports of the template that the Services of s have
// besides their main port (spec.service.portDiscovery). The proxies istio-proxy
// and envoy are left out. A port keeps its protocol; a port number taken by an
// earlier port of the same protocol is left out, and a name taken by an earlier
// port is replaced by <protocol>-<container>-<index>, as for a port without name.
func Ports(template corev1.PodTemplateSpec, s Service) []Port {
	type number struct {
		port     int32
		protocol string
	}
	numbers := map[number]bool{{s.Port, string(corev1.ProtocolTCP)}: true}
	names := map[string]bool{s.portName(): true}
	var ports []Port
	for _, container := range template.Spec.Containers {
		if container.Name == "istio-proxy" || container.Name == "envoy" {
			continue
		}
		for i, found := range container.Ports {
			port := Port{Name: found.Name, Number: found.ContainerPort, Protocol: string(found.Protocol)}
			if port.Protocol == "" {
				port.Protocol = string(corev1.ProtocolTCP)
			}
			if s.isMain(port) || numbers[number{port.Number, port.Protocol}] {
				continue
			}
			if port.Name == "" || names[port.Name] {
				port.Name = unnamed(port.Protocol, container.Name, i)
			}
			if names[port.Name] {
				continue // a user's own port has taken even the name made for this one
			}
			numbers[number{port.Number, port.Protocol}], names[port.Name] = true, true
			ports = append(ports, port)
		}
	}
	return ports
}

// isMain reports whether the main port of the Services leads to this port.
func (s Service) isMain(p Port) bool {
	if p.Protocol != string(corev1.ProtocolTCP) {
		return false
	}
	target := s.targetPort()
	if target.Type == intstr.String {
		return p.Name == target.StrVal
	}
	return p.Number == target.IntVal
}

// portName is the name of the main port.
func (s Service) portName() string {
	if s.PortName == "" {
		return "http"
	}
	return s.PortName
}

// targetPort is the container port behind the main port.
func (s Service) targetPort() intstr.IntOrString {
	if s.TargetPort == (intstr.IntOrString{}) {
		return intstr.FromInt32(s.Port)
	}
	return s.TargetPort
}

// unnamed names a port by its place. Names of ports are at most 63 characters.
func unnamed(protocol, container string, index int) string {
	head, tail := strings.ToLower(protocol)+"-", fmt.Sprintf("-%d", index)
	room := max(0, 63-len(head)-len(tail))
	return head + container[:min(len(container), room)] + tail
}
