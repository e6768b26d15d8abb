package controller

import (
	"context"
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	// together is how long a change waits for others of its Canary. One step changes
	// status, route and Deployments, and each change is shown by a watch of its own, some
	// milliseconds apart: looked at one by one they cost the same work four times.
	together = 50 * time.Millisecond

	// echo is how long the news that a Canary's status was written waits. Nearly always it is
	// what the last look wrote itself: whatever that brought about shows in other objects,
	// whose news are looked at together with it.
	echo = 200 * time.Millisecond

	// urgent goes before everything else: when a thousand new revisions come at once,
	// each of them is noticed first and worked on then.
	urgent = 1
)

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// gather puts the Canaries of a changed object into the queue.
func gather(of handler.MapFunc) handler.EventHandler {
	after := func(ctx context.Context, q queue, wait time.Duration, objects ...client.Object) {
		for _, object := range objects {
			for _, request := range of(ctx, object) {
				q.AddAfter(request, wait)
			}
		}
	}
	later := func(ctx context.Context, q queue, objects ...client.Object) { after(ctx, q, together, objects...) }
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) { later(ctx, q, e.Object) },
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { later(ctx, q, e.Object) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			first, ok := q.(priorityqueue.PriorityQueue[reconcile.Request])
			switch {
			case ok && revised(e):
				first.AddWithOpts(priorityqueue.AddOpts{Priority: new(urgent)}, of(ctx, e.ObjectNew)...)
			case echoed(e):
				after(ctx, q, echo, e.ObjectNew)
			case e.ObjectOld.GetGeneration() == e.ObjectNew.GetGeneration():
				later(ctx, q, e.ObjectNew)
			default: // what it named before may matter too
				later(ctx, q, e.ObjectOld, e.ObjectNew)
			}
		},
	}
}

// revised reports whether a Deployment asks for other pods than before.
func revised(e event.UpdateEvent) bool {
	before, was := e.ObjectOld.(*appsv1.Deployment)
	after, is := e.ObjectNew.(*appsv1.Deployment)
	return was && is && before.Generation != after.Generation &&
		!equality.Semantic.DeepEqual(before.Spec.Template, after.Spec.Template)
}

// echoed reports whether nothing but the status of a Canary changed.
func echoed(e event.UpdateEvent) bool {
	before, after := e.ObjectOld, e.ObjectNew
	_, isCanary := after.(*stored)
	return isCanary &&
		before.GetResourceVersion() != after.GetResourceVersion() &&
		before.GetGeneration() == after.GetGeneration() &&
		before.GetDeletionTimestamp().Equal(after.GetDeletionTimestamp()) &&
		maps.Equal(before.GetAnnotations(), after.GetAnnotations()) &&
		slices.Equal(before.GetFinalizers(), after.GetFinalizers())
}
