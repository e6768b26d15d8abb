package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sync/errgroup"
)

// The gateway that routes refer to.
const (
	GatewayNamespace = "gateway-system"
	GatewayName      = "lab"
)

// startGateway starts Contour, which turns HTTPRoutes into the configuration of Envoy,
// which carries the traffic; or istiod, which does so with VirtualServices.
func (n *theNode) startGateway(ctx context.Context) error {
	if err := n.applyCRDs(ctx); err != nil {
		return err
	}
	if n.Istiod != "" {
		return n.startIstio(ctx)
	}
	if err := n.applyGateway(ctx); err != nil {
		return err
	}
	contour, err := n.run("contour", n.Contour, nil, "serve",
		"--config-path="+n.path("contour.yaml"),
		"--kubeconfig="+n.creds.kubeconfigs["contour"],
		"--kubernetes-client-qps=200", "--kubernetes-client-burst=300",
		"--disable-leader-election",
		"--disable-feature=extensionservices", "--disable-feature=tlsroutes",
		"--disable-feature=tcproutes", "--disable-feature=backendtlspolicies",
		"--insecure", "--xds-address=127.0.0.1", "--xds-port="+contourPort,
		"--http-address=127.0.0.1", "--http-port="+contourMetrics,
		"--health-address=127.0.0.1", "--health-port="+contourMetrics,
		"--stats-address=127.0.0.1", "--stats-port="+envoyStatsPort,
		"--envoy-http-access-log="+filepath.Join(n.path("logs"), "bad-answers.log"), "--envoy-https-access-log=/dev/null",
		"--ingress-status-address="+nodeAddress,
	)
	if err != nil {
		return err
	}
	// Envoy waits longer and longer between attempts, so it starts when there is an answer.
	if err := until(ctx, contour, listening("127.0.0.1:"+contourPort)); err != nil {
		return err
	}
	if err := n.startEnvoy(ctx); err != nil {
		return err
	}
	path := "/apis/gateway.networking.k8s.io/v1/namespaces/" + GatewayNamespace + "/gateways/" + GatewayName
	if err := n.condition(ctx, "the gateway to be programmed", path, "Programmed"); err != nil {
		return err
	}
	return n.startTraefik(ctx)
}

func (n *theNode) startEnvoy(ctx context.Context) error {
	bootstrap := n.path("envoy.json")
	cmd := exec.CommandContext(ctx, n.Contour, "bootstrap", bootstrap,
		"--admin-address="+n.path("envoy.sock"), "--xds-address=127.0.0.1", "--xds-port="+contourPort)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("write the configuration of Envoy: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return n.runEnvoy(ctx, "--config-path", bootstrap, "--service-cluster", "lab", "--service-node", "lab")
}

func (n *theNode) runEnvoy(ctx context.Context, args ...string) error {
	envoy, err := n.run("envoy", n.Envoy, nil, append(args,
		"--disable-hot-restart", // its shared memory would be shared with other labs
		"--concurrency", "2", "--log-level", "warn",
	)...)
	if err != nil {
		return err
	}
	return until(ctx, envoy, answers("http://127.0.0.1:"+envoyStatsPort+"/ready"))
}

// answers looks whether a GET is answered with success.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s", url, resp.Status)
		}
		return nil
	}
}

func (n *theNode) applyCRDs(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, file := range n.CRDs {
		group.Go(func() error {
			definition, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("read a custom resource definition: %w", err)
			}
			name, err := objectName(definition)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			path := "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/" + name
			if err := n.apply(ctx, path, string(definition)); err != nil {
				return err
			}
			return n.condition(ctx, name+" to be served", path, "Established")
		})
	}
	return group.Wait()
}

// objectName reads the name of an object that a machine wrote as YAML.
func objectName(object []byte) (string, error) {
	found := regexp.MustCompile(`(?m)^  name: (\S+)$`).FindSubmatch(object)
	if found == nil {
		return "", errors.New("the object has no name")
	}
	return string(found[1]), nil
}

func (n *theNode) applyGateway(ctx context.Context) error {
	const group = "/apis/gateway.networking.k8s.io/v1"
	for _, object := range []struct{ path, object string }{
		{"/api/v1/namespaces/" + GatewayNamespace, fmt.Sprintf(`apiVersion: v1
kind: Namespace
metadata: {name: %s}
`, GatewayNamespace)},
		{group + "/gatewayclasses/contour", `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: contour}
spec: {controllerName: projectcontour.io/gateway-controller}
`},
		{group + "/namespaces/" + GatewayNamespace + "/gateways/" + GatewayName,
			fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: %s, namespace: %s}
spec:
  gatewayClassName: contour
  listeners:
  # Contour makes Envoy listen 8000 ports higher.
  - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
`, GatewayName, GatewayNamespace)},
	} {
		if err := n.apply(ctx, object.path, object.object); err != nil {
			return err
		}
	}
	return nil
}

func contourConfig() string {
	// Of the requests only those answered with an error are logged, with Envoy's reason.
	return fmt.Sprintf("gateway: {gatewayRef: {namespace: %s, name: %s}}\naccesslog-level: error\n", GatewayNamespace, GatewayName)
}
