package e2e

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/serinhq/serin/lab/await"
	"github.com/serinhq/serin/lab/cluster"
	"github.com/serinhq/serin/lab/demo"
)

//go:embed mesh.yaml
var meshTemplate string

// A member of the mesh, which istiod tells its way as it tells a sidecar, follows the
// weights of a release with its calls, and of one that is aborted back. The root
// VirtualService is the user's and delegates to that of the Canary.
func TestIstioMeshRelease(t *testing.T) {
	s := site{t, raiseWith(t, istioLab("e2e-istio-mesh"))}
	s.operator()
	s.kubectl("", "create", "namespace", demo.Namespace)
	w := traveller{s, way{
		Name: "called", Kind: "Deployment", manifest: meshTemplate,
		Analysis: "{interval: 20s, threshold: 2, stepWeights: [20, 60]}",
	}}
	w.write("1.0.0", true)
	w.phase("Initialized")
	start := w.caller()

	w.release("2.0.0")
	for _, weight := range []int{20, 60} {
		w.weight(weight)
		w.called(16*time.Second, "2.0.0", float64(weight))
	}
	w.phase("Succeeded")
	w.called(4*time.Second, "2.0.0", 100)
	revision := w.release("3.0.0")
	w.weight(20)
	w.ask("abort", revision)
	w.phase("Failed")
	w.called(4*time.Second, "2.0.0", 100)

	sent := w.calls().since(start)
	t.Logf("%d calls, answered by %v", sent.answered(), sent.Answers)
	if len(sent.Errors) > 0 {
		t.Errorf("calls were answered by no release: %v", sent.Errors)
	}
}

// caller starts the member of the mesh, and returns its books once all is well.
func (w traveller) caller() calls {
	w.Helper()
	const bootstrap = `{"xds_servers": [{"server_uri": %q, "channel_creds": [{"type": "insecure"}], "server_features": ["xds_v3"]}], ` +
		`"node": {"id": "sidecar~$(POD_IP)~caller.demo~demo.svc.cluster.local", "metadata": {"GENERATOR": "grpc", "NAMESPACE": "demo", "CLUSTER_ID": "Kubernetes"}}}`
	w.kubectl(fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: caller, namespace: demo}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: caller
    image: %s
    imagePullPolicy: IfNotPresent
    args: ["-target=xds:///%s.demo.svc.cluster.local:9999", -rate=2000]
    env:
    - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: GRPC_XDS_BOOTSTRAP_CONFIG, value: '%s'}
`, cluster.XDSClientImage, w.Name, fmt.Sprintf(bootstrap, cluster.IstiodInside)), "apply", "--server-side", "-f", "-")
	w.kubectl("", "-n", "demo", "wait", "--for=condition=Ready", "--timeout=60s", "pod/caller")
	var before, now calls
	err := await.Condition(w.Context(), patience, "calls that are all answered", func(context.Context) error {
		before, now = now, w.calls()
		if latest := now.since(before); latest.answered() == 0 || len(latest.Errors) > 0 {
			return fmt.Errorf("got %v", latest)
		}
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
	return now
}

// called lets time pass and compares the share of a release in the calls of it.
func (w traveller) called(length time.Duration, release string, percent float64) {
	w.Helper()
	const points = 2
	pass(w.T, time.Second) // the status is written before the routes
	mark := w.calls()
	pass(w.T, length)
	got := w.calls().since(mark)
	share := 100 * float64(got.Answers[release]) / float64(got.answered())
	w.Logf("asked for %g %%, measured %.2f %% of %d calls; errors: %v", percent, share, got.answered(), got.Errors)
	if got.answered() == 0 || math.Abs(share-percent) > points {
		w.Errorf("%s answered %.2f %%, want %g %%", release, share, percent)
	}
}

// calls are what the member of the mesh has counted.
type calls struct {
	Answers, Errors map[string]int
}

func (w traveller) calls() (c calls) {
	w.Helper()
	page := w.kubectl("", "get", "--raw", "/api/v1/namespaces/demo/pods/caller:8080/proxy/")
	if err := json.Unmarshal([]byte(page), &c); err != nil {
		w.Fatal(err)
	}
	return c
}

func (c calls) since(before calls) calls {
	return calls{Answers: grown(c.Answers, before.Answers), Errors: grown(c.Errors, before.Errors)}
}

// grown is by how much counts have become greater.
func grown(now, before map[string]int) map[string]int {
	more := map[string]int{}
	for name, count := range now {
		if count > before[name] {
			more[name] = count - before[name]
		}
	}
	return more
}

func (c calls) answered() int {
	sum := 0
	for _, count := range c.Answers {
		sum += count
	}
	return sum
}
