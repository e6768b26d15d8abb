package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/serinhq/serin/api/v1beta1"
)

// legacy is what Flagger left behind in the middle of something.
type legacy struct {
	name            string
	phase           string
	target, primary string         // images
	replicas        int            // of the target
	weight          int            // percent of the route on the canary
	shown           map[string]any // in status, where it is not 0
	hooks           string         // kind of a gate that is closed
}

// stuck is a promotion that failed: the primary has the revision and no pods.
func (c legacy) stuck() bool { return c.weight == 100 }

// legacies are the phases in which an operator can be replaced by another. The hashes
// are of Flagger's form, and no two of them are of the same thing.
func legacies() []legacy {
	return []legacy{
		{name: "initialized", phase: "Initialized", target: "app:1", primary: "app:1"},
		{name: "succeeded", phase: "Succeeded", target: "app:1", primary: "app:1"},
		{name: "waiting", phase: "Waiting", target: "app:2", primary: "app:1", hooks: "confirm-rollout"},
		{name: "progressing", phase: "Progressing", target: "app:2", primary: "app:1", replicas: 2, weight: 40, shown: map[string]any{"canaryWeight": int64(40)}},
		{name: "waiting for promotion", phase: "WaitingPromotion", target: "app:2", primary: "app:1", replicas: 2, weight: 40,
			shown: map[string]any{"iterations": int64(-1)}, hooks: "confirm-promotion"},
		{name: "promoting", phase: "Promoting", target: "app:2", primary: "app:2", replicas: 2, weight: 40, shown: map[string]any{"canaryWeight": int64(40)}},
		{name: "finalising", phase: "Finalising", target: "app:2", primary: "app:2", replicas: 2},
		{name: "failed", phase: "Failed", target: "app:2", primary: "app:1"},
	}
}

// An operator that takes over from Flagger goes on where that stood: no pods are
// restarted, nothing is released that was released or failed before, and no step is
// taken twice.
func TestFlaggerIsReplacedInEveryPhase(t *testing.T) {
	t.Parallel()
	for _, c := range legacies() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.hooks.refuse("gate", true)
			w.inherit(c)
			h := w.takeOver()
			resting := c.phase == "Initialized" || c.phase == "Succeeded" || c.phase == "Failed"
			if resting {
				if c.target == c.primary {
					w.noted()
				}
				w.push("app:3")
				w.until("the release to start", func(c *v1beta1.Canary) bool { return c.Status.Phase == "Progressing" })
			}
			w.hooks.refuse("gate", false)
			w.phase("Succeeded")
			w.continued(c, h)
		})
	}
}

// takeOver starts Serin, remembers everything from then on, and waits until Serin has
// decided something.
func (w *world) takeOver() *history {
	w.t.Helper()
	h := w.remember()
	w.must(h.until(w.ctx, "what Flagger left behind", func(all []version) bool {
		kinds := map[string]int{}
		for _, v := range all {
			kinds[v.GetKind()]++
		}
		return kinds["Deployment"] > 1 && kinds["HTTPRoute"] > 0 && kinds["Service"] > 2
	}))
	w.supervise(newInjector(script{}), time.Now())
	w.until("Serin to take over", func(c *v1beta1.Canary) bool { return c.Status.Rollout != nil })
	return h
}

// noted waits until the primary names its revision, all that a Canary at rest is given.
func (w *world) noted() {
	w.t.Helper()
	w.reaches("podinfo-primary", func(u *unstructured.Unstructured) bool { return u.GetAnnotations()["serin.dev/revision"] != "" })
}

// continued checks how a release ended that another operator began.
func (w *world) continued(c legacy, h *history) {
	w.t.Helper()
	all, _ := h.versions()
	image, begun := "app:2", 0
	way := map[int]string{0: "100/0", 40: "60/40 100/0"}[c.weight]
	switch c.phase {
	case "Initialized", "Succeeded", "Failed":
		image, begun, way = "app:3", 1, "100/0 80/20 60/40 100/0"
	case "Waiting":
		begun, way = 1, "100/0 80/20 60/40 100/0"
	}
	if got := ways(all); got != way {
		w.t.Errorf("the route went through %s, want %s", got, way)
	}
	if got := w.image("podinfo-primary"); got != image {
		w.t.Errorf("the primary runs %s, want %s", got, image)
	}
	for _, what := range stirred(all) {
		w.t.Error(what)
	}
	seen := 0
	for _, e := range w.events() {
		if strings.Contains(e, "New revision detected") {
			seen++
		}
	}
	if seen != begun {
		w.t.Errorf("%d new revisions were detected, want %d: %q", seen, begun, w.events())
	}
	w.fitForFlagger()
}

