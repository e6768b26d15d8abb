package demo

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A Site is a cluster on which the story can be played.
type Site struct {
	Kubeconfig string // path
	Kubectl    string // path, for the words at the end
	Gateway    string // URL at which this machine reaches the gateway
	Host       string // Host header of the requests; empty for that of Gateway

	GatewayName, GatewayNamespace string // of the Gateway object
	Traefik                       string // URL at which this machine reaches Traefik; empty if it is not there
	EnvoyGateway                  string // the same of Envoy Gateway

	AuditLog         string // path of the API server's, JSON lines; empty if it is not in reach
	PrometheusInside string // URL at which Serin reaches Prometheus
	Podinfo          string // image of the application
	Serin            Operator
}

// Operator is how Serin gets to the site and where its pods are.
type Operator struct {
	Objects   []unstructured.Unstructured // definitions and the rendered chart; none if it is there already
	Namespace string
	Selector  string // labels of its pods
}

// A Stage makes a site and removes it.
type Stage interface {
	Raise(ctx context.Context) (Site, error)
	Strike(ctx context.Context) error
}
