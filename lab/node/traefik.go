package node

import (
	"context"
	"fmt"
)

// TraefikName is the Gateway that Traefik serves, in the namespace of the other one.
const TraefikName = "traefik"

// TraefikInside is where pods find Traefik.
const TraefikInside = "http://" + nodeAddress + ":" + traefikPort

// startTraefik starts Traefik if there is one: a second gateway, beside Envoy, that serves
// its own Gateway, its own kinds, and Ingresses of the class nginx in place of ingress-nginx.
func (n *theNode) startTraefik(ctx context.Context) error {
	if n.Traefik == "" {
		return nil
	}
	const group = "/apis/gateway.networking.k8s.io/v1"
	gateway := group + "/namespaces/" + GatewayNamespace + "/gateways/" + TraefikName
	for path, object := range map[string]string{
		group + "/gatewayclasses/traefik": `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: traefik}
spec: {controllerName: traefik.io/gateway-controller}
`,
		"/apis/networking.k8s.io/v1/ingressclasses/nginx": `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
`,
		gateway: fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: %s, namespace: %s}
spec:
  gatewayClassName: traefik
  listeners:
  # Traefik finds its entry point by the port.
  - {name: http, port: %s, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
`, TraefikName, GatewayNamespace, traefikPort),
	} {
		if err := n.apply(ctx, path, object); err != nil {
			return err
		}
	}
	traefik, err := n.run("traefik", n.Traefik, []string{"KUBECONFIG=" + n.creds.kubeconfigs["traefik"]}, traefikArgs()...)
	if err != nil {
		return err
	}
	if err := until(ctx, traefik, answers("http://127.0.0.1:"+traefikMetrics+"/ping")); err != nil {
		return err
	}
	return n.condition(ctx, "Traefik's gateway to be programmed", gateway, "Programmed")
}

func traefikArgs() []string {
	return []string{
		"--global.checkNewVersion=false", "--global.sendAnonymousUsage=false", "--log.level=INFO",
		"--entryPoints.web.address=:" + traefikPort,
		"--entryPoints.metrics.address=127.0.0.1:" + traefikMetrics, "--ping.entryPoint=metrics",
		"--providers.kubernetesGateway=true", "--providers.kubernetesGateway.statusAddress.ip=" + nodeAddress,
		"--providers.kubernetesCRD=true",
		// The names of services in the metrics, which the queries of Serin and Flagger look for.
		"--providers.kubernetesCRD.safeNaming=false",
		// Ingresses as ingress-nginx has them, with the annotations that divide requests.
		"--providers.kubernetesIngressNGINX=true", "--providers.kubernetesIngressNGINX.httpEntryPoint=web",
		"--providers.kubernetesIngressNGINX.publishStatusAddress=" + nodeAddress,
		// The default of 2 s delays new weights, and pods that go, by as much.
		"--providers.providersThrottleDuration=200ms",
		"--metrics.prometheus.entryPoint=metrics", "--metrics.prometheus.addServicesLabels=true",
		"--metrics.prometheus.buckets=0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5",
	}
}

// traefikScrape is what Prometheus has to know of Traefik.
func (n *theNode) traefikScrape() string {
	if n.Traefik == "" {
		return ""
	}
	return fmt.Sprintf("- job_name: traefik\n  static_configs: [{targets: [%q]}]\n", "127.0.0.1:"+traefikMetrics)
}
