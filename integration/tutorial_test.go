package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
)

// tutorial reads a manifest of a tutorial as it is, but for what only its own cluster
// knows: the namespace, and the address of its load tester.
func (w *world) tutorial(file string) *unstructured.Unstructured {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "api", "v1beta1", "testdata", "compat", file+".yaml"))
	w.must(err)
	manifest := string(text)
	for _, address := range []string{"http://flagger-loadtester.kubeaddons-flagger/", "http://flagger-loadtester.test/"} {
		manifest = strings.ReplaceAll(manifest, address, w.hooks.URL+"/")
	}
	manifest = strings.ReplaceAll(manifest, "namespace: test", "namespace: "+w.namespace)
	return w.parse(manifest)
}

// rest starts an operator and brings a tutorial's Canary to rest. Its clock hurries, so
// that no deadline is given.
func (w *world) rest(name string, canary *unstructured.Unstructured) {
	w.t.Helper()
	w.must(apply(w.ctx, plane.client, w.workload(name, "app:1")))
	w.must(plane.client.Create(w.ctx, canary, strict))
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"progressDeadlineSeconds":864000}}`))
	w.must(plane.client.Patch(w.ctx, w.canaryObject(name), patch))
	w.supervise(newInjector(script{}), time.Now())
	w.named(name, "it to be at rest", func(c *v1beta1.Canary) bool { return c.Status.Phase == "Initialized" })
}

// releases lets an image be released to the end, and returns the way of the traffic and
// all versions of the routes since the beginning.
func (w *world) releases(e estate, h *history, image string) (string, []version) {
	w.t.Helper()
	w.must(apply(w.ctx, plane.client, w.workload(e.name, image)))
	w.named(e.name, image+" to be released", func(c *v1beta1.Canary) bool {
		return c.Status.Phase == "Succeeded" && len(c.Status.Rollout.Pending) == 0 && w.image(e.name+"-primary") == image
	})
	all, _ := h.versions()
	way, _ := e.journey(all)
	return way, all
}

// The Istio tutorial runs to its end: the VirtualService is the one of the tutorial at
// each of its weights, which grow by ten a minute.
func TestIstioTutorialRunsToItsEnd(t *testing.T) {
	t.Parallel()
	install(t, "istio")
	w, h := newWorld(t), newHistory()
	w.mesh = "istio"
	e := estate{name: "hello-world", provider: "istio", namespace: w.namespace}
	e.follow(w, h)
	w.must(plane.client.Create(w.ctx, w.tutorial("seed0-gateway")))
	w.must(plane.client.Create(w.ctx, w.tutorial("seed0-hpa")))
	w.rest(e.name, w.tutorial("seed0-canary-v1alpha3"))
	way, all := w.releases(e, h, "app:2")
	if want := "100/0 90/10 80/20 70/30 60/40 50/50 100/0"; way != want {
		t.Errorf("the traffic went through %s, want %s", way, want)
	}
	for _, v := range all {
		var weights [2]int64
		if v.GetKind() == "VirtualService" {
			http, _, _ := unstructured.NestedSlice(v.Object, "spec", "http")
			for i, end := range http[0].(map[string]any)["route"].([]any) {
				weights[i] = end.(map[string]any)["weight"].(int64)
			}
		}
		if want := w.parse(tutorialObject(v, weights)).Object["spec"]; !equalJSON(want, v.Object["spec"]) {
			t.Errorf("%s %s is %v, want %v", v.GetKind(), v.GetName(), v.Object["spec"], want)
		}
	}
	calls := w.hooks.to("")
	if len(calls) == 0 || calls[0].Name != e.name || !strings.HasPrefix(calls[0].Metadata["cmd"], "hey -z 1m") {
		t.Errorf("the load tester was asked %v", calls)
	}
}

// tutorialObject is what the specification says that the Istio tutorial needs.
func tutorialObject(v version, weights [2]int64) string {
	if v.GetKind() == "DestinationRule" {
		return "spec: {host: " + v.GetName() + ", trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}"
	}
	return fmt.Sprintf(`
spec:
  hosts: ["*"]
  gateways: [public-gateway.istio-system.svc.cluster.local]
  http:
  - retries: {attempts: 3, perTryTimeout: 1s, retryOn: "gateway-error,connect-failure,refused-stream"}
    route:
    - {destination: {host: hello-world-primary}, weight: %d}
    - {destination: {host: hello-world-canary}, weight: %d}
`, weights[0], weights[1])
}

// The Gloo tutorial runs to its end, step by step and then as an A/B test.
func TestGlooTutorialRunsToItsEnd(t *testing.T) {
	t.Parallel()
	install(t, "gloo")
	w, h := newWorld(t), newHistory()
	w.mesh = "gloo"
	e := estate{name: "podinfo", provider: "gloo", namespace: w.namespace}
	e.follow(w, h)
	for _, file := range []string{"seed1-virtualservice", "seed1-metrictemplate"} {
		w.must(plane.client.Create(w.ctx, w.tutorial(file)))
	}
	scaler := w.tutorial("seed0-hpa") // that of this tutorial comes with its chart
	rename(scaler.Object, "hello-world", e.name)
	w.must(plane.client.Create(w.ctx, scaler))
	w.rest(e.name, w.tutorial("seed1-canary-gloo"))
	way, _ := w.releases(e, h, "app:2")
	const steps = "100/0 95/5 90/10 85/15 80/20 75/25 70/30 65/35 60/40 55/45 50/50 100/0"
	if way != steps {
		t.Errorf("the traffic went through %s, want %s", way, steps)
	}
	for _, side := range []string{"primary", "canary"} {
		upstream := blank(e.kinds()[1])
		name := fmt.Sprintf("%s-podinfo-%supstream-9898", w.namespace, side)
		w.must(plane.client.Get(w.ctx, types.NamespacedName{Namespace: w.namespace, Name: name}, upstream))
		if service := textAt(upstream, "spec", "kube", "serviceName"); service != "podinfo-"+side {
			t.Errorf("Upstream %s leads to %s", name, service)
		}
	}
	if calls := w.hooks.to(""); len(calls) == 0 || calls[0].Metadata["type"] != "bash" {
		t.Errorf("the acceptance test was not the first to be called: %v", calls)
	}

	test := w.tutorial("seed1-ab-analysis").Object["analysis"]
	patch, err := json.Marshal([]any{map[string]any{"op": "replace", "path": "/spec/analysis", "value": test}})
	w.must(err)
	w.must(plane.client.Patch(w.ctx, w.canaryObject(e.name), client.RawPatch(types.JSONPatchType, patch)))
	way, all := w.releases(e, h, "app:3")
	if want := steps + " 0/100 100/0"; way != want {
		t.Errorf("the traffic went through %s, want %s", way, want)
	}
	if !slices.ContainsFunc(all, func(v version) bool {
		routes, _, _ := unstructured.NestedSlice(v.Object, "spec", "routes")
		return len(routes) == 2
	}) {
		t.Error("those who are no insiders had no route to the primary")
	}
}