// A failed promotion leaves all requests on the canary, and only its weight says so.
func TestFlaggersFailedPromotionIsHealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inherit(legacy{phase: "Failed", target: "app:2", primary: "app:2", replicas: 2, weight: 100, shown: map[string]any{"canaryWeight": int64(100)}})
	h := w.takeOver()
	if got := w.status().Status; got.Phase != "Failed" || got.CanaryWeight != 100 {
		t.Errorf("the canary is %s with %d %%", got.Phase, got.CanaryWeight)
	}
	w.push("app:3")
	w.phase("Succeeded")
	all, _ := h.versions()
	if got, want := ways(all), "0/100 100/0"; got != want {
		t.Errorf("the route went through %s, want %s", got, want)
	}
	if got := w.image("podinfo-primary"); got != "app:3" {
		t.Errorf("the primary runs %s", got)
	}
}

// Flagger wrote the primary by update, so it holds every field. What is removed from
// the workload must be removed from the primary all the same.
func TestFieldsThatFlaggerWroteCanBeRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inherit(legacy{phase: "Succeeded", target: "app:1", primary: "app:1"})
	w.takeOver()
	w.push("app:2") // which has neither the variable nor the second port
	w.until("the release to start", func(c *v1beta1.Canary) bool { return c.Status.Phase == "Progressing" })
	w.phase("Succeeded")
	app := w.deployment("podinfo-primary").Spec.Template.Spec.Containers[0]
	if len(app.Env) > 0 || len(app.Ports) != 1 {
		t.Errorf("the primary kept what the workload lost: env %v, ports %v", app.Env, app.Ports)
	}
	for _, entry := range w.deployment("podinfo-primary").ManagedFields {
		if entry.Manager == "flagger" {
			t.Errorf("Flagger holds fields still: %s", entry.FieldsV1)
		}
	}
}

// stirred lists what changed although it need not have: a spec that is another with
// the same image, replicas and weights. The API server counts a generation of a
// Deployment for an annotation, too, and the note of the revision is one.
func stirred(all []version) []string {
	var found []string
	last := map[string]version{}
	for _, v := range all {
		key := v.GetKind() + " " + v.GetName()
		before, known := last[key]
		last[key] = v
		if !known {
			continue
		}
		was, is := before.Unstructured, v.Unstructured
		same := v.GetKind() == "Service"
		switch v.GetKind() {
		case "Deployment":
			same = imageOf(was) == imageOf(is) && numberAt(was, "spec", "replicas") == numberAt(is, "spec", "replicas")
		case "HTTPRoute":
			same = share(was) == share(is)
		}
		if diff := cmp.Diff(was.Object["spec"], is.Object["spec"]); same && diff != "" {
			found = append(found, fmt.Sprintf("%s became another, -was +is\n%s", key, diff))
		}
	}
	return found
}

// fitForFlagger checks that Flagger could take over again: the names, labels, owners
// and status fields that it looks for.
func (w *world) fitForFlagger() {
	w.t.Helper()
	canary := w.status()
	status := canary.Status
	if status.LastAppliedSpec == "" || status.LastAppliedSpec != status.LastPromotedSpec || len(status.Conditions) != 1 ||
		status.Conditions[0].Type != "Promoted" || status.Conditions[0].Reason != "Succeeded" || status.LastTransitionTime.IsZero() {
		w.t.Errorf("status: %+v", status)
	}
	primary := w.deployment("podinfo-primary")
	id := primary.Spec.Template.Annotations["flagger-id"]
	if id == "" || primary.Labels["app"] != "podinfo-primary" || primary.Spec.Selector.MatchLabels["app"] != "podinfo-primary" {
		w.t.Errorf("the primary: flagger-id %q, labels %v, selector %v", id, primary.Labels, primary.Spec.Selector)
	}
	for gvk, names := range map[schema.GroupVersionKind][]string{
		appsv1.SchemeGroupVersion.WithKind("Deployment"): {"podinfo-primary"},
		corev1.SchemeGroupVersion.WithKind("Service"):    {"podinfo", "podinfo-primary", "podinfo-canary"},
		httpRoute: {"podinfo"},
	} {
		for _, name := range names {
			object := blank(gvk)
			w.must(plane.client.Get(w.ctx, types.NamespacedName{Namespace: w.namespace, Name: name}, object))
			owners := object.GetOwnerReferences()
			if len(owners) != 1 || owners[0].UID != canary.UID || owners[0].Controller == nil || !*owners[0].Controller {
				w.t.Errorf("%s %s is owned by %v", gvk.Kind, name, owners)
			}
		}
	}
}
