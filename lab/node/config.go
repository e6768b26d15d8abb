package node

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Config is all that the inside needs to know; the outside hands it over as a file.
type Config struct {
	Name  string
	ID    string // of this start; names the cgroups
	State string // folder

	// Programs.
	Kubernetes, Contour, Envoy string
	Istiod                     string // with it the gateway is Istio's and not Contour's
	Identities                 string // beside it
	Traefik                    string // empty: it is not started
	EnvoyGateway               bool   // of the images
	DebianBin, CNI             string
	DebianEnv                  []string
	CRDs                       []string // files
	Images                     []string // docker-archives

	// The addresses at which the host listens for the relays.
	APIServer, Gateway, Prometheus, TraefikGateway, EnvoyGatewayAddress string
}

// Addresses inside. Every lab has them: its network is its own.
const (
	nodeAddress  = "10.199.0.1"
	podNetwork   = "10.244.0.0/24"
	services     = "10.96.0.0/16"
	firstService = "10.96.0.1"
	nodeName     = "lab"
	pauseImage   = "lab.local/pause:1"
)

// Ports inside.
const (
	apiServerPort  = "6443"
	etcdPort       = "2379"
	gatewayPort    = "8080"
	prometheusPort = "9090"
	discoveryPort  = "9099"
	envoyAdminPort = "9001"
	envoyStatsPort = "8002"
	contourPort    = "8001"
	contourMetrics = "8003"
	traefikPort    = "8090"
	traefikMetrics = "8091"
)

// PrometheusInside is where pods find Prometheus.
const PrometheusInside = "http://" + nodeAddress + ":" + prometheusPort

// GatewayInside is where pods find the gateway.
const GatewayInside = "http://" + nodeAddress + ":" + gatewayPort

// PauseImage is the image of the process that holds a pod's namespaces: the node starts
// no pod without it.
const PauseImage = pauseImage

func (c Config) path(parts ...string) string {
	return filepath.Join(append([]string{c.State}, parts...)...)
}

func (c Config) cgroup() string { return "serin-" + c.ID }

// Kubeconfig is the administrator's, for use on the host.
func (c Config) Kubeconfig() string { return c.path("kubeconfig") }

// AuditLog is the API server's record of requests.
func (c Config) AuditLog() string { return c.path("audit.log") }

// Containerd is the address of the container engine.
func (c Config) Containerd() string { return c.path("containerd.sock") }

func (c Config) configFile() string { return c.path("node.json") }

func (c Config) write() error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the node's configuration: %w", err)
	}
	if err := os.WriteFile(c.configFile(), data, 0o600); err != nil {
		return fmt.Errorf("write the node's configuration: %w", err)
	}
	return nil
}

func readConfig(path string) (Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read the node's configuration: %w", err)
	}
	var c Config
	if err := json.Unmarshal(data, &c); err != nil {
		return Config{}, fmt.Errorf("parse the node's configuration: %w", err)
	}
	return c, nil
}
