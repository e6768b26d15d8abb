package node

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/serinhq/serin/lab/certs"
)

// EnvoyGatewayName is the Gateway that Envoy Gateway serves, in the namespace of the first one.
const EnvoyGatewayName = "envoy"

// EnvoyGatewayInside is where pods find its Envoy.
const EnvoyGatewayInside = "http://" + envoyGatewayAddress

// The images of Envoy Gateway, and of the Envoy that it deploys, with their programs on the
// path. A lab with Envoy Gateway needs both.
const (
	EnvoyGatewayImage = "lab.local/envoy-gateway:1"
	EnvoyImage        = "lab.local/envoy:1"
)

const (
	envoyGatewayNamespace = "envoy-gateway-system"
	// envoyGatewayAddress is that of the Service of its Envoy, from the part of the range
	// out of which Services that do not ask get none.
	envoyGatewayAddress = "10.96.0.80"
	envoyGatewayPort    = "80"
)

// An envoyGatewayObject is where an object goes, and the object.
type envoyGatewayObject struct{ path, object string }

// The paths of what is waited for.
const (
	envoyGatewayFolder  = "/namespaces/" + envoyGatewayNamespace
	envoyGatewayPods    = "/apis/apps/v1" + envoyGatewayFolder + "/deployments/envoy-gateway"
	envoyGatewayGateway = "/apis/gateway.networking.k8s.io/v1/namespaces/" + GatewayNamespace + "/gateways/" + EnvoyGatewayName
)

// startEnvoyGateway starts Envoy Gateway as its chart does: in a pod, from where it deploys
// its Envoy as another one. Its own kinds are not there, and it does without.
func (n *theNode) startEnvoyGateway(ctx context.Context) error {
	const routes = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/httproutes.gateway.networking.k8s.io"
	if err := n.condition(ctx, "HTTPRoutes to be served", routes, "Established"); err != nil {
		return err
	}
	objects, err := envoyGatewayObjects(n.path("pki"))
	if err != nil {
		return err
	}
	for _, o := range objects {
		if err := n.apply(ctx, o.path, o.object); err != nil {
			return err
		}
	}
	if err := n.condition(ctx, "Envoy Gateway", envoyGatewayPods, "Available"); err != nil {
		return err
	}
	return n.condition(ctx, "Envoy Gateway's gateway to be programmed", envoyGatewayGateway, "Programmed")
}

// envoyGatewayObjects are all objects of Envoy Gateway, in the order in which they need each
// other. Keys go to pki.
func envoyGatewayObjects(pki string) ([]envoyGatewayObject, error) {
	secrets, err := envoyGatewaySecrets(pki)
	if err != nil {
		return nil, err
	}
	const core = "/api/v1" + envoyGatewayFolder
	return slices.Concat([]envoyGatewayObject{
		{core, "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + envoyGatewayNamespace + "}\n"},
		// Also made with the first gateway, which may come later.
		{"/api/v1/namespaces/" + GatewayNamespace, "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + GatewayNamespace + "}\n"},
		{core + "/serviceaccounts/envoy-gateway", envoyGatewayAccount},
		{"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/envoy-gateway", envoyGatewayRights},
		{core + "/configmaps/envoy-gateway", envoyGatewayConfig()},
		{core + "/services/envoy-gateway", envoyGatewayService},
	}, secrets, []envoyGatewayObject{
		{envoyGatewayPods, envoyGatewayDeployment},
		{"/apis/gateway.networking.k8s.io/v1/gatewayclasses/envoy", envoyGatewayClass},
		{envoyGatewayGateway, envoyGatewayListener},
	}), nil
}

// envoyGatewaySecrets are the certificates by which Envoy Gateway and its Envoy know each
// other.
func envoyGatewaySecrets(pki string) ([]envoyGatewayObject, error) {
	authority, err := certs.NewAuthority(pki, "envoy-gateway-ca")
	if err != nil {
		return nil, err
	}
	// Envoy asks for the first of the names, whatever the address is.
	server, err := authority.Server("envoy-gateway", "envoy-gateway", "envoy-gateway."+envoyGatewayNamespace)
	if err != nil {
		return nil, err
	}
	client, err := authority.Client("envoy-gateway-envoy", "envoy")
	if err != nil {
		return nil, err
	}
	var objects []envoyGatewayObject
	for _, secret := range []struct {
		name string
		pair certs.Pair
	}{{"envoy-gateway", server}, {"envoy", client}} {
		object, err := json.Marshal(map[string]any{
			"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
			"metadata": map[string]string{"name": secret.name, "namespace": envoyGatewayNamespace},
			"data":     map[string][]byte{"ca.crt": authority.PEM(), "tls.crt": secret.pair.Cert, "tls.key": secret.pair.Key},
		})
		if err != nil {
			return nil, fmt.Errorf("encode the certificates of %s: %w", secret.name, err)
		}
		path := "/api/v1" + envoyGatewayFolder + "/secrets/" + secret.name
		objects = append(objects, envoyGatewayObject{path, string(object)})
	}
	return objects, nil
}

