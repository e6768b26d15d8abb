package controller

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
)

// deployed is a Deployment that asks for so many replicas, all of them ready.
func deployed(replicas int32) *workload.Pods {
	return &workload.Pods{Kind: "Deployment", Replicas: replicas, Ready: replicas}
}

func scalerOf(gvk schema.GroupVersionKind, paused string) *unstructured.Unstructured {
	object := blank(gvk)
	object.Object["spec"] = map[string]any{"minReplicas": int64(2), "maxReplicas": int64(6)}
	if paused != "" {
		object.SetAnnotations(map[string]string{workload.PausedAnnotation: paused})
	}
	return object
}

// The copy follows the original at promotions only, but must never be missing.
func TestCopies(t *testing.T) {
	for _, tc := range []struct {
		name   string
		state  rollout.State
		exists bool
		want   bool
	}{
		{"before anything", rollout.State{}, false, false},
		{"with the primary", rollout.State{Phase: rollout.Initializing, Revision: "new"}, false, true},
		{"of a primary that runs another revision", rollout.State{Phase: rollout.Initializing, Revision: "old"}, true, false},
		{"at rest", rollout.State{Phase: rollout.Succeeded, Revision: "new", Promoted: "new"}, true, false},
		{"deleted at rest", rollout.State{Phase: rollout.Succeeded, Revision: "new", Promoted: "new"}, false, true},
		{"during analysis", rollout.State{Phase: rollout.Progressing, Revision: "new", Promoted: "old"}, true, false},
		{"deleted during analysis", rollout.State{Phase: rollout.Progressing, Revision: "new", Promoted: "old"}, false, true},
		{"promoting", rollout.State{Phase: rollout.Promoting, Revision: "new", Promoted: "old"}, true, true},
		{"promoting what the workload is no more", rollout.State{Phase: rollout.Promoting, Revision: "old", Promoted: "older"}, true, false},
		{"finalising", rollout.State{Phase: rollout.Finalising, Revision: "new", Promoted: "old"}, true, true},
		{"failed", rollout.State{Phase: rollout.Failed, Revision: "new", Promoted: "old"}, true, false},
		{"leaving", rollout.State{Phase: rollout.Terminating, Revision: "new", Promoted: "new"}, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := &view{plan: rollout.Plan{Steps: []rollout.Step{{Route: rollout.Split(0)}}}, primary: deployed(1)}
			v.seen.Target = "new"
			if tc.exists {
				v.scalers.twin = scalerOf(workload.HorizontalPodAutoscaler, "")
			}
			if got := v.copies(tc.state, rollout.Want(v.plan, tc.state)); got != tc.want {
				t.Errorf("copied: %v, want %v", got, tc.want)
			}
		})
	}
}

