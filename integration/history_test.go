package integration

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
)

// history is every version of every object of a world. One etcd holds them all, so
// that their resourceVersions say in which order they were written.
type history struct {
	mu    sync.Mutex
	moved chan struct{} // closed and made anew with each version
	all   []version
	known map[string]bool
}

type version struct {
	revision uint64
	*unstructured.Unstructured
}

func canaryKind() schema.GroupVersionKind { return v1beta1.GroupVersion().WithKind("Canary") }

// remember begins a history; it ends with the test.
func (w *world) remember() *history {
	w.t.Helper()
	h := &history{moved: make(chan struct{}), known: map[string]bool{}}
	kinds := []schema.GroupVersionKind{
		canaryKind(), httpRoute, corev1.SchemeGroupVersion.WithKind("Service"), corev1.SchemeGroupVersion.WithKind("Event"),
	}
	if w.kind != "Service" {
		kinds = append(kinds, appsv1.SchemeGroupVersion.WithKind(w.kind))
	}
	for _, gvk := range kinds {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
		watching(w.ctx, w.t, list, w.namespace, h.add)
	}
	return h
}

func (h *history) add(object client.Object) error {
	revision, err := strconv.ParseUint(object.GetResourceVersion(), 10, 64)
	if err != nil {
		return err
	}
	u := object.(*unstructured.Unstructured)
	h.mu.Lock()
	defer h.mu.Unlock()
	key := u.GetKind() + u.GetName() + object.GetResourceVersion()
	if h.known[key] { // a watch that was opened again
		return nil
	}
	h.known[key] = true
	h.all = append(h.all, version{revision, u})
	close(h.moved)
	h.moved = make(chan struct{})
	return nil
}

// versions of all objects in the order in which they were written.
func (h *history) versions() ([]version, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := slices.Clone(h.all)
	slices.SortStableFunc(all, func(a, b version) int { return cmp.Compare(a.revision, b.revision) })
	return all, h.moved
}

// until waits for the history to be as the function wants.
func (h *history) until(ctx context.Context, what string, holds func([]version) bool) error {
	for {
		all, moved := h.versions()
		if holds(all) {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		}
	}
}

// A scene is the world at one resourceVersion. What does not exist is nil.
type scene struct {
	kind                                 string // of the target
	canary, route, target, primary, apex *unstructured.Unstructured
}

// show puts a version into the scene.
func (s *scene) show(v version) {
	switch v.GetKind() + " " + v.GetName() {
	case "Canary podinfo":
		s.canary = v.Unstructured
	case "HTTPRoute podinfo":
		s.route = v.Unstructured
	case "Service podinfo":
		s.apex = v.Unstructured
	case s.kind + " podinfo":
		s.target = v.Unstructured
	case s.kind + " podinfo-primary":
		s.primary = v.Unstructured
	}
}

func (s *scene) phase() string { return textAt(s.canary, "status", "phase") }

// sins lists what was wrong at some resourceVersion, whatever happened to the operator.
func sins(kind string, all []version) []string {
	var found []string
	now := scene{kind: kind}
	for _, v := range all {
		before := now
		now.show(v)
		for _, law := range []func(before, now scene) string{summed, carried, granted, copiedLast, selected, forward} {
			if sin := law(before, now); sin != "" {
				found = append(found, fmt.Sprintf("at %d, with %s %s: %s", v.revision, v.GetKind(), v.GetName(), sin))
			}
		}
	}
	return found
}

// summed: the weights of a rule sum to 100.
func summed(_, now scene) string {
	for i, weights := range weightsOf(now.route) {
		if weights[0]+weights[1] != 100 {
			return fmt.Sprintf("the weights of rule %d are %v", i, weights)
		}
	}
	return ""
}

// carried: requests go to the canary only while it has pods, and asks for some. A
// Service's pods are its user's.
func carried(_, now scene) string {
	if share(now.route) == 0 || now.kind == "Service" {
		return ""
	}
	if available(now.target) == 0 {
		return fmt.Sprintf("the canary has %d %% and no pod that is ready", share(now.route))
	}
	if asksForNone(now.target) {
		return fmt.Sprintf("the canary has %d %% and is parked", share(now.route))
	}
	return ""
}

// available is the number of pods of a workload that can serve.
func available(pods *unstructured.Unstructured) int64 {
	return numberAt(pods, "status", "availableReplicas") + numberAt(pods, "status", "numberAvailable")
}

// asksForNone reports whether a workload is parked: a DaemonSet by a label that no node has.
func asksForNone(pods *unstructured.Unstructured) bool {
	if pods.GetKind() == "DaemonSet" {
		return textAt(pods, "spec", "template", "spec", "nodeSelector", "flagger.app/scale-to-zero") != ""
	}
	return numberAt(pods, "spec", "replicas") == 0
}

// granted: a share that grows is in status first.
func granted(before, now scene) string {
	if now.route == before.route || share(now.route) <= share(before.route) {
		return ""
	}
	if w := numberAt(now.canary, "status", "canaryWeight"); w < share(now.route) && !strings.Contains(ways([]version{{0, now.route}}), "+") {
		return fmt.Sprintf("the canary got %d %% and status says %d", share(now.route), w)
	}
	if p := now.phase(); p != "Progressing" {
		return "the canary got more requests in phase " + p
	}
	return ""
}

