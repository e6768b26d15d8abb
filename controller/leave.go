package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// finalizer holds a Canary that is being deleted until its workload has its
// traffic back. It is the reference's, so that either operator can take it over.
const finalizer = "finalizer.flagger.app"

func pledged(canary *v1beta1.Canary) bool { return slices.Contains(canary.Finalizers, finalizer) }

// pledge puts the finalizer on a Canary that is to be reverted when it is deleted, or has
// an object of the user's to give back, and takes it off one that is not. It reports whether it wrote; then the watch
// brings the Canary again.
func (r *reconciler) pledge(ctx context.Context, canary *v1beta1.Canary) (bool, error) {
	want := canary.Spec.RevertOnDeletion || r.borrows(canary)
	has := pledged(canary)
	switch {
	case want == has, canary.DeletionTimestamp != nil && !has:
		return false, nil
	case want:
		return true, r.finalizers(ctx, canary, append(slices.Clone(canary.Finalizers), finalizer))
	default:
		return true, r.dismiss(ctx, canary)
	}
}

// dismiss lets a Canary go.
func (r *reconciler) dismiss(ctx context.Context, canary *v1beta1.Canary) error {
	rest := slices.DeleteFunc(slices.Clone(canary.Finalizers), func(f string) bool { return f == finalizer })
	return r.finalizers(ctx, canary, rest)
}

// obstructed says to people what the API server refuses and without which the operator
// does not go on with a Canary at all, and returns it, so that it is tried again.
func (r *reconciler) obstructed(ctx context.Context, canary *v1beta1.Canary, m *memo, cause error) error {
	refused := apierrors.ReasonForError(cause) != metav1.StatusReasonUnknown
	if !refused || apierrors.IsConflict(cause) {
		return cause // a broken connection and a conflict are cured by looking again
	}
	remark := rollout.Report{Level: rollout.Warn, Message: cause.Error()}
	return errors.Join(cause, r.voice.remark(ctx, canary, m, []rollout.Report{remark}))
}

// finalizers replaces the list, unless somebody changed the object meanwhile.
func (r *reconciler) finalizers(ctx context.Context, canary *v1beta1.Canary, list []string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": canary.ResourceVersion, "finalizers": list}})
	if err != nil {
		return fmt.Errorf("encode the finalizers of Canary %s.%s: %w", canary.Name, canary.Namespace, err)
	}
	err = r.client.Patch(ctx, bare(kind("Canary"), canary.Namespace, canary.Name), client.RawPatch(types.MergePatchType, patch), client.FieldOwner(manager))
	if err := client.IgnoreNotFound(err); err != nil {
		return fmt.Errorf("set the finalizers of Canary %s.%s: %w", canary.Name, canary.Namespace, err)
	}
	return nil
}

// left lists what stays when the Canary goes: the apex, which selects the
// workload's own pods, and the routes, which lead to the apex. Nobody owns them
// then, so that they do not go with the Canary. Before that the routes only name it.
func (v *view) left(how rollout.Release) ([]router.Object, error) {
	var objects []router.Object
	if !v.fronted() {
		render := router.LeaveApex
		if how == rollout.Named {
			render = router.Apex
		}
		apex, err := render(v.service, v.live)
		if err != nil {
			return nil, fmt.Errorf("render the service %s: %w", v.service.Name, err)
		}
		objects = append(objects, apex)
	}
	if v.provider.Leave != nil {
		service, err := v.pinning(rollout.Desired{Release: how})
		if err != nil {
			return nil, err
		}
		routes, err := v.provider.Leave(service, how)
		if err != nil {
			return nil, fmt.Errorf("render the route of %s: %w", v.service.Name, err)
		}
		objects = append(objects, routes...)
	}
	// What was never made is not made now.
	return slices.DeleteFunc(objects, func(o router.Object) bool { return v.find(o) == nil }), nil
}

// restored reports whether an object may go back to its user as kubectl applied it.
func restored(object any) bool {
	live, ok := object.(*unstructured.Unstructured)
	return ok && router.Restored(*live)
}

// compares returns how a live object is compared with one that is wanted.
func (v *view) compares(object router.Object) func(live, want any) bool {
	if v.provider.Atomic && slices.Contains(v.provider.Kinds, object.GroupVersionKind()) {
		return whole
	}
	return covers
}

// is reports whether a live object is as it should be, and as owned as it should be.
func (v *view) is(live *unstructured.Unstructured, object router.Object) bool {
	if v.borrowed(object) {
		return unchanged(live, object)
	}
	if live == nil || !v.fits(live, object) {
		return false
	}
	same := v.compares(object)(live.Object, object.Object) && len(leftovers(live, object)) == 0
	return same || v.memo.understood(live, object)
}

// fits reports whether a live object selects no more than it should, and has no owner
// that it should not have.
func (v *view) fits(live *unstructured.Unstructured, object router.Object) bool {
	owned := len(object.GetOwnerReferences()) > 0 || v.options.Owner.Claim(metav1.Object(live)) != workload.Ours
	return owned && selects(live, object)
}
