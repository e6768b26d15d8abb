package integration

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// shared is a Canary without a mesh: pods of both sides stand behind one Service.
const shared = `
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: podinfo}
spec:
  provider: kubernetes
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: podinfo}
  service: {port: 80, targetPort: 9898}
  analysis:
    interval: 10s
    threshold: 2
    stepWeights: [20, 60]
    metrics:
    - {name: request-success-rate, thresholdRange: {min: 99}}
`

// At home the apex selects the primary's pods, as with Flagger; under a release it
// selects members of both sides, whose numbers follow the weight, and there are never
// fewer than before.
func TestReleaseWithoutAMeshByNumbersOfPods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate()
	first := w.workload("podinfo", "app:1")
	w.must(unstructured.SetNestedField(first.Object, int64(4), "spec", "replicas"))
	w.must(apply(w.ctx, plane.client, first))
	w.must(apply(w.ctx, plane.client, w.parse(shared)))
	w.phase("Initialized")
	if selector := w.selector(); selector != "app=podinfo-primary" {
		t.Errorf("at home the apex selects %s", selector)
	}

	w.push("app:2")
	w.weight(20)
	w.heard("New revision detected")
	w.selects("serin.dev/behind=podinfo")
	w.stand(4, 1)
	w.weight(60)
	w.stand(2, 3)
	w.phase("Succeeded")
	w.selects("app=podinfo-primary")
	if got := w.image("podinfo-primary"); got != "app:2" {
		t.Errorf("the primary runs %s", got)
	}

	w.metrics.set(50, 20)
	w.push("app:3")
	w.phase("Failed")
	w.selects("app=podinfo-primary")
}

func (w *world) selector() string {
	w.t.Helper()
	var apex corev1.Service
	w.must(plane.client.Get(w.ctx, types.NamespacedName{Namespace: w.namespace, Name: "podinfo"}, &apex))
	var all []string
	for key, value := range apex.Spec.Selector {
		all = append(all, key+"="+value)
	}
	return strings.Join(all, ",")
}

// selects waits until the apex selects its pods by nothing else.
func (w *world) selects(want string) {
	w.t.Helper()
	key, value, _ := strings.Cut(want, "=")
	w.must(follow(w.ctx, plane.client, blank(corev1.SchemeGroupVersion.WithKind("Service")), w.namespace, "podinfo", func(u *unstructured.Unstructured) bool {
		selector, _, err := unstructured.NestedStringMap(u.Object, "spec", "selector")
		return err == nil && len(selector) == 1 && selector[key] == value
	}))
}

// stand waits until so many pods of each side stand behind the apex.
func (w *world) stand(primary, canary int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	pods, err := plane.client.Watch(ctx, &corev1.PodList{}, client.InNamespace(w.namespace), client.MatchingLabels{"serin.dev/behind": "podinfo"})
	w.must(err)
	defer pods.Stop()
	sides := map[string]string{}
	for event := range pods.ResultChan() {
		pod, ok := event.Object.(*corev1.Pod)
		if !ok {
			continue
		}
		sides[pod.Name] = pod.Labels["app"]
		if event.Type == "DELETED" {
			delete(sides, pod.Name)
		}
		numbers := map[string]int{}
		for _, side := range sides {
			numbers[side]++
		}
		if numbers["podinfo-primary"] == primary && numbers["podinfo"] == canary {
			return
		}
	}
	w.t.Fatalf("the pods behind the apex are %v, want %d of the primary and %d of the canary", sides, primary, canary)
}
