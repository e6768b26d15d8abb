package controller

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	ctrl "sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// A Canary that fails is tried again soon, then ever more rarely.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// watch makes everything that a Canary depends on wake it: itself, its
// workloads and what configures them, its services, and the answers of its probes. Its
// route does from the moment on at which it is first needed.
func (r *reconciler) watch(ctx context.Context, m ctrl.Manager, wakes chan event.GenericEvent) error {
	canary := &stored{}
	index := func(o client.Object) []string { return o.(*stored).names() }
	if err := m.GetFieldIndexer().IndexField(ctx, canary, byName, index); err != nil {
		return fmt.Errorf("index Canaries by %s: %w", byName, err)
	}
	c, err := controller.New("canary", m, controller.Options{
		Reconciler:              r,
		MaxConcurrentReconciles: r.options.Workers,
		SkipNameValidation:      new(true), // several operators in one process, in tests
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
	})
	if err != nil {
		return fmt.Errorf("make the controller: %w", err)
	}
	sources := []source.Source{
		source.Kind[client.Object](m.GetCache(), canary, gather(r.rivals)),
		source.Kind[client.Object](m.GetCache(), &corev1.Service{}, r.users()),
		source.Channel(wakes, &handler.EnqueueRequestForObject{}),
	}
	for _, empty := range workloads {
		sources = append(sources, source.Kind(m.GetCache(), empty(), r.users()))
	}
	sources = append(sources, r.scalerSources(m)...)
	for _, s := range append(sources, r.configSources(m.GetCache())...) {
		if err := c.Watch(s); err != nil {
			return fmt.Errorf("watch %v: %w", s, err)
		}
	}
	r.routes = &follower{begin: r.followWith(m, c)}
	r.classes = r.classesOf(m, c)
	if err := (&stocktaker{stock: r.stock, manager: m, options: r.options, wake: r.wakeAll}).take(ctx); err != nil {
		return err
	}
	// Read by probes only, so that they cost no request; a change wakes nobody.
	if _, err := m.GetCache().GetInformer(ctx, blank(kind("MetricTemplate"))); err != nil {
		return fmt.Errorf("watch MetricTemplates: %w", err)
	}
	if r.options.Namespace == "" {
		namespaces := &metav1.PartialObjectMetadata{}
		namespaces.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
		if _, err := m.GetCache().GetInformer(ctx, namespaces); err != nil {
			return fmt.Errorf("watch Namespaces: %w", err)
		}
	}
	return nil
}

// routeSource wakes the Canaries of a route.
func (r *reconciler) routeSource(m ctrl.Manager, gvk schema.GroupVersionKind) source.Source {
	return source.Kind[client.Object](m.GetCache(), blank(gvk), gather(r.onRoutes))
}

// users finds the Canaries that an object belongs to, by its name.
func (r *reconciler) users() handler.EventHandler {
	return gather(func(ctx context.Context, object client.Object) []reconcile.Request {
		return r.indexed(ctx, object.GetNamespace(), object.GetName())
	})
}

// onRoutes finds the Canaries of an object on the way of requests: the one that owns
// it, and those that name it. An object of the cluster is in no namespace.
func (r *reconciler) onRoutes(ctx context.Context, object client.Object) []reconcile.Request {
	requests := append(r.indexed(ctx, object.GetNamespace(), object.GetName()), r.onKnative(ctx, object)...)
	if object.GetNamespace() != "" {
		requests = append(requests, r.indexed(ctx, "", object.GetNamespace()+"/"+object.GetName())...)
	}
	if owner := metav1.GetControllerOfNoCopy(object); owner != nil && owner.Kind == "Canary" {
		key := types.NamespacedName{Namespace: object.GetNamespace(), Name: owner.Name}
		requests = append(requests, reconcile.Request{NamespacedName: key})
	}
	return requests
}

// rivals wakes a Canary, and all others of its workload: when the older one goes
// or turns to something else, the younger one is no longer refused.
func (r *reconciler) rivals(ctx context.Context, canary client.Object) []reconcile.Request {
	requests := []reconcile.Request{{NamespacedName: client.ObjectKeyFromObject(canary)}}
	return append(requests, r.indexed(ctx, canary.GetNamespace(), canary.(*stored).references().TargetRef.name())...)
}

// indexed finds the Canaries of a namespace, or of all, that are about something of a name.
func (r *reconciler) indexed(ctx context.Context, namespace, name string) []reconcile.Request {
	list := &storedList{}
	err := r.client.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{byName: stem(name)})
	if err != nil {
		r.options.Log.Error("find the Canaries of an object", "object", name, "err", err)
		return nil
	}
	var requests []reconcile.Request
	for i := range list.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}
	return requests
}

// stringAt reads a text of an object that may have any shape.
func stringAt(object *unstructured.Unstructured, path ...string) string {
	text, _, err := unstructured.NestedString(object.Object, path...)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(text)
}