// envoyGatewayConfig has what an EnvoyProxy would say of all Envoys, too. Their first start
// is looked for each second, and of the requests only those are logged, to the pod's
// output, that were answered with an error.
func envoyGatewayConfig() string {
	return fmt.Sprintf(`apiVersion: v1
kind: ConfigMap
metadata: {name: envoy-gateway, namespace: %s}
data:
  envoy-gateway.yaml: |
    apiVersion: gateway.envoyproxy.io/v1alpha1
    kind: EnvoyGateway
    gateway: {controllerName: gateway.envoyproxy.io/gatewayclass-controller}
    provider:
      type: Kubernetes
      kubernetes:
        leaderElection: {disable: true}
        topologyInjector: {disable: true}
        shutdownManager: {image: %q}
    envoyProxy:
      concurrency: 2
      telemetry:
        accessLog:
          settings:
          - matches: ["response.code >= 500"]
            sinks: [{type: File, file: {path: /dev/stdout}}]
      provider:
        type: Kubernetes
        kubernetes:
          envoyService: {type: ClusterIP}
          envoyDeployment:
            container:
              image: %q
              # Its weight against others when processors are short.
              resources: {requests: {cpu: 500m, memory: 128Mi}}
            patch:
              type: StrategicMerge
              value:
                spec:
                  template:
                    spec:
                      containers:
                      - {name: envoy, startupProbe: {periodSeconds: 1, failureThreshold: 300}}
                      - {name: shutdown-manager, startupProbe: {periodSeconds: 1, failureThreshold: 300}}
`, envoyGatewayNamespace, EnvoyGatewayImage, EnvoyImage)
}

const envoyGatewayAccount = `apiVersion: v1
kind: ServiceAccount
metadata: {name: envoy-gateway, namespace: ` + envoyGatewayNamespace + `}
`

const envoyGatewayRights = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: envoy-gateway}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: envoy-gateway, namespace: ` + envoyGatewayNamespace + `}]
`

// envoyGatewayService has the name that Envoy Gateway tells its Envoy.
const envoyGatewayService = `apiVersion: v1
kind: Service
metadata: {name: envoy-gateway, namespace: ` + envoyGatewayNamespace + `}
spec:
  selector: {app: envoy-gateway}
  ports: [{name: grpc, port: 18000, targetPort: 18000}]
`

const envoyGatewayDeployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: envoy-gateway, namespace: ` + envoyGatewayNamespace + `}
spec:
  selector: {matchLabels: {app: envoy-gateway}}
  template:
    metadata: {labels: {app: envoy-gateway}}
    spec:
      serviceAccountName: envoy-gateway
      securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: envoy-gateway
        image: ` + EnvoyGatewayImage + `
        imagePullPolicy: IfNotPresent
        command: [envoy-gateway, server, --config-path=/config/envoy-gateway.yaml]
        env: [{name: ENVOY_GATEWAY_NAMESPACE, value: ` + envoyGatewayNamespace + `}]
        readinessProbe: {httpGet: {path: /readyz, port: 8081}, periodSeconds: 1}
        resources: {requests: {cpu: 100m, memory: 64Mi}}
        securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
        volumeMounts:
        - {name: config, mountPath: /config, readOnly: true}
        - {name: certs, mountPath: /certs, readOnly: true}
        - {name: modules, mountPath: /var/lib/eg/wasm}
      volumes:
      - {name: config, configMap: {name: envoy-gateway}}
      - {name: certs, secret: {secretName: envoy-gateway}}
      - {name: modules, emptyDir: {}}
`

const envoyGatewayClass = `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: envoy}
spec: {controllerName: gateway.envoyproxy.io/gatewayclass-controller}
`

const envoyGatewayListener = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: ` + EnvoyGatewayName + `, namespace: ` + GatewayNamespace + `}
spec:
  gatewayClassName: envoy
  addresses: [{type: IPAddress, value: ` + envoyGatewayAddress + `}]
  listeners:
  - {name: http, port: ` + envoyGatewayPort + `, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
`
