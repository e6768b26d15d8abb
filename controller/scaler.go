package controller

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	ctrl "sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// scalers are the autoscaler of a Canary's workload and the primary's copy of it;
// nil where there is none.
type scalers struct{ own, twin *unstructured.Unstructured }

// scalerKinds that the cluster has. KEDA may be missing.
func scalerKinds(mapper meta.RESTMapper) ([]schema.GroupVersionKind, error) {
	kinds := []schema.GroupVersionKind{workload.HorizontalPodAutoscaler}
	there, err := served(mapper, workload.ScaledObject)
	if there {
		kinds = append(kinds, workload.ScaledObject)
	}
	return kinds, err
}

// scalerSources wake a Canary when its autoscaler, or the primary's, becomes
// another one. What autoscalers measure is in their status, every few seconds,
// and concerns nobody here.
func (r *reconciler) scalerSources(m ctrl.Manager) []source.Source {
	meant := predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool { return rewritten(e.ObjectOld, e.ObjectNew) }}
	var sources []source.Source
	for _, gvk := range r.scalers {
		sources = append(sources, source.Kind[client.Object](m.GetCache(), blank(gvk), r.users(), meant))
	}
	return sources
}

// rewritten reports whether an autoscaler is another one now.
func rewritten(before, after client.Object) bool {
	return !equality.Semantic.DeepEqual(withoutStatus(before), withoutStatus(after))
}

// withoutStatus is an object as its users wrote it.
func withoutStatus(object client.Object) map[string]any {
	u, ok := object.(*unstructured.Unstructured)
	if !ok {
		return nil
	}
	return map[string]any{"spec": u.Object["spec"], "labels": u.GetLabels(), "annotations": u.GetAnnotations(),
		"owners": u.GetOwnerReferences(), "deleted": u.GetDeletionTimestamp()}
}

// lookScalers reads the autoscalers of a Canary that has one.
func (r *reconciler) lookScalers(ctx context.Context, v *view) error {
	ref := v.canary.Spec.AutoscalerRef
	if ref == nil {
		return nil
	}
	gvk, err := workload.ScalerKind(ref.Kind)
	if err != nil {
		return fmt.Errorf("spec.autoscalerRef.kind: %w", err)
	}
	if v.scalers.own, err = read(ctx, r.client, v.canary.Namespace, ref.Name, blank(gvk)); err != nil {
		return err
	}
	v.scalers.twin, err = read(ctx, r.client, v.canary.Namespace, workload.ScalerName(ref.Name), blank(gvk))
	return err
}

// scalable notes a missing autoscaler and reports whether all is there. A Canary
// that is being deleted must be able to go without one.
func (v *view) scalable() bool {
	ref := v.canary.Spec.AutoscalerRef
	v.options.Autoscaled = ref != nil
	if ref == nil || v.scalers.own != nil || v.canary.DeletionTimestamp != nil {
		return true
	}
	v.note("%s %s.%s not found: create it, or remove spec.autoscalerRef", ref.Kind, ref.Name, v.canary.Namespace)
	return false
}

// autoscale makes the autoscalers match a state, before the canary's replicas do.
func (r *reconciler) autoscale(ctx context.Context, v *view, m *memo, state rollout.State) error {
	if v.scalers.own == nil {
		return nil
	}
	want := rollout.Want(v.plan, state)
	if v.copies(state, want) {
		twin, err := v.scalerTwin()
		if err != nil {
			return err
		}
		if err := r.apply(ctx, v, m, twin); err != nil {
			return err
		}
	}
	return r.pause(ctx, v, m, v.pausing(state, want))
}

// copies reports whether the primary's autoscaler is to be as the workload's is
// now: if there is none, and with every promotion. In between the primary runs
// what was promoted, within the limits that were promoted.
func (v *view) copies(state rollout.State, want rollout.Desired) bool {
	current := want.Primary != "" && want.Primary == v.seen.Target
	switch state.Phase {
	case rollout.New, rollout.Terminating:
		return false
	case rollout.Initializing, rollout.Promoting, rollout.Finalising:
		return current || v.scalers.twin == nil && v.primary != nil
	case rollout.Initialized, rollout.Waiting, rollout.Progressing, rollout.WaitingPromotion, rollout.Succeeded, rollout.Failed:
		return v.scalers.twin == nil && (current || v.primary != nil)
	}
	return false
}

