package node

import (
	"context"
	"fmt"
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
