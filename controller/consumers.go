package controller

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/serinhq/serin/workload"
)

// configKinds are the kinds of configuration that are watched.
func configKinds() []string { return []string{"ConfigMap", "Secret"} }

// consumers finds the Canaries whose workloads use a ConfigMap or Secret, as they
// were seen at the last look. The zero value is ready.
type consumers struct {
	mu   sync.Mutex
	of   map[configKey]map[types.NamespacedName]bool
	uses map[types.NamespacedName][]configKey
}

// configKey names a ConfigMap or Secret of the cluster.
type configKey struct{ kind, namespace, name string }

// set replaces what a Canary uses; without references it is forgotten.
func (c *consumers) set(canary types.NamespacedName, refs []workload.Ref) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of, c.uses = map[configKey]map[types.NamespacedName]bool{}, map[types.NamespacedName][]configKey{}
	}
	for _, key := range c.uses[canary] {
		delete(c.of[key], canary)
		if len(c.of[key]) == 0 {
			delete(c.of, key)
		}
	}
	delete(c.uses, canary)
	for _, ref := range refs {
		key := configKey{ref.Kind, canary.Namespace, ref.Name}
		if c.of[key] == nil {
			c.of[key] = map[types.NamespacedName]bool{}
		}
		c.of[key][canary] = true
		c.uses[canary] = append(c.uses[canary], key)
	}
}

// wakes lists the Canaries that a ConfigMap or Secret concerns: those that use
// it, and those that it is a copy for.
func (c *consumers) wakes(kind string, object client.Object) []reconcile.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []reconcile.Request
	for canary := range c.of[configKey{kind, object.GetNamespace(), object.GetName()}] {
		all = append(all, reconcile.Request{NamespacedName: canary})
	}
	for _, name := range workload.OwnersOf(object) {
		all = append(all, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace(), Name: name}})
	}
	return all
}

// configSources watch the metadata of ConfigMaps and Secrets. Their content stays
// out of the cache.
func (r *reconciler) configSources(c cache.Cache) []source.Source {
	if !r.options.ConfigTracking {
		return nil
	}
	var all []source.Source
	for _, kind := range configKinds() {
		wake := handler.EnqueueRequestsFromMapFunc(func(_ context.Context, object client.Object) []reconcile.Request {
			return r.consumers.wakes(kind, object)
		})
		all = append(all, source.Kind[client.Object](c, metadataOf(kind), wake))
	}
	return all
}
