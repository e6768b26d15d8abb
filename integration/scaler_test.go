package integration

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/workload"
)

// scaled applies a Canary with an autoscaler, whose one step waits for a gate.
func (w *world) scaled(ref string) {
	w.t.Helper()
	w.hooks.refuse("gate", true)
	w.must(apply(w.ctx, plane.client, w.parse(`
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: podinfo}
spec:
  provider: gatewayapi:v1
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: podinfo}
  autoscalerRef: `+ref+`
  progressDeadlineSeconds: 120
  service: {port: 80, targetPort: 9898, gatewayRefs: [{name: public}]}
  analysis:
    interval: 10s
    threshold: 1
    stepWeight: 50
    maxWeight: 50
    webhooks: [{name: gate, type: confirm-promotion, url: `+w.hooks.URL+`/gate}]
`)))
}

// promotable waits until a release is at its gate.
func (w *world) promotable() {
	w.t.Helper()
	w.until("the promotion to wait for approval", func(c *v1beta1.Canary) bool { return c.Status.Phase == "WaitingPromotion" })
}

func (w *world) scaler(gvk schema.GroupVersionKind, name string) *unstructured.Unstructured {
	w.t.Helper()
	object := blank(gvk)
	w.must(plane.client.Get(w.ctx, types.NamespacedName{Namespace: w.namespace, Name: name}, object))
	return object
}

func (w *world) spec(gvk schema.GroupVersionKind, name string, path ...string) any {
	w.t.Helper()
	value, _, err := unstructured.NestedFieldCopy(w.scaler(gvk, name).Object, append([]string{"spec"}, path...)...)
	w.must(err)
	return value
}

// heard waits for an event that contains a text.
func (w *world) heard(text string) {
	w.t.Helper()
	events, err := plane.client.Watch(w.ctx, &corev1.EventList{}, client.InNamespace(w.namespace))
	w.must(err)
	defer events.Stop()
	for event := range events.ResultChan() {
		if e, ok := event.Object.(*corev1.Event); ok && strings.Contains(e.Message, text) {
			return
		}
	}
	w.t.Fatalf("no event says %q", text)
}

const hpa = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: podinfo, annotations: {owner: shop}}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: podinfo}
  maxReplicas: 5
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}
`

func TestHorizontalPodAutoscalerIsCopiedAndKeptInStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate()
	w.push("app:1")
	w.scaled("{apiVersion: autoscaling/v2beta2, kind: HorizontalPodAutoscaler, name: podinfo}")
	w.heard("HorizontalPodAutoscaler podinfo." + w.namespace + " not found: create it, or remove spec.autoscalerRef")
	w.must(apply(w.ctx, plane.client, w.parse(hpa)))
	w.phase("Initialized")
	if got := w.spec(workload.HorizontalPodAutoscaler, "podinfo-primary", "scaleTargetRef", "name"); got != "podinfo-primary" {
		t.Errorf("the copy scales %v", got)
	}

	// The primary's autoscaler gives it more pods; the original is edited at rest.
	w.must(plane.client.Patch(w.ctx, w.deployment("podinfo-primary"), client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":4}}`))))
	w.must(follow(w.ctx, plane.client, blank(deploymentKind), w.namespace, "podinfo-primary", func(u *unstructured.Unstructured) bool {
		ready, _, _ := unstructured.NestedInt64(u.Object, "status", "readyReplicas")
		return ready == 4
	}))
	w.must(apply(w.ctx, plane.client, w.parse(strings.Replace(hpa, "maxReplicas: 5", "maxReplicas: 7", 1))))
	w.push("app:2")
	w.promotable()
	if got := w.spec(workload.HorizontalPodAutoscaler, "podinfo-primary", "maxReplicas"); got != int64(5) {
		t.Errorf("the copy has maxReplicas %v before the promotion, want 5", got)
	}
	if got := *w.deployment("podinfo").Spec.Replicas; got != 2 {
		t.Errorf("the canary of half the traffic has %d replicas beside 4 of the primary, want 2", got)
	}

	w.hooks.refuse("gate", false)
	w.phase("Succeeded")
	if got := w.spec(workload.HorizontalPodAutoscaler, "podinfo-primary", "maxReplicas"); got != int64(7) {
		t.Errorf("the copy has maxReplicas %v after the promotion, want 7", got)
	}
	if got := *w.deployment("podinfo-primary").Spec.Replicas; got != 4 {
		t.Errorf("the promotion gave the primary %d replicas, its autoscaler 4", got)
	}
	if got := *w.deployment("podinfo").Spec.Replicas; got != 0 {
		t.Errorf("the canary was left with %d replicas", got)
	}
	for _, line := range []string{"created", "updated"} {
		if text := "HorizontalPodAutoscaler v2 podinfo-primary." + w.namespace + " " + line; strings.Count(w.log.String(), text) != 1 {
			t.Errorf("the log does not say once: %s", text)
		}
	}
}

