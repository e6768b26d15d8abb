package integration

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
)

// annotate sets annotations of the Canary as a person with kubectl does; nil takes one off.
func (w *world) annotate(annotations map[string]any) {
	w.t.Helper()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": annotations}})
	w.must(err)
	canary := blank(v1beta1.GroupVersion().WithKind("Canary"))
	canary.SetNamespace(w.namespace)
	canary.SetName("podinfo")
	w.must(plane.client.Patch(w.ctx, canary, client.RawPatch(types.MergePatchType, patch), client.FieldOwner("kubectl-annotate")))
}

// step waits until the release is at a weight.
func (w *world) weight(weight int) string {
	w.t.Helper()
	revision := ""
	w.until("the canary to have weight", func(c *v1beta1.Canary) bool {
		revision = c.Status.LastAppliedSpec
		return c.Status.CanaryWeight == weight
	})
	return revision
}

func (w *world) said(words string) bool {
	w.t.Helper()
	return slices.ContainsFunc(w.events(), func(e string) bool { return strings.Contains(e, words) })
}

// A pause stays a pause when a GitOps tool strips the annotation, and abort works
// in it. Who asked is known from the field manager.
func TestPeopleSteerARelease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.begin(weighted)
	w.push("app:2")
	revision := w.weight(20)
	w.annotate(map[string]any{"serin.dev/abort": "s1-another"}) // stale: does nothing
	w.annotate(map[string]any{"serin.dev/pause": revision, "serin.dev/reason": "looking at it"})
	w.until("the pause to be taken up", func(c *v1beta1.Canary) bool { return c.Status.Rollout.Held })
	w.annotate(map[string]any{"serin.dev/pause": nil, "serin.dev/reason": nil})
	w.until("the annotation to be forgotten", func(c *v1beta1.Canary) bool { return c.Status.Rollout.Heard["pause"] == "" })
	if wish := w.status().Status.Rollout.Wish; wish == nil || wish.What != "pause" || wish.By != "kubectl-annotate" || wish.Why != "looking at it" {
		t.Errorf("status tells of %+v", wish)
	}
	w.stop()
	w.operate() // a new operator knows of the pause
	quiet(w, 15*time.Second)
	if c := w.status(); c.Status.CanaryWeight != 20 || !c.Status.Rollout.Held {
		t.Fatalf("paused, it went on to %d %%", c.Status.CanaryWeight)
	}
	w.annotate(map[string]any{"serin.dev/abort": revision, "serin.dev/actor": "alice"})
	w.phase("Failed")
	if got, want := w.gateway.seen(), "100/0 80/20 100/0"; got != want {
		t.Errorf("the route went through %s, want %s", got, want)
	}
	for _, words := range []string{"Pausing podinfo.NS, as kubectl-annotate (looking at it) asked", "Rolling back podinfo.NS, as alice asked"} {
		if !w.said(words) {
			t.Errorf("no event %q in %q", words, w.events())
		}
	}
	// The same revision once more, without a new commit, and without the rest of its analysis.
	w.annotate(map[string]any{"serin.dev/retry": revision, "serin.dev/abort": nil})
	w.weight(20)
	w.annotate(map[string]any{"serin.dev/promote": revision})
	w.phase("Succeeded")
	if got := w.image("podinfo-primary"); got != "app:2" {
		t.Errorf("the primary runs %s", got)
	}
}

// quiet lets real time pass in which nothing should happen.
func quiet(w *world, lasts time.Duration) {
	select {
	case <-time.After(lasts):
	case <-w.ctx.Done():
	}
}

// Stages in tenths of a percent, a pause that a person ends, and a bake in which
// the former revision is one decision away.
func TestStagesAndBake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.begin("steps:\n- {weight: 0.5}\n- {weight: 40, pause: legal}\nbake: 1m\n")
	w.push("app:2")
	var revision string
	w.until("the pause", func(c *v1beta1.Canary) bool {
		revision = c.Status.LastAppliedSpec
		return c.Status.CanaryWeight == 40
	})
	w.annotate(map[string]any{"serin.dev/approve": revision + " legal"})
	w.weight(100)
	if got := w.image("podinfo-primary"); got != "app:1" {
		t.Errorf("in the bake the primary runs %s already", got)
	}
	w.annotate(map[string]any{"serin.dev/undo": revision})
	w.phase("Failed")
	if got, want := w.gateway.seen(), "100/0 995/5 60/40 0/100 100/0"; got != want {
		t.Errorf("the route went through %s, want %s", got, want)
	}
	if got := w.image("podinfo-primary"); got != "app:1" {
		t.Errorf("undone, the primary runs %s", got)
	}
}

// A namespace has room for no release at all until somebody makes some.
func TestReleasesWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.most = 1
	w.begin(weighted)
	w.must(apply(w.ctx, plane.client, w.workload("other", "app:1")))
	w.must(apply(w.ctx, plane.client, w.another("other")))
	w.named("other", "the other to be initialized", func(c *v1beta1.Canary) bool { return c.Status.Phase == "Initialized" })

	w.push("app:2")
	w.weight(20)
	w.must(apply(w.ctx, plane.client, w.workload("other", "app:2")))
	w.named("other", "the other to begin", func(c *v1beta1.Canary) bool { return c.Status.Phase == "Progressing" })
	if phase := w.status().Status.Phase; phase != "Succeeded" && phase != "Failed" {
		t.Errorf("two releases at once: the first is %s", phase)
	}
	if !w.said("New revision of other.NS waits for other releases: at most 1 at once") {
		t.Errorf("nobody said why it waits: %q", w.events())
	}
}

// Deleted with revertOnDeletion, a Canary leaves behind what users need: the
// workload's pods, the apex that selects them, and the route to it.
func TestDeletedCanaryGivesTheWorkloadBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate()
	w.push("app:1")
	w.revert = true
	w.canary(weighted)
	w.phase("Initialized")
	w.must(plane.client.Delete(w.ctx, w.canaryObject("podinfo")))
	w.must(vanish(w.ctx, plane.client, w.canaryObject("podinfo")))

	d := w.deployment("podinfo")
	if d.Status.AvailableReplicas != 2 {
		t.Errorf("the workload was left with %d pods", d.Status.AvailableReplicas)
	}
	apex := &corev1.Service{}
	w.must(plane.client.Get(w.ctx, types.NamespacedName{Namespace: w.namespace, Name: "podinfo"}, apex))
	if apex.Spec.Selector["app"] != "podinfo" || metav1.GetControllerOf(apex) != nil {
		t.Errorf("the apex selects %v and is owned by %v", apex.Spec.Selector, metav1.GetControllerOf(apex))
	}
	route := blank(httpRoute)
	w.must(plane.client.Get(w.ctx, types.NamespacedName{Namespace: w.namespace, Name: "podinfo"}, route))
	rules, _, _ := unstructured.NestedSlice(route.Object, "spec", "rules")
	refs, _, _ := unstructured.NestedSlice(rules[0].(map[string]any), "backendRefs")
	if len(refs) != 1 || refs[0].(map[string]any)["name"] != "podinfo" || len(route.GetOwnerReferences()) > 0 {
		t.Errorf("the route leads to %v and is owned by %v", refs, route.GetOwnerReferences())
	}
}
