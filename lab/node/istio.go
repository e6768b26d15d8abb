package node

import (
	"context"
	"fmt"
	"os"

	"github.com/serinhq/serin/lab/await"
)

// Addresses of istiod.
const (
	istiodXDS     = "15010" // port
	istiodHTTP    = "127.0.0.1:15080"
	istiodMetrics = "127.0.0.1:15014"
)

// IstiodInside is where pods find istiod, which tells them their ways without encryption.
const IstiodInside = nodeAddress + ":" + istiodXDS

// startIstio starts istiod, what gives proxies their identities, and Envoy as the ingress
// gateway that istiod programs. Nothing is put into pods.
func (n *theNode) startIstio(ctx context.Context) error {
	mesh, bootstrap := n.path("istio.yaml"), n.path("envoy.json")
	for file, content := range map[string]string{mesh: n.istioMesh(), bootstrap: istioBootstrap()} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			return fmt.Errorf("write the configuration of Istio: %w", err)
		}
	}
	if err := n.applyIstio(ctx); err != nil {
		return err
	}
	if err := n.startIdentities(); err != nil {
		return err
	}
	istiod, err := n.run("istiod", n.Istiod, istiodEnv(), "discovery",
		"--kubeconfig="+n.creds.kubeconfigs["istiod"], "--registries=Kubernetes", "--meshConfig="+mesh,
		"--grpcAddr=:"+istiodXDS, "--httpAddr="+istiodHTTP, "--monitoringAddr="+istiodMetrics,
		"--secureGRPCAddr=", "--httpsAddr=", "--ctrlz_port=0", // nobody asks there
	)
	if err != nil {
		return err
	}
	if err := until(ctx, istiod, answers("http://"+istiodHTTP+"/ready")); err != nil {
		return err
	}
	if err := n.runEnvoy(ctx, "--config-path", bootstrap); err != nil {
		return err
	}
	// It is ready with what istiod knew when it asked, which may not yet be the Gateway.
	return await.Condition(ctx, limit, "wait for the Gateway's listener", listening("127.0.0.1:"+gatewayPort))
}

// istiodEnv leaves out of istiod what a lab does not use, and what only Istio's own build
// of Envoy understands: its filters for metadata and for ALPN.
func istiodEnv() []string {
	return []string{
		"POD_NAME=istiod", "POD_NAMESPACE=" + istioNamespace, "CLUSTER_ID=" + istioCluster,
		"PILOT_ENABLE_METADATA_EXCHANGE=false", "PILOT_ENABLE_ALPN_FILTER=false",
		"INJECT_ENABLED=false", "ENABLE_CA_SERVER=false", "PILOT_CERT_PROVIDER=none",
		"PILOT_ENABLE_GATEWAY_API=false", "PILOT_ENABLE_STATUS=false", "PILOT_ENABLE_ANALYSIS=false",
	}
}

const (
	istioNamespace = "istio-system"
	istioCluster   = "Kubernetes"
)

// istioMesh is the configuration of the mesh.
func (n *theNode) istioMesh() string {
	return fmt.Sprintf(`enableAutoMtls: false
enableTracing: false
ingressControllerMode: "OFF"
extensionProviders: [{name: bad-answers, envoyFileAccessLog: {path: %q}}]
`, n.path("logs", "bad-answers.log"))
}

// applyIstio applies the Gateway that routes refer to, and that the requests which Envoy
// answers with an error are logged, with its reason.
func (n *theNode) applyIstio(ctx context.Context) error {
	for _, object := range []struct{ path, object string }{
		{"/api/v1/namespaces/" + istioNamespace, "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + istioNamespace + "}\n"},
		{"/api/v1/namespaces/" + GatewayNamespace, "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + GatewayNamespace + "}\n"},
		{"/apis/networking.istio.io/v1/namespaces/" + GatewayNamespace + "/gateways/" + GatewayName, fmt.Sprintf(`apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: %s, namespace: %s}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: %s, name: http, protocol: HTTP}, hosts: ["*"]}
`, GatewayName, GatewayNamespace, gatewayPort)},
		{"/apis/telemetry.istio.io/v1/namespaces/" + istioNamespace + "/telemetries/bad-answers", `apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: bad-answers, namespace: ` + istioNamespace + `}
spec:
  accessLogging:
  - providers: [{name: bad-answers}]
    filter: {expression: "response.code >= 500"}
`},
	} {
		if err := n.apply(ctx, object.path, object.object); err != nil {
			return err
		}
	}
	return nil
}

// istioBootstrap leads Envoy to istiod, which knows by the type in the node's id, and by
// the labels, that this is the gateway that the Gateway selects. Where its certificates come
// from istiod says by a name, which it has in the bootstrap of each proxy of Istio.
func istioBootstrap() string {
	return fmt.Sprintf(`{
  "node": {
    "id": "router~%[1]s~ingressgateway.%[2]s~%[2]s.svc.cluster.local",
    "cluster": "ingressgateway",
    "metadata": {"NAMESPACE": %[2]q, "CLUSTER_ID": %[3]q, "LABELS": {"istio": "ingressgateway"}}
  },
  "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": %[4]s}}},
  "dynamic_resources": {
    "ads_config": {
      "api_type": "GRPC", "transport_api_version": "V3", "set_node_on_first_message_only": true,
      "grpc_services": [{"envoy_grpc": {"cluster_name": "istiod"}}]
    },
    "cds_config": {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"},
    "lds_config": {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
  },
  "static_resources": {"clusters": [%[5]s, %[6]s]}
}
`, nodeAddress, GatewayNamespace, istioCluster, envoyStatsPort,
		grpcCluster("istiod", "127.0.0.1", istiodXDS), grpcCluster("sds-grpc", nodeAddress, identityPort))
}

// grpcCluster is a server of gRPC that Envoy asks.
func grpcCluster(name, address, port string) string {
	return fmt.Sprintf(`{
    "name": %[1]q, "type": "STATIC", "connect_timeout": "1s",
    "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      "explicit_http_config": {"http2_protocol_options": {}}
    }},
    "load_assignment": {"cluster_name": %[1]q, "endpoints": [{"lb_endpoints": [
      {"endpoint": {"address": {"socket_address": {"address": %[2]q, "port_value": %[3]s}}}}
    ]}]}
  }`, name, address, port)
}
