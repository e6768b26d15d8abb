package node

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/serinhq/serin/lab/sd"
)

func (n *theNode) startPrometheus(ctx context.Context) error {
	prometheus, err := n.run("prometheus", n.debian("prometheus"), n.DebianEnv,
		"--config.file="+n.path("prometheus.yaml"),
		"--storage.tsdb.path="+n.path("prometheus"),
		// Pods ask it at the node's address, the relay at loopback.
		"--web.listen-address=0.0.0.0:"+prometheusPort,
		"--log.level=warn",
	)
	if err != nil {
		return err
	}
	return until(ctx, prometheus, answers("http://127.0.0.1:"+prometheusPort+"/-/ready"))
}

// startDiscovery serves the list of pods that Debian's Prometheus cannot find by itself.
func (n *theNode) startDiscovery(ctx context.Context) error {
	listener, err := net.Listen("tcp", "127.0.0.1:"+discoveryPort)
	if err != nil {
		return fmt.Errorf("listen for Prometheus: %w", err)
	}
	pods := sd.New(n.client)
	// They live as long as the node does, not as long as its start.
	lifetime := context.WithoutCancel(ctx)
	go pods.Watch(lifetime)
	go func() { fmt.Fprintln(os.Stderr, "pod discovery ended:", pods.Serve(listener)) }()
	return nil
}

func prometheusConfig() string {
	return fmt.Sprintf(`global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
scrape_configs:
- job_name: kubernetes-pods
  http_sd_configs:
  - {url: "http://127.0.0.1:%s/", refresh_interval: 1s}
- job_name: envoy
  metrics_path: /stats/prometheus
  static_configs: [{targets: ["127.0.0.1:%s"]}]
- job_name: contour
  static_configs: [{targets: ["127.0.0.1:%s"]}]
`, discoveryPort, envoyStatsPort, contourMetrics)
}