var deploymentKind = schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}

const scaledObject = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: podinfo, annotations: {scaledobject.keda.sh/transfer-hpa-ownership: "true"}}
spec:
  scaleTargetRef: {name: podinfo}
  pollingInterval: 10
  initialCooldownPeriod: 40
  minReplicaCount: 1
  maxReplicaCount: 3
  fallback: {failureThreshold: 3, replicas: 2, behavior: currentReplicas}
  advanced:
    horizontalPodAutoscalerConfig: {name: podinfo}
    scalingModifiers: {formula: requests, target: "5"}
  triggers:
  - type: prometheus
    name: requests
    useCachedMetrics: true
    metadata: {serverAddress: "http://prometheus:9090", threshold: "5", query: 'sum(rate(requests{app="podinfo"}[1m]))'}
`

func TestScaledObjectIsCopiedPausedAndResumed(t *testing.T) {
	t.Parallel()
	installKEDA(t)
	w := newWorld(t)
	w.must(plane.client.Create(w.ctx, w.parse(scaledObject), strict))
	before := w.spec(workload.ScaledObject, "podinfo")
	w.operate()
	w.push("app:1")
	w.scaled("{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, name: podinfo, primaryScalerReplicas: {minReplicas: 2, maxReplicas: 9}}")
	w.phase("Initialized")
	if !workload.Paused(*w.scaler(workload.ScaledObject, "podinfo")) {
		t.Error("at rest the ScaledObject is not paused")
	}
	twin := w.scaler(workload.ScaledObject, "podinfo-primary")
	if workload.Paused(*twin) || twin.GetAnnotations()["scaledobject.keda.sh/transfer-hpa-ownership"] != "true" {
		t.Errorf("annotations of the copy: %v", twin.GetAnnotations())
	}
	want := w.parse(scaledObject).Object["spec"].(map[string]any)
	for path, value := range map[string]any{
		"scaleTargetRef/name": "podinfo-primary", "minReplicaCount": int64(2), "maxReplicaCount": int64(9),
		"advanced/horizontalPodAutoscalerConfig/name": "podinfo-primary",
	} {
		w.must(unstructured.SetNestedField(want, value, strings.Split(path, "/")...))
	}
	metadata := want["triggers"].([]any)[0].(map[string]any)["metadata"].(map[string]any)
	metadata["query"] = `sum(rate(requests{app="podinfo-primary"}[1m]))`
	if got := twin.Object["spec"]; !equalJSON(want, got) {
		t.Errorf("the copy (-want +got)\n%s", cmp.Diff(want, got))
	}

	w.push("app:2")
	w.promotable()
	if workload.Paused(*w.scaler(workload.ScaledObject, "podinfo")) {
		t.Error("during a release the ScaledObject is paused")
	}
	w.hooks.refuse("gate", false)
	w.phase("Succeeded")
	if !workload.Paused(*w.scaler(workload.ScaledObject, "podinfo")) {
		t.Error("after the release the ScaledObject is not paused")
	}
	if diff := cmp.Diff(before, w.spec(workload.ScaledObject, "podinfo")); diff != "" {
		t.Errorf("the user's own ScaledObject was changed (-before +after)\n%s", diff)
	}
	if text := "Keda ScaledObject podinfo-primary." + w.namespace + " created"; !strings.Contains(w.log.String(), text) {
		t.Errorf("the log does not say: %s", text)
	}
}

var kedaInstalled sync.Once

// installKEDA gives the API server the schema of ScaledObjects. It is KEDA's own,
// from its module, which is only downloaded: building it would take 800 packages.
func installKEDA(t *testing.T) {
	t.Helper()
	kedaInstalled.Do(func() {
		download := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", "github.com/kedacore/keda/v2@v2.21.0")
		download.Dir = t.TempDir() // outside of our module, whose go.sum stays as it is
		text, err := download.Output()
		if err != nil {
			t.Fatalf("download the schema of KEDA: %v\n%s", err, text)
		}
		var module struct{ Dir string }
		if err := json.Unmarshal(text, &module); err != nil {
			t.Fatal(err)
		}
		crd, err := os.ReadFile(filepath.Join(module.Dir, "config/crd/bases/keda.sh_scaledobjects.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "scaledobjects.yaml"), crd, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := applyCRDs(t.Context(), plane.client, dir); err != nil {
			t.Fatal(err)
		}
	})
}