// copiedLast: the primary gets other pods only when the analysis is over.
func copiedLast(before, now scene) string {
	was, is := contentOf(before.primary), contentOf(now.primary)
	if was != "" && was != is && now.phase() != "Promoting" {
		return fmt.Sprintf("the primary went from %s to %s in phase %s", was, is, now.phase())
	}
	return ""
}

// selected: the apex leads to the primary only once that has pods.
func selected(before, now scene) string {
	if now.apex == before.apex || textAt(now.apex, "spec", "selector", "app") != "podinfo-primary" {
		return ""
	}
	if available(now.primary) == 0 {
		return "the apex leads to a primary without pods"
	}
	return ""
}

// order of the phases of one release.
var order = []string{"", "Initializing", "Initialized", "Progressing", "WaitingPromotion", "Promoting", "Finalising", "Succeeded", "Failed"}

// forward: transitions are counted one by one, and no phase or step comes back.
func forward(before, now scene) string {
	if before.canary == nil || now.canary == before.canary {
		return ""
	}
	was, is := numberAt(before.canary, "status", "rollout", "transition"), numberAt(now.canary, "status", "rollout", "transition")
	if is != was && is != was+1 {
		return fmt.Sprintf("transition %d followed %d", is, was)
	}
	if slices.Index(order, now.phase()) < slices.Index(order, before.phase()) {
		return fmt.Sprintf("phase %s followed %s", now.phase(), before.phase())
	}
	if now.phase() != before.phase() {
		return ""
	}
	was, is = numberAt(before.canary, "status", "rollout", "step"), numberAt(now.canary, "status", "rollout", "step")
	if is != was && is != was+1 {
		return fmt.Sprintf("step %d followed %d in phase %s", is, was, now.phase())
	}
	return ""
}

// weightsOf are the primary's and the canary's weight of each rule with two backends.
func weightsOf(route *unstructured.Unstructured) [][2]int64 {
	var all [][2]int64
	if route == nil {
		return nil
	}
	rules, _, _ := unstructured.NestedSlice(route.Object, "spec", "rules")
	for _, rule := range rules {
		refs, _, _ := unstructured.NestedSlice(rule.(map[string]any), "backendRefs")
		if len(refs) != 2 {
			continue
		}
		var pair [2]int64
		for i, ref := range refs {
			pair[i], _, _ = unstructured.NestedInt64(ref.(map[string]any), "weight")
		}
		all = append(all, pair)
	}
	return all
}

// share is the greatest that a rule gives to the canary.
func share(route *unstructured.Unstructured) int64 {
	greatest := int64(0)
	for _, weights := range weightsOf(route) {
		greatest = max(greatest, weights[1])
	}
	return greatest
}

// ways are the divisions that a route went through, of all its rules, with a star
// where requests were mirrored.
func ways(all []version) string {
	var found []string
	for _, v := range all {
		if v.GetKind() != "HTTPRoute" {
			continue
		}
		var parts []string
		rules, _, _ := unstructured.NestedSlice(v.Object, "spec", "rules")
		for _, rule := range rules {
			refs, _, _ := unstructured.NestedSlice(rule.(map[string]any), "backendRefs")
			var weights []string
			for _, ref := range refs {
				weights = append(weights, fmt.Sprint(ref.(map[string]any)["weight"]))
			}
			part := strings.Join(weights, "/")
			filters, _, _ := unstructured.NestedSlice(rule.(map[string]any), "filters")
			for _, f := range filters {
				if f.(map[string]any)["type"] == "RequestMirror" {
					part += "*"
				}
			}
			parts = append(parts, part)
		}
		found = append(found, strings.Join(parts, "+"))
	}
	return strings.Join(slices.Compact(found), " ")
}

// contentOf says what a primary serves: its pods' template, or whom it selects.
func contentOf(primary *unstructured.Unstructured) string {
	if primary == nil {
		return ""
	}
	field := "template"
	if primary.GetKind() == "Service" {
		field = "selector"
	}
	content, _, _ := unstructured.NestedFieldNoCopy(primary.Object, "spec", field)
	text, err := json.Marshal(content)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func imageOf(deployment *unstructured.Unstructured) string {
	if deployment == nil {
		return ""
	}
	containers, _, _ := unstructured.NestedSlice(deployment.Object, "spec", "template", "spec", "containers")
	if len(containers) == 0 {
		return ""
	}
	return fmt.Sprint(containers[0].(map[string]any)["image"])
}

func textAt(object *unstructured.Unstructured, path ...string) string {
	if object == nil {
		return ""
	}
	text, _, _ := unstructured.NestedString(object.Object, path...)
	return text
}

func numberAt(object *unstructured.Unstructured, path ...string) int64 {
	if object == nil {
		return 0
	}
	number, _, _ := unstructured.NestedFieldNoCopy(object.Object, path...)
	switch n := number.(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}