func TestPausing(t *testing.T) {
	resting := rollout.State{Phase: rollout.Succeeded, Promoted: "a"}
	for _, tc := range []struct {
		name   string
		kind   schema.GroupVersionKind
		paused string
		state  rollout.State
		canary rollout.Scale
		parked bool
		want   rollout.Scale
	}{
		{"parked", workload.ScaledObject, "", resting, rollout.Zero, false, rollout.Zero},
		{"parked already", workload.ScaledObject, "0", resting, rollout.Zero, false, rollout.Leave},
		{"parked, pinned by its user", workload.ScaledObject, "3", resting, rollout.Zero, false, rollout.Zero},
		{"needed", workload.ScaledObject, "0", rollout.State{Phase: rollout.Progressing, Promoted: "a"}, rollout.Up, true, rollout.Up},
		{"needed, pinned by its user", workload.ScaledObject, "3", rollout.State{Phase: rollout.Progressing, Promoted: "a"}, rollout.Up, true, rollout.Leave},
		{"put in its place at rest", workload.ScaledObject, "", resting, rollout.Leave, true, rollout.Zero},
		{"a canary that somebody woke at rest", workload.ScaledObject, "", resting, rollout.Leave, false, rollout.Leave},
		{"not initialized, its pods serve", workload.ScaledObject, "", rollout.State{Phase: rollout.Initializing}, rollout.Leave, true, rollout.Leave},
		{"an HPA", workload.HorizontalPodAutoscaler, "", resting, rollout.Zero, true, rollout.Leave},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := &view{scalers: scalers{own: scalerOf(tc.kind, tc.paused)}}
			v.seen.Parked = tc.parked
			if got := v.pausing(tc.state, rollout.Desired{Canary: tc.canary}); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

// With an autoscaler replicas are raised once, and never taken away.
func TestAwake(t *testing.T) {
	for _, tc := range []struct {
		name            string
		scaled, raised  bool
		target, primary int32
		share           int
		want            int32
	}{
		{"no autoscaler: as many as the primary", false, false, 0, 5, 100, 5},
		{"no autoscaler: its own", false, false, 2, 5, 1000, 2},
		{"comes up with the least", true, false, 0, 5, 100, 2},
		{"comes up with its share", true, false, 0, 5, 1000, 5},
		{"comes up again though it was raised", true, true, 0, 5, 1000, 5},
		{"is raised for the next step", true, false, 2, 5, 600, 3},
		{"is left to its autoscaler then", true, true, 2, 5, 600, 2},
		{"not beyond its limit", true, false, 2, 50, 1000, 6},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := &view{target: deployed(tc.target), primary: deployed(tc.primary)}
			if tc.scaled {
				v.scalers.own = scalerOf(workload.HorizontalPodAutoscaler, "")
			}
			m := &memo{transition: 7, raised: 6}
			if tc.raised {
				m.raised = 7
			}
			if got := v.awake(m, tc.share); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

// The primary takes all of the traffic with the pods for it, once.
func TestCarrying(t *testing.T) {
	for _, tc := range []struct {
		name            string
		copied          rollout.Revision
		primary, target int32
		share           int
		want            int32
	}{
		{"promoted behind a canary with all of the traffic", "old", 1, 5, 1000, 5},
		{"promoted from half of it", "old", 2, 2, 500, 4},
		{"within its own limits", "old", 1, 50, 1000, 6},
		{"not below its least", "old", 1, 1, 0, 2},
		{"promoted already", "new", 1, 5, 1000, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := &view{target: deployed(tc.target), primary: deployed(tc.primary), canary: &v1beta1.Canary{}}
			v.canary.Spec.AutoscalerRef = &v1beta1.AutoscalerRef{}
			v.scalers.own = scalerOf(workload.HorizontalPodAutoscaler, "")
			v.seen.Target, v.seen.Copied = "new", tc.copied
			if got := v.carrying(tc.share).AtLeast; got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

// Autoscalers write down what they measure every few seconds, which wakes nobody.
func TestRewritten(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*unstructured.Unstructured)
		want   bool
	}{
		"status":  {func(u *unstructured.Unstructured) { u.Object["status"] = map[string]any{"currentReplicas": int64(3)} }, false},
		"version": {func(u *unstructured.Unstructured) { u.SetResourceVersion("2") }, false},
		"spec":    {func(u *unstructured.Unstructured) { u.Object["spec"] = map[string]any{"maxReplicas": int64(9)} }, true},
		"annotations": {func(u *unstructured.Unstructured) {
			u.SetAnnotations(map[string]string{workload.PausedAnnotation: "0"})
		}, true},
		"owner": {func(u *unstructured.Unstructured) {
			u.SetOwnerReferences(workload.Owner{Name: "a", UID: "b"}.References())
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			before := scalerOf(workload.HorizontalPodAutoscaler, "")
			after := before.DeepCopy()
			tc.change(after)
			if got := rewritten(before, after); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestTitle(t *testing.T) {
	for want, object := range map[string]*unstructured.Unstructured{
		"HorizontalPodAutoscaler v2 web": blank(workload.HorizontalPodAutoscaler),
		"Keda ScaledObject web":          blank(workload.ScaledObject),
		"Service web":                    blank(schema.GroupVersionKind{Version: "v1", Kind: "Service"}),
	} {
		object.SetName("web")
		if got := title(*object); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
