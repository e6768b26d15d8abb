package integration

import (
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// inherit makes the objects as Flagger leaves them, by create and update.
func (w *world) inherit(c legacy) {
	w.t.Helper()
	flagger := client.FieldOwner("flagger")
	target := w.parse(fmt.Sprintf(deployment, c.target))
	if c.target == c.primary {
		w.must(unstructured.SetNestedSlice(target.Object, []any{container(c.target)}, "spec", "template", "spec", "containers"))
	}
	w.must(unstructured.SetNestedField(target.Object, int64(c.replicas), "spec", "replicas"))
	w.must(apply(w.ctx, plane.client, target))
	hooks := ""
	if c.hooks != "" {
		hooks = "\nwebhooks:\n- {name: gate, type: " + c.hooks + ", url: " + w.hooks.URL + "/gate}"
	}
	w.canary("maxWeight: 40\nstepWeight: 20" + hooks)
	w.patient()
	w.rolled("podinfo", c.replicas)
	if c.stuck() {
		w.pods.breakImage(c.primary) // the canary's pods run already, the primary's will not
	}
	canary := w.status()
	for _, text := range inheritance(c) {
		object := w.parse(text)
		yes := true
		object.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "flagger.app/v1beta1", Kind: "Canary", Name: "podinfo", UID: canary.UID,
			Controller: &yes, BlockOwnerDeletion: &yes}})
		if object.GetKind() == "Deployment" {
			w.must(unstructured.SetNestedSlice(object.Object, []any{primaryContainer(c)}, "spec", "template", "spec", "containers"))
		}
		w.must(plane.client.Create(w.ctx, object, flagger))
	}
	if c.stuck() {
		w.expired("podinfo-primary")
	} else {
		w.rolled("podinfo-primary", 2)
	}
	raw := blank(canaryKind())
	w.must(plane.client.Get(w.ctx, types.NamespacedName{Namespace: w.namespace, Name: "podinfo"}, raw))
	status := w.parse(c.record()).Object["status"].(map[string]any)
	for field, value := range c.shown {
		status[field] = value
	}
	raw.Object["status"] = status
	w.must(plane.client.Status().Update(w.ctx, raw, flagger))
}

// patient takes the deadline away: the clock of the operator runs ahead of the times
// that Kubernetes writes.
func (w *world) patient() {
	w.t.Helper()
	raw := blank(canaryKind())
	raw.SetNamespace(w.namespace)
	raw.SetName("podinfo")
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"progressDeadlineSeconds":864000}}`))
	w.must(plane.client.Patch(w.ctx, raw, patch))
}

// rolled waits until so many pods of a Deployment are there.
func (w *world) rolled(name string, pods int) {
	w.t.Helper()
	w.reaches(name, func(u *unstructured.Unstructured) bool {
		return numberAt(u, "status", "observedGeneration") == u.GetGeneration() && numberAt(u, "status", "availableReplicas") == int64(pods)
	})
}

// expired waits until it is known that the pods of a Deployment will not come.
func (w *world) expired(name string) {
	w.t.Helper()
	w.reaches(name, func(u *unstructured.Unstructured) bool {
		conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
		return slices.ContainsFunc(conditions, func(c any) bool { return c.(map[string]any)["reason"] == "ProgressDeadlineExceeded" })
	})
}

func (w *world) reaches(name string, until func(*unstructured.Unstructured) bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	w.must(follow(ctx, w.plane.client, blank(appsv1.SchemeGroupVersion.WithKind("Deployment")), w.namespace, name, until))
}

// record is the status.
func (c legacy) record() string {
	word := "Unknown"
	switch c.phase {
	case "Initialized", "Succeeded":
		word = "True"
	case "Failed":
		word = "False"
	}
	now := time.Now().UTC().Format(time.RFC3339)
	return fmt.Sprintf(`
status:
  phase: %s
  failedChecks: 0
  canaryWeight: 0
  iterations: 0
  lastAppliedSpec: 5498f4fcd6
  lastPromotedSpec: 7c8d9f6b5d
  lastTransitionTime: %q
  conditions:
  - {type: Promoted, status: %q, reason: %s, message: as Flagger says it, lastUpdateTime: %q, lastTransitionTime: %q}
`, c.phase, now, word, c.phase, now, now)
}

// container is what runs in the pods of a workload, with all that a later one lacks.
func container(image string) map[string]any {
	return map[string]any{"name": "app", "image": image,
		"env": []any{map[string]any{"name": "OLD", "value": "1"}},
		"ports": []any{
			map[string]any{"name": "http", "containerPort": int64(9898), "protocol": "TCP"},
			map[string]any{"name": "admin", "containerPort": int64(9899), "protocol": "TCP"},
		}}
}

func primaryContainer(c legacy) map[string]any {
	if c.target == c.primary {
		return container(c.primary)
	}
	all := container(c.primary)
	delete(all, "env")
	all["ports"] = all["ports"].([]any)[:1]
	return all
}

// inheritance is what Flagger makes for a Canary: three Services, a primary and a route.
func inheritance(c legacy) []string {
	const service = `
apiVersion: v1
kind: Service
metadata:
  name: %[1]s
  labels: {app: %[1]s}
  annotations: {kustomize.toolkit.fluxcd.io/reconcile: disabled, helm.toolkit.fluxcd.io/driftDetection: disabled}
spec:
  type: ClusterIP
  selector: {app: %[2]s}
  ports: [{name: http, protocol: TCP, port: 80, targetPort: 9898}]
`
	deadline := 20
	if c.stuck() {
		deadline = 3
	}
	return []string{
		fmt.Sprintf(service, "podinfo", "podinfo-primary"),
		fmt.Sprintf(service, "podinfo-primary", "podinfo-primary"),
		fmt.Sprintf(service, "podinfo-canary", "podinfo"),
		fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata:
  name: podinfo-primary
  labels: {app: podinfo-primary}
spec:
  replicas: 2
  progressDeadlineSeconds: %d
  revisionHistoryLimit: 10
  selector: {matchLabels: {app: podinfo-primary}}
  template:
    metadata:
      labels: {app: podinfo-primary}
      annotations: {flagger-id: 3e4b0b36-5b0f-4f5a-9d5e-0d3f1c2b4a59}
    spec:
      terminationGracePeriodSeconds: 0
`, deadline),
		fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: podinfo
  annotations: {kustomize.toolkit.fluxcd.io/reconcile: disabled, helm.toolkit.fluxcd.io/driftDetection: disabled}
spec:
  parentRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: public}]
  rules:
  - matches: [{path: {type: PathPrefix, value: /}}]
    backendRefs:
    - {group: "", kind: Service, name: podinfo-primary, port: 80, weight: %d}
    - {group: "", kind: Service, name: podinfo-canary, port: 80, weight: %d}
`, 100-c.weight, c.weight),
	}
}