func (v *view) scalerTwin() (router.Object, error) {
	ref := v.canary.Spec.AutoscalerRef
	scaling := workload.Scaling{
		Owner: v.options.Owner, Target: v.canary.Spec.TargetRef.Name,
		Queries: ref.PrimaryScalerQueries, Live: v.scalers.twin,
	}
	if limits := ref.PrimaryScalerReplicas; limits != nil {
		scaling.Least, scaling.Most = limits.MinReplicas, limits.MaxReplicas
	}
	return workload.Scaler(*v.scalers.own, scaling)
}

// pausing says what becomes of the workload's own ScaledObject: Zero pauses it, Up
// resumes it. One that was put in its place while the canary rests without pods
// must not wake it.
func (v *view) pausing(state rollout.State, want rollout.Desired) rollout.Scale {
	paused := workload.Paused(*v.scalers.own)
	switch {
	case v.scalers.own.GetKind() != workload.ScaledObject.Kind:
		return rollout.Leave // an HPA does nothing about a workload without pods
	case want.Canary == rollout.Up && paused:
		return rollout.Up
	case want.Canary == rollout.Zero && !paused, v.dormant(state, want) && !paused:
		return rollout.Zero
	}
	return rollout.Leave
}

// dormant reports whether the canary has no pods and waits for a release.
func (v *view) dormant(state rollout.State, want rollout.Desired) bool {
	if want.Canary != rollout.Leave || !v.seen.Parked || state.Promoted == "" {
		return false
	}
	switch state.Phase {
	case rollout.Initialized, rollout.Waiting, rollout.Succeeded, rollout.Failed:
		return true
	case rollout.New, rollout.Initializing, rollout.Progressing, rollout.WaitingPromotion,
		rollout.Promoting, rollout.Finalising, rollout.Terminating:
	}
	return false
}

// pause patches one annotation of the user's ScaledObject, which keeps all fields
// that it has. Like an apply, a patch is not sent again before the cache has moved.
func (r *reconciler) pause(ctx context.Context, v *view, m *memo, to rollout.Scale) error {
	var patch []byte
	switch to {
	case rollout.Leave:
		return nil
	case rollout.Up:
		patch = workload.Resume()
	case rollout.Zero:
		patch = workload.Pause()
	}
	v.moved = true
	own := v.scalers.own
	sent := applied{digest: string(patch), before: own.GetResourceVersion()}
	if m.applied["pause"] == sent {
		return nil
	}
	if err := r.fence(ctx, v); err != nil {
		return err
	}
	err := r.client.Patch(ctx, own.DeepCopy(), client.RawPatch(types.MergePatchType, patch), client.FieldOwner(manager))
	if err != nil {
		return fmt.Errorf("patch %s of ScaledObject %s.%s: %w", workload.PausedAnnotation, own.GetName(), own.GetNamespace(), err)
	}
	put(&m.applied, "pause", sent)
	return nil
}

// awake is how many replicas the canary asks for while it is up. With an
// autoscaler they are raised once in a transition, to what its step and the next
// one need; from then on they are the autoscaler's.
func (v *view) awake(m *memo, share int) int32 {
	if v.scalers.own == nil {
		return workload.ScaleUp(v.target, v.primary)
	}
	demand := workload.DemandOf(*v.scalers.own)
	demand.Share, demand.Current = share, v.target.Replicas
	demand.Ready = ready(v.primary)
	if demand.Current > 0 && m.raised == m.transition {
		return demand.Current
	}
	return demand.Replicas()
}

// carrying is how the primary is made so that it can take the traffic it gets next:
// all of it when it is promoted, while its autoscaler has seen only what the
// canary left it. What it runs already is its autoscaler's business.
func (v *view) carrying(share int) workload.Options {
	options := v.options
	if v.scalers.own == nil || v.seen.Copied == v.seen.Target {
		return options
	}
	twin, err := v.scalerTwin()
	if err != nil {
		return options // said when it is applied
	}
	demand := workload.DemandOf(twin)
	demand.Ready, demand.Share = workload.Whole(ready(v.primary), ready(v.target), share), rollout.Full
	options.AtLeast = demand.Replicas()
	return options
}

func ready(p *workload.Pods) int32 {
	if p == nil {
		return 0
	}
	return p.Ready
}

// title is how the log calls an object; that of autoscalers is the reference's.
func title(object router.Object) string {
	switch object.GroupVersionKind() {
	case workload.HorizontalPodAutoscaler:
		return "HorizontalPodAutoscaler v2 " + object.GetName()
	case workload.ScaledObject:
		return "Keda ScaledObject " + object.GetName()
	case workload.KnativeService:
		return "Knative Service " + object.GetName()
	}
	return object.GetKind() + " " + object.GetName()
}
