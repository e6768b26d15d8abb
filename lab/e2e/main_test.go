package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/serinhq/serin/lab/cluster"
)

func TestMain(m *testing.M) {
	cluster.Enter()
	os.Exit(m.Run())
}

// lab is a running cluster and the test that uses it.
type lab struct {
	*testing.T
	*cluster.Cluster
}

func up(t *testing.T, name string) lab {
	t.Helper()
	return upWith(t, cluster.Options{Name: name, Kubectl: true})
}

func upWith(t *testing.T, options cluster.Options) lab {
	t.Helper()
	c, err := cluster.Up(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return lab{t, c}
}

// kubectl runs kubectl with input on its standard input and returns what it prints.
func (l lab) kubectl(input string, args ...string) string {
	l.Helper()
	cmd := exec.CommandContext(l.Context(), l.Kubectl, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+l.Kubeconfig)
	cmd.Stdin = strings.NewReader(input)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		l.Fatalf("kubectl %s: %v: %s", strings.Join(args, " "), err, problem.String())
	}
	return out.String()
}

// app is a Deployment of podinfo, whose answers carry the message, and its Service.
func app(name, message string) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, namespace: test}
spec:
  replicas: 1
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata:
      labels: {app: %[1]s}
      annotations: {prometheus.io/scrape: "true", prometheus.io/port: "9797"}
    spec:
      containers:
      - name: podinfo
        image: %[3]s
        imagePullPolicy: IfNotPresent
        args: [--port=9898, --port-metrics=9797, --level=info]
        env: [{name: PODINFO_UI_MESSAGE, value: %[2]s}]
        readinessProbe: {httpGet: {path: /readyz, port: 9898}, periodSeconds: 1}
        securityContext:
          runAsNonRoot: true
          readOnlyRootFilesystem: true
          allowPrivilegeEscalation: false
          capabilities: {drop: [ALL]}
          seccompProfile: {type: RuntimeDefault}
---
apiVersion: v1
kind: Service
metadata: {name: %[1]s, namespace: test}
spec: {selector: {app: %[1]s}, ports: [{port: 80, targetPort: 9898}]}
---
`, name, message, cluster.PodinfoImage)
}

func route(first, second int) string {
	return fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: app, namespace: test}
spec:
  parentRefs: [{name: lab, namespace: gateway-system}]
  hostnames: [app.example.com]
  rules:
  - backendRefs: [{name: one, port: 80, weight: %d}, {name: two, port: 80, weight: %d}]
`, first, second)
}
