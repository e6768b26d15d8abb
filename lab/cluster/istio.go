package cluster

import (
	"github.com/serinhq/serin/lab/image"
	"github.com/serinhq/serin/lab/node"
)

// XDSClientImage is the image of a program that calls podinfo through the mesh. Labs with
// Istio hold it.
const XDSClientImage = "lab.local/xdsclient:1"

// EnvoyImage is the image of Envoy, whose program is on the path. Labs with Istio, for
// sidecars, or with Envoy Gateway hold it.
const EnvoyImage = node.EnvoyImage

// Where pods of a lab with Istio find what the agents of Istio's proxies ask, without encryption.
const (
	IstiodInside     = node.IstiodInside     // their ways
	IdentitiesInside = node.IdentitiesInside // their certificates
)

// SidecarStatsPort is the port at which pods with the label sidecar.istio.io/inject are
// asked for the numbers of their Envoy.
const SidecarStatsPort = node.SidecarStatsPort

// istioImages are a member of the mesh, and Envoy for those that bring a sidecar.
func (p *Parts) istioImages() []image.Spec {
	if p.Istiod == "" {
		return nil
	}
	return []image.Spec{image.Program(XDSClientImage, "xdsclient", p.XDSClient), p.envoyImage()}
}
