package node

import (
	"fmt"
	"os"
	"path/filepath"
)

// auditPolicy notes who asked for what, once for each request: the tests count the
// requests of the operator.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`

// writeFiles writes the configuration of all parts.
func (n *theNode) writeFiles() error {
	for name, content := range map[string]string{
		"audit.yaml":       auditPolicy,
		"containerd.toml":  n.containerdConfig(),
		"cni/lab.conflist": n.cniConfig(),
		"kubelet.yaml":     n.kubeletConfig(),
		"proxy.yaml":       n.proxyConfig(),
		"contour.yaml":     contourConfig(),
		"prometheus.yaml":  prometheusConfig() + n.traefikScrape() + n.sidecarScrape(),
	} {
		file := n.path(name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return fmt.Errorf("make a folder for configuration: %w", err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}
