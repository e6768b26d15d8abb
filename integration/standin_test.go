package integration

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var httpRoute = schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"}

// kubelet makes the pods of a namespace ready as soon as they exist, except
// those whose image is listed as broken.
type kubelet struct {
	mu     sync.Mutex
	broken []string
}

func (k *kubelet) breakImage(image string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.broken = append(k.broken, image)
}

func (k *kubelet) runs(pod *corev1.Pod) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !slices.Contains(k.broken, pod.Spec.Containers[0].Image)
}

func (k *kubelet) start(ctx context.Context, t *testing.T, p controlPlane, namespace string) {
	t.Helper()
	p.watching(ctx, t, &corev1.PodList{}, namespace, func(object client.Object) error {
		pod := object.(*corev1.Pod)
		if pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodRunning || !k.runs(pod) {
			return nil
		}
		const ready = `{"status":{"phase":"Running","conditions":[` +
			`{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"},` +
			`{"type":"ContainersReady","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}`
		return client.IgnoreNotFound(p.client.Status().Patch(ctx, pod, client.RawPatch(types.StrategicMergePatchType, []byte(ready))))
	})
}

// gateway accepts every route of a namespace at its generation, as a gateway
// controller does, and keeps the weights it was given.
type gateway struct {
	mu      sync.Mutex
	splits  []string // primary/canary of each change, in order
	against string   // what it has against routes; it takes them if empty
}

func (g *gateway) start(ctx context.Context, t *testing.T, namespace string) {
	t.Helper()
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(httpRoute.GroupVersion().WithKind("HTTPRouteList"))
	watching(ctx, t, list, namespace, func(object client.Object) error {
		route := object.(*unstructured.Unstructured)
		g.note(route)
		return client.IgnoreNotFound(g.accept(ctx, route))
	})
}

func (g *gateway) accept(ctx context.Context, route *unstructured.Unstructured) error {
	refs, _, err := unstructured.NestedSlice(route.Object, "spec", "parentRefs")
	if err != nil {
		return err
	}
	var parents []any
	verdict := "True"
	if g.against != "" {
		verdict = "False"
	}
	for _, ref := range refs {
		condition := func(kind string) map[string]any {
			return map[string]any{"type": kind, "status": verdict, "reason": kind, "message": g.against,
				"observedGeneration": route.GetGeneration(), "lastTransitionTime": "2026-01-01T00:00:00Z"}
		}
		parents = append(parents, map[string]any{"parentRef": ref, "controllerName": "example.com/gateway",
			"conditions": []any{condition("Accepted"), condition("ResolvedRefs")}})
	}
	if old, _, _ := unstructured.NestedSlice(route.Object, "status", "parents"); equalJSON(old, parents) {
		return nil
	}
	body, err := json.Marshal(map[string]any{"status": map[string]any{"parents": parents}})
	if err != nil {
		return err
	}
	return plane.client.Status().Patch(ctx, route, client.RawPatch(types.MergePatchType, body))
}

func (g *gateway) note(route *unstructured.Unstructured) {
	split := splitOf(route)
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.splits) == 0 || g.splits[len(g.splits)-1] != split {
		g.splits = append(g.splits, split)
	}
}

func (g *gateway) seen() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Join(g.splits, " ")
}

// splitOf reads the weights of the first rule.
func splitOf(route *unstructured.Unstructured) string {
	rules, _, _ := unstructured.NestedSlice(route.Object, "spec", "rules")
	if len(rules) == 0 {
		return "none"
	}
	refs, _, _ := unstructured.NestedSlice(rules[0].(map[string]any), "backendRefs")
	var weights []string
	for _, ref := range refs {
		text, _ := json.Marshal(ref.(map[string]any)["weight"])
		weights = append(weights, string(text))
	}
	return strings.Join(weights, "/")
}

func equalJSON(a, b any) bool {
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	return errA == nil && errB == nil && string(x) == string(y)
}

// watching calls do for every object of a namespace and each of its changes,
// until the context ends. A watch that the server closes is opened again.
func watching(ctx context.Context, t *testing.T, list client.ObjectList, namespace string, do func(client.Object) error) {
	t.Helper()
	plane.watching(ctx, t, list, namespace, do)
}

func (p controlPlane) watching(ctx context.Context, t *testing.T, list client.ObjectList, namespace string, do func(client.Object) error) {
	t.Helper()
	var running sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	t.Cleanup(func() { cancel(); running.Wait() })
	running.Go(func() {
		for ctx.Err() == nil {
			w, err := p.client.Watch(ctx, list, client.InNamespace(namespace))
			if err != nil {
				select {
				case <-ctx.Done():
				case <-time.After(time.Second):
				}
				continue
			}
			for event := range w.ResultChan() {
				object, ok := event.Object.(client.Object)
				if !ok || event.Type == "DELETED" {
					continue
				}
				if err := do(object); err != nil && ctx.Err() == nil {
					t.Logf("stand-in: %v", err)
				}
			}
			w.Stop()
		}
	})
}
