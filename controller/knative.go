package controller

import (
	"cmp"
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// lookRevisions reads the Revisions of a Knative Service that a decision may be about.
func (r *reconciler) lookRevisions(ctx context.Context, v *view) error {
	if !v.canary.Spec.TargetRef.Knative() || len(v.routes) == 0 {
		return nil
	}
	v.knative = workload.Serverless{Service: &v.routes[0], Revisions: map[string]*router.Object{}}
	state := v.canary.Status.State()
	for _, revision := range []rollout.Revision{v.knative.Latest(), v.knative.Routable(), v.knative.Pinned(), state.Revision, state.Promoted} {
		if name := string(revision); name != "" && v.knative.Revisions[name] == nil {
			live, err := read(ctx, r.client, v.canary.Namespace, name, blank(workload.KnativeRevision))
			if err != nil {
				return err
			}
			v.knative.Revisions[name] = live
		}
	}
	return nil
}

// measureKnative fills the observation of a Knative Service.
func (r *reconciler) measureKnative(v *view) {
	name, namespace, k := v.canary.Spec.TargetRef.Name, v.canary.Namespace, v.knative
	if k.Service == nil {
		v.note("Knative Service %s.%s not found", name, namespace)
		return
	}
	v.options = workload.Options{Owner: workload.Owner{Name: v.canary.Name, UID: string(v.canary.UID)}}
	var err error
	if v.service, err = serviceOf(v.canary, r.named(v.canary), v.options, &workload.Pods{}); err != nil {
		v.note("%v", err)
		return
	}
	if k.Latest() == "" {
		v.note("Knative Service %s.%s has no Revision yet", name, namespace)
		return
	}
	v.seen.Target, v.seen.Copied, v.seen.Parked = k.Latest(), k.Pinned(), true
	v.seen.Canary, v.seen.Primary = k.Health(k.Latest()), k.Health(k.Pinned())
	if v.canary.DeletionTimestamp != nil {
		// Knative leads given back requests to this one, whatever became of a later one.
		v.seen.Canary = k.Health(cmp.Or(k.Routable(), k.Latest()))
	}
}

// pinning adds to the service which Revision is the primary in a state. Unlike a
// Deployment's, the Revision that was promoted last is still there, so that a
// promotion that failed leads back to it.
func (v *view) pinning(want rollout.Desired) (router.Service, error) {
	service := v.serving()
	if !v.canary.Spec.TargetRef.Knative() {
		return service, nil
	}
	pinned := cmp.Or(want.Primary, v.promoted())
	if pinned != "" && !v.knative.Has(pinned) && want.Release == rollout.Kept {
		return router.Service{}, fmt.Errorf("pin Knative Revision %s.%s: it was deleted; delete the Canary and create it again to begin with the latest one",
			pinned, v.canary.Namespace)
	}
	service.Pinned, service.Broken = string(pinned), v.broken(pinned)
	return service, nil
}

// promoted is the Revision found good last: that of the state, or of the annotation
// where there is none, or only Flagger's, whose hashes are no names.
func (v *view) promoted() rollout.Revision {
	if v.canary.Status.Rollout == nil {
		return v.knative.Pinned()
	}
	return cmp.Or(v.canary.Status.State().Promoted, v.knative.Pinned())
}

// broken says which ends are not ready. While a new Revision comes up, Knative leads
// what asks for the latest one to the one before.
func (v *view) broken(pinned rollout.Revision) router.Broken {
	if !v.canary.Spec.TargetRef.Knative() {
		return router.Broken{}
	}
	return router.Broken{Primary: !v.knative.Health(pinned).Ready, Latest: !v.knative.Health(v.knative.Routable()).Ready}
}

// revisions lists the objects of a state, which is one at most: the Service. At first
// the primary is only named; its traffic is pinned when it is known to be ready.
func (v *view) revisions(want rollout.Desired) ([]router.Object, error) {
	switch {
	case want.Expose:
		return v.traffic(want)
	case want.Primary == "" || want.Primary == v.knative.Pinned():
		return nil, nil
	}
	return []router.Object{v.knative.Pin(want.Primary)}, nil
}

// pinnedStill reports whether a Knative Service that is given back has the annotation
// yet: it can be the only thing to take away.
func pinnedStill(live *unstructured.Unstructured, object router.Object) bool {
	return object.GroupVersionKind() == workload.KnativeService &&
		object.GetAnnotations()[workload.PrimaryRevision] == "" && live.GetAnnotations()[workload.PrimaryRevision] != ""
}

// madeBefore reports whether the latest Revision was there at a time.
func (v *view) madeBefore(when metav1.Time) bool {
	latest := v.knative.Revisions[string(v.knative.Latest())]
	return latest != nil && !latest.GetCreationTimestamp().After(when.Time)
}

// asked is the Canary as the queries of a probe see it: their route is the Revision
// that is judged, where the target is a Knative Service.
func (v *view) asked(q question) *v1beta1.Canary {
	canary := v.canary.DeepCopy()
	if canary.Spec.TargetRef.Knative() {
		canary.Spec.RouteRef = &v1beta1.ObjectRef{Name: string(q.revision)}
	}
	return canary
}

// onKnative finds the Canaries of a Knative Service, or of a Revision of it.
func (r *reconciler) onKnative(ctx context.Context, object client.Object) []reconcile.Request {
	switch object.GetObjectKind().GroupVersionKind() {
	case workload.KnativeService:
		return r.indexed(ctx, object.GetNamespace(), object.GetName())
	case workload.KnativeRevision:
		return r.indexed(ctx, object.GetNamespace(), object.GetLabels()[workload.KnativeLabel])
	}
	return nil
}

// slimKnative drops the pods of a Revision from the cache: there are many of them, and
// only their status is read.
func slimKnative(object any) {
	if u, ok := object.(*unstructured.Unstructured); ok && u.GroupVersionKind() == workload.KnativeRevision {
		unstructured.RemoveNestedField(u.Object, "spec")
	}
}
