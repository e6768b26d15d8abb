package node

import (
	"encoding/json"
	"testing"

	"sigs.k8s.io/yaml"
)

// Istiod takes the kind, the address and the namespace of a proxy from the four parts of
// its id, and what the Gateway selects from the labels.
func TestIstioBootstrap(t *testing.T) {
	var bootstrap struct {
		Node struct {
			ID       string
			Metadata struct {
				Namespace string
				Labels    map[string]string
			}
		}
		StaticResources struct {
			Clusters []struct {
				Name                          string
				TypedExtensionProtocolOptions map[string]json.RawMessage `json:"typed_extension_protocol_options"`
			}
		} `json:"static_resources"`
	}
	if err := json.Unmarshal([]byte(istioBootstrap()), &bootstrap); err != nil {
		t.Fatal(err)
	}
	node := bootstrap.Node
	const id = "router~10.199.0.1~ingressgateway.gateway-system~gateway-system.svc.cluster.local"
	if node.ID != id || node.Metadata.Namespace != GatewayNamespace || node.Metadata.Labels["istio"] != "ingressgateway" {
		t.Errorf("the node is %+v", node)
	}
	for i, name := range []string{"istiod", "sds-grpc"} {
		// Without the options Envoy would speak HTTP/1, which is silence.
		if has := bootstrap.StaticResources.Clusters[i]; has.Name != name || len(has.TypedExtensionProtocolOptions) != 1 {
			t.Errorf("cluster %d is %+v, want %s", i, has, name)
		}
	}
}

// The address of a sidecar's numbers has its own port, which for a replacement of Prometheus
// stands behind a group: $115020 would be none.
func TestSidecarsAreScrapedWhereIstioRuns(t *testing.T) {
	for _, c := range []struct {
		name, program string
		scraped       bool
	}{
		{"a lab without it", "", false},
		{"a lab with it", "/bin/istiod", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNode(Config{Istiod: c.program}, nil)
			var read struct {
				ScrapeConfigs []struct {
					JobName        string                         `json:"job_name"`
					RelabelConfigs []struct{ Replacement string } `json:"relabel_configs"`
				} `json:"scrape_configs"`
			}
			if err := yaml.Unmarshal([]byte(prometheusConfig()+n.sidecarScrape()), &read); err != nil {
				t.Fatal(err)
			}
			last := read.ScrapeConfigs[len(read.ScrapeConfigs)-1]
			if scraped := last.JobName == "istio-sidecars"; scraped != c.scraped {
				t.Errorf("the last job is %q", last.JobName)
			}
			if c.scraped && last.RelabelConfigs[1].Replacement != "${1}:"+SidecarStatsPort {
				t.Errorf("sidecars are scraped at %q", last.RelabelConfigs[1].Replacement)
			}
		})
	}
}
