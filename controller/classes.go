package controller

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	ctrl "sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/router"
)

var (
	gatewayKind      = schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "Gateway"}
	gatewayClassKind = gatewayKind.GroupVersion().WithKind("GatewayClass")
)

// classes knows what gateways say they can do. It watches nothing before the first Canary
// asks for something that not every gateway can, and nothing at all if it may not: then
// nobody is refused.
type classes struct {
	options Options
	live    client.Reader // asked once, whether they may be read
	cached  client.Reader
	begin   func(context.Context, schema.GroupVersionKind) error // to watch a kind

	mu     sync.Mutex
	begun  bool
	denied bool
}

// behind adds what the classes behind the parents of a Canary's route say they cannot do.
func (r *reconciler) behind(ctx context.Context, canary *v1beta1.Canary, f v1beta1.Features) v1beta1.Features {
	abilities := r.provider(canary).Abilities
	if abilities == (router.Abilities{}) || !demanding(canary) || !r.classes.ready(ctx) {
		return f
	}
	for _, class := range r.classes.of(ctx, canary) {
		f.Lacks = lacking(f.Lacks, class, abilities)
	}
	return f
}

// demanding reports whether a Canary wants of its gateway what not every one can.
func demanding(canary *v1beta1.Canary) bool {
	s, a := canary.Spec.Service, canary.Analysis()
	return a != nil && a.Mirror || len(s.Mirror) > 0 || s.CorsPolicy != nil
}

// lacking adds what a class leaves out of its list. One that has no list may be able to do
// everything, as before there were lists.
func lacking(found v1beta1.Lacks, class *unstructured.Unstructured, abilities router.Abilities) v1beta1.Lacks {
	features := supported(class)
	if len(features) == 0 {
		return found
	}
	for _, one := range []struct {
		feature string
		lack    *v1beta1.Lack
	}{{abilities.Mirror, &found.Mirror}, {abilities.MirrorShare, &found.MirrorShare}, {abilities.CORS, &found.CORS}} {
		if *one.lack == (v1beta1.Lack{}) && !slices.Contains(features, one.feature) {
			*one.lack = v1beta1.Lack{Class: class.GetName(), Feature: one.feature}
		}
	}
	return found
}

// supported lists the features that a class names.
func supported(class *unstructured.Unstructured) []string {
	list, _, err := unstructured.NestedSlice(class.Object, "status", "supportedFeatures")
	if err != nil {
		return nil // a shape of a version before the first: no list
	}
	var names []string
	for _, item := range list {
		if feature, ok := item.(map[string]any); ok {
			if name, ok := feature["name"].(string); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// ready reports whether classes are known, and begins to watch them at first.
func (c *classes) ready(ctx context.Context) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.begun || c.denied {
		return c.begun
	}
	err := c.allowed(ctx)
	if err != nil && !apierrors.IsForbidden(err) && !meta.IsNoMatchError(err) && !apierrors.IsNotFound(err) {
		c.options.Log.Info("What gateways support is not known yet", "err", err)
		return false // the next look asks again
	}
	if err == nil {
		err = c.start(ctx)
	}
	if err != nil {
		c.options.Log.Info("What gateways support is not asked before the next start", "err", err)
	}
	c.begun, c.denied = err == nil, err != nil
	return c.begun
}

// allowed asks whether Gateways and their classes may be read, since a watch that is
// forbidden would be waited for.
func (c *classes) allowed(ctx context.Context) error {
	for gvk, namespace := range map[schema.GroupVersionKind]string{gatewayKind: c.options.Namespace, gatewayClassKind: ""} {
		if err := readable(ctx, c.live, gvk, namespace); err != nil {
			return fmt.Errorf("list %s objects: %w", gvk.Kind, err)
		}
	}
	return nil
}

// start watches both kinds. It does so once: what does not come up in time comes up
// later or never, and each further look would wait for it.
func (c *classes) start(ctx context.Context) error {
	const patience = 10 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, gvk := range []schema.GroupVersionKind{gatewayKind, gatewayClassKind} {
		if err := c.begin(ctx, gvk); err != nil {
			return fmt.Errorf("watch %s objects: %w", gvk.Kind, err)
		}
	}
	return nil
}

// of lists the classes behind the parents of a Canary's route, as far as they are there. A
// parent of another kind, such as a mesh's Service, has none.
func (c *classes) of(ctx context.Context, canary *v1beta1.Canary) []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, parent := range parents(canary.Spec.Service.GatewayRefs) {
		if kind := cmp.Or(parent.Kind, gatewayKind.Kind); kind != gatewayKind.Kind {
			continue
		}
		parent.Namespace = cmp.Or(parent.Namespace, canary.Namespace)
		class, err := c.behind(ctx, parent)
		switch {
		case err != nil: // another namespace than the operator's: nobody is refused
			c.options.Log.Debug("what a gateway supports is not known", "gateway", parent.Name+"."+parent.Namespace, "err", err)
		case class != nil:
			all = append(all, class)
		}
	}
	return all
}

// behind reads the class of a Gateway; nil if one of the two is not there.
func (c *classes) behind(ctx context.Context, parent router.Parent) (*unstructured.Unstructured, error) {
	gateway, err := read(ctx, c.cached, parent.Namespace, parent.Name, blank(gatewayKind))
	if err != nil || gateway == nil {
		return nil, err
	}
	return read(ctx, c.cached, "", stringAt(gateway, "spec", "gatewayClassName"), blank(gatewayClassKind))
}

// classesOf are those that the operator sees; what changes of them wakes its Canaries.
func (r *reconciler) classesOf(m ctrl.Manager, c controller.Controller) *classes {
	begin := func(ctx context.Context, gvk schema.GroupVersionKind) error {
		if _, err := m.GetCache().GetInformer(ctx, blank(gvk)); err != nil {
			return err
		}
		return c.Watch(source.Kind[client.Object](m.GetCache(), blank(gvk), r.onClasses()))
	}
	return &classes{options: r.options, live: m.GetAPIReader(), cached: r.client, begin: begin}
}

// onClasses wakes the Canaries that ask something of a class when its answer may be
// another: few things change so seldom, so that it need not know which of them ask this one.
func (r *reconciler) onClasses() handler.EventHandler {
	wake := func(ctx context.Context, q queue) {
		for _, request := range r.demanding(ctx) {
			q.AddAfter(request, together)
		}
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) {
			if !e.IsInInitialList { // whoever asked first waits for these
				wake(ctx, q)
			}
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			if answersOtherwise(e.ObjectOld, e.ObjectNew) {
				wake(ctx, q)
			}
		},
		DeleteFunc: func(ctx context.Context, _ event.DeleteEvent, q queue) { wake(ctx, q) },
	}
}

// answersOtherwise reports whether a Gateway has another class than before, or a class
// another list.
func answersOtherwise(before, after client.Object) bool {
	was, is := before.(*unstructured.Unstructured), after.(*unstructured.Unstructured)
	return stringAt(was, "spec", "gatewayClassName") != stringAt(is, "spec", "gatewayClassName") || !slices.Equal(supported(was), supported(is))
}

// demanding finds the Canaries that want what not every gateway can do.
func (r *reconciler) demanding(ctx context.Context) []reconcile.Request {
	list := &storedList{}
	if err := r.client.List(ctx, list); err != nil {
		r.options.Log.Error("list the Canaries that a class of gateways concerns", "err", err)
		return nil
	}
	var requests []reconcile.Request
	for i := range list.Items {
		if canary, err := list.Items[i].decoded(); err == nil && demanding(canary) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(canary)})
		}
	}
	return requests
}
