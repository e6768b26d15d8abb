package node

import (
	"fmt"
	"os"

	"github.com/serinhq/serin/lab/certs"
)

const identityPort = "15012" // where istiod has its own authority

// IdentitiesInside is where proxies in pods find their certificates.
const IdentitiesInside = nodeAddress + ":" + identityPort

// SidecarStatsPort is where a sidecar tells its numbers.
const SidecarStatsPort = "15020"

// startIdentities gives the proxies of the gateway's namespace and of the applications'
// their certificates: one for all of a namespace, whose pods name no account of their own.
func (n *theNode) startIdentities() error {
	folder := n.path("identities")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make the folder of identities: %w", err)
	}
	authority, err := certs.NewAuthority(folder, "authority")
	if err != nil {
		return err
	}
	for _, namespace := range []string{GatewayNamespace, "default"} {
		if _, err := authority.Workload(namespace, "spiffe://cluster.local/ns/"+namespace+"/sa/default"); err != nil {
			return err
		}
	}
	_, err = n.run("identities", n.Identities, nil, "-listen="+IdentitiesInside, "-folder="+folder)
	return err
}

// sidecarScrape is what Prometheus has to know of the sidecars, in pods that say that they
// have one as Istio's injection is asked for it. Only Istio's own build of Envoy counts as
// istio_requests_total does: here Envoy's own numbers of the requests that it hands to the
// application, which are the same ones, get those names and labels.
func (n *theNode) sidecarScrape() string {
	if n.Istiod == "" {
		return ""
	}
	return fmt.Sprintf(`- job_name: istio-sidecars
  metrics_path: /stats/prometheus
  http_sd_configs:
  - {url: "http://127.0.0.1:%s/", refresh_interval: 1s}
  relabel_configs:
  - {source_labels: [sidecar_istio_io_inject], regex: "true", action: keep}
  - {source_labels: [__address__], regex: "(.+):.+", target_label: __address__, replacement: "${1}:%s"}
  metric_relabel_configs:
  - {source_labels: [__name__, envoy_cluster_name], regex: "envoy_cluster_upstream_rq(_time_(bucket|count|sum))?;inbound.*", action: keep}
  - {source_labels: [__name__], regex: envoy_cluster_upstream_rq, target_label: __name__, replacement: istio_requests_total}
  - {source_labels: [__name__], regex: "envoy_cluster_upstream_rq_time_(.+)", target_label: __name__, replacement: "istio_request_duration_milliseconds_${1}"}
  - {source_labels: [envoy_response_code], target_label: response_code}
  - {target_label: reporter, replacement: destination}
  - {source_labels: [kubernetes_namespace], target_label: destination_workload_namespace}
  - {source_labels: [kubernetes_pod_name], regex: "(.+)-[0-9a-z]+-[0-9a-z]+", target_label: destination_workload}
`, discoveryPort, SidecarStatsPort)
}
