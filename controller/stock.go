package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	ctrl "sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/serinhq/serin/router"
)

// A stock is what the cluster has of the traffic providers. It grows when a kind is
// installed under the operator. One that goes stays: its routes have gone with it, and
// applying them says so.
type stock struct {
	mu        sync.RWMutex
	providers map[string]router.Provider       // whose kinds are all known
	known     map[schema.GroupVersionKind]bool // kinds that are there
	lacks     map[schema.GroupVersionKind]bool // versions whose objects cannot have what corsPolicy becomes
}

func newStock(providers map[string]router.Provider) *stock {
	s := &stock{providers: providers, known: map[schema.GroupVersionKind]bool{}, lacks: map[schema.GroupVersionKind]bool{}}
	for _, provider := range providers {
		for _, gvk := range provider.Kinds {
			s.known[gvk] = true
		}
	}
	return s
}

// available lists the providers at hand, and the given name if it means one of them.
func (s *stock) available(name string) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	names := slices.Sorted(maps.Keys(s.providers))
	if _, ok := router.Named(s.providers, name); ok && !slices.Contains(names, name) {
		names = append(names, name)
	}
	return names
}

// provider by its name; one that is not at hand can do nothing.
func (s *stock) provider(name string) router.Provider {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, _ := router.Named(s.providers, name)
	return p
}

// lacksCORS reports whether a kind of the provider is known to have no field for it.
func (s *stock) lacksCORS(p router.Provider) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.ContainsFunc(p.Kinds, func(gvk schema.GroupVersionKind) bool { return s.lacks[gvk] })
}

// learn takes in what a definition says of a kind that is served by now, and which
// providers are at hand with it. It reports whether that is news.
func (s *stock) learn(gvk schema.GroupVersionKind, crd *apiextensionsv1.CustomResourceDefinition) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, had := len(s.providers), s.lacks[gvk]
	s.known[gvk] = true
	for name, provider := range router.Providers {
		if !slices.Contains(provider.Kinds, gvk) {
			continue
		}
		s.lacks[gvk] = len(provider.CORS) > 0 && !declares(crd, gvk.Version, provider.CORS)
		if !slices.ContainsFunc(provider.Kinds, func(k schema.GroupVersionKind) bool { return !s.known[k] }) {
			s.providers[name] = provider
		}
	}
	return len(s.providers) != before || s.lacks[gvk] != had
}

// A stocktaker watches the definitions of the kinds that providers need.
type stocktaker struct {
	stock   *stock
	manager ctrl.Manager
	options Options
	wake    func() // all Canaries
}

var definition = apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition")

// take begins to watch definitions, if the operator may: a Role, or a role of the user's own, may
// not allow it, and then new kinds are seen at the next start.
func (t *stocktaker) take(ctx context.Context) error {
	all := &metav1.PartialObjectMetadataList{}
	all.SetGroupVersionKind(definition.GroupVersion().WithKind("CustomResourceDefinitionList"))
	if err := t.manager.GetAPIReader().List(ctx, all, client.Limit(1)); err != nil {
		if apierrors.IsForbidden(err) {
			t.options.Log.Info("Kinds that are installed later are seen at the next start", "err", err)
			return nil
		}
		return fmt.Errorf("list CustomResourceDefinitions: %w", err)
	}
	c, err := controller.New("kinds", t.manager, controller.Options{Reconciler: t, SkipNameValidation: new(true), NeedLeaderElection: new(false)})
	if err != nil {
		return fmt.Errorf("make the controller of kinds: %w", err)
	}
	found := &metav1.PartialObjectMetadata{}
	found.SetGroupVersionKind(definition)
	known := predicate.NewPredicateFuncs(func(o client.Object) bool { return len(defined(o.GetName())) > 0 })
	if err := c.Watch(source.Kind[client.Object](t.manager.GetCache(), found, &handler.EnqueueRequestForObject{}, known)); err != nil {
		return fmt.Errorf("watch CustomResourceDefinitions: %w", err)
	}
	return nil
}

// Reconcile implements reconcile.Reconciler for one definition.
func (t *stocktaker) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	raw, crd := blank(definition), &apiextensionsv1.CustomResourceDefinition{}
	if err := t.manager.GetAPIReader().Get(ctx, req.NamespacedName, raw); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(raw.Object, crd); err != nil {
		return reconcile.Result{}, fmt.Errorf("read CustomResourceDefinition %s: %w", req.Name, err)
	}
	news := false
	for _, gvk := range defined(req.Name) {
		if !serves(crd, gvk.Version) || !t.options.sees(gvk, scopeOf(crd)) {
			continue
		}
		news = t.stock.learn(gvk, crd) || news
	}
	if news {
		t.wake()
	}
	return reconcile.Result{}, nil
}

// defined lists the kinds of providers that a definition of this name is about. A plural
// that cannot be guessed is missed: its kind is seen at the next start.
func defined(name string) []schema.GroupVersionKind {
	var all []schema.GroupVersionKind
	for _, provider := range router.Providers {
		for _, gvk := range provider.Kinds {
			plural, _ := meta.UnsafeGuessKindToResource(gvk)
			if plural.GroupResource().String() == name && !slices.Contains(all, gvk) {
				all = append(all, gvk)
			}
		}
	}
	slices.SortFunc(all, func(a, b schema.GroupVersionKind) int { return strings.Compare(a.Version, b.Version) })
	return all
}

// scopeOf a kind, in the terms of a mapper.
func scopeOf(crd *apiextensionsv1.CustomResourceDefinition) meta.RESTScopeName {
	if crd.Spec.Scope == apiextensionsv1.NamespaceScoped {
		return meta.RESTScopeNameNamespace
	}
	return meta.RESTScopeNameRoot
}

// serves reports whether the API server answers for a version by now.
func serves(crd *apiextensionsv1.CustomResourceDefinition, version string) bool {
	established := slices.ContainsFunc(crd.Status.Conditions, func(c apiextensionsv1.CustomResourceDefinitionCondition) bool {
		return c.Type == apiextensionsv1.Established && c.Status == apiextensionsv1.ConditionTrue
	})
	return established && slices.ContainsFunc(crd.Spec.Versions, func(v apiextensionsv1.CustomResourceDefinitionVersion) bool {
		return v.Name == version && v.Served
	})
}

// declares reports whether objects of a version may have a field; lists on the way are gone into.
func declares(crd *apiextensionsv1.CustomResourceDefinition, version string, path []string) bool {
	for _, v := range crd.Spec.Versions {
		if v.Name != version || v.Schema == nil || v.Schema.OpenAPIV3Schema == nil {
			continue
		}
		at := *v.Schema.OpenAPIV3Schema
		for _, name := range path {
			if at.Items != nil && at.Items.Schema != nil {
				at = *at.Items.Schema
			}
			next, ok := at.Properties[name]
			if !ok {
				return false
			}
			at = next
		}
		return true
	}
	return false
}

// wakeAll has every Canary looked at again.
func (r *reconciler) wakeAll() {
	list := &storedList{}
	if err := r.client.List(r.life, list); err != nil {
		r.options.Log.Error("list the Canaries that a new kind concerns", "err", err)
		return
	}
	for i := range list.Items {
		r.wake(client.ObjectKeyFromObject(&list.Items[i]))
	}
}
