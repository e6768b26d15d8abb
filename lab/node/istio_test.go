package node

import (
	"encoding/json"
	"testing"
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
	// Without it Envoy would speak HTTP/1 with istiod, which is silence.
	if clusters := bootstrap.StaticResources.Clusters; len(clusters) != 1 || len(clusters[0].TypedExtensionProtocolOptions) != 1 {
		t.Errorf("the clusters are %+v", clusters)
	}
}
