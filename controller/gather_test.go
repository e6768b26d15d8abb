package controller

import (
	"context"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// ledger notes what is put into a queue, and how.
type ledger struct {
	priorityqueue.PriorityQueue[reconcile.Request]
	after    time.Duration
	priority int
	names    []string
}

func (l *ledger) AddWithOpts(o priorityqueue.AddOpts, requests ...reconcile.Request) {
	l.after = o.After
	if o.Priority != nil {
		l.priority = *o.Priority
	}
	for _, r := range requests {
		l.names = append(l.names, r.Name)
	}
}

// A new revision is looked at before everything else and at once; other changes wait for
// those that come with them.
func TestGather(t *testing.T) {
	t.Parallel()
	deployment := func(image string, generation int64, ready int32) *appsv1.Deployment {
		d := &appsv1.Deployment{}
		d.Name, d.Generation, d.Status.AvailableReplicas = "app", generation, ready
		d.Spec.Template.Spec.Containers = []corev1.Container{{Image: image}}
		return d
	}
	service := func(name string, generation int64) *corev1.Service {
		s := &corev1.Service{}
		s.Name, s.Generation = name, generation
		return s
	}
	canary := func(phase, wish string) client.Object {
		c := &stored{Status: []byte(`{"phase": "` + phase + `"}`)}
		c.Name, c.Annotations = "app", map[string]string{"serin.dev/pause": wish}
		return c
	}
	for name, c := range map[string]struct {
		before, after client.Object
		wait          time.Duration
		priority      int
		woken         int
	}{
		"a new revision":                 {deployment("a", 1, 1), deployment("b", 2, 1), 0, urgent, 1},
		"a workload that was scaled":     {deployment("a", 1, 1), deployment("a", 2, 1), together, 0, 2},
		"pods that became ready":         {deployment("a", 1, 0), deployment("a", 1, 1), together, 0, 1},
		"a service that changed in spec": {service("app", 1), service("app", 2), together, 0, 2},
		"a service that changed else":    {service("app", 0), service("app", 0), together, 0, 1},
		"a status that was written":      {canary("Progressing", ""), canary("Promoting", ""), echo, 0, 1},
		"a Canary that is steered":       {canary("Progressing", ""), canary("Progressing", "all"), together, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &ledger{}
			c.before.SetResourceVersion("1") // one that is shown again comes last
			c.after.SetResourceVersion("2")
			handler := gather(func(_ context.Context, o client.Object) []reconcile.Request {
				return []reconcile.Request{{NamespacedName: types.NamespacedName{Name: o.GetName()}}}
			})
			handler.Update(t.Context(), event.UpdateEvent{ObjectOld: c.before, ObjectNew: c.after}, q)
			if q.after != c.wait || q.priority != c.priority || len(q.names) != c.woken {
				t.Errorf("%q wait %s with priority %d, want %d to wait %s with %d", q.names, q.after, q.priority, c.woken, c.wait, c.priority)
			}
		})
	}
}
