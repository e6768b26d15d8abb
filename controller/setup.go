package controller

import (
	"context"
	"fmt"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	ctrl "sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/serinhq/serin/hook"
	"github.com/serinhq/serin/metric"
)

// Run operates until the context ends. It returns an error if it cannot start,
// or has lost its lease.
func Run(ctx context.Context, options Options) error {
	// Probes live as long as the manager does, which a lost lease ends earlier
	// than the context: nobody waits for their answers then.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	m, err := newManager(options)
	if err != nil {
		return err
	}
	has := func(gvk schema.GroupVersionKind) (bool, error) { return served(m.GetRESTMapper(), gvk) }
	watchable := func(gvk schema.GroupVersionKind) (bool, error) { return options.watchable(m.GetRESTMapper(), gvk) }
	for _, name := range []string{"Canary", "MetricTemplate", "AlertProvider"} {
		switch there, err := has(kind(name)); {
		case err != nil:
			return err
		case !there:
			return fmt.Errorf("%s CRD is not registered: apply the CRDs of the chart first", name)
		}
	}
	providers, err := installed(watchable)
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	r, err := assemble(ctx, m, options, newStock(providers), registry)
	if err != nil {
		return err
	}
	if err := m.Add(newServer(options, registry, m.GetCache())); err != nil {
		return fmt.Errorf("add the HTTP server: %w", err)
	}
	options.Log.Info("Starting operator", "version", options.Version, "meshProvider", options.MeshProvider, "providers", len(r.stock.available("")))
	err = m.Start(ctx)
	stop()
	r.probes.wait()
	r.voice.courier.wait()
	if err != nil {
		return fmt.Errorf("run the operator: %w", err)
	}
	return nil
}

// served reports whether the API server has a kind. One that cannot be asked has
// not said no: a provider must not be missing until the next restart because a
// request broke at the start.
func served(mapper meta.RESTMapper, gvk schema.GroupVersionKind) (bool, error) {
	_, err := mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	switch {
	case meta.IsNoMatchError(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("ask the API server for the kind %s: %w", gvk.Kind, err)
	}
	return true, nil
}

func newManager(options Options) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme, addStored} {
		utilruntime.Must(add(scheme))
	}
	caching := cache.Options{
		DefaultTransform: slim, ReaderFailOnMissingInformer: true,
		DefaultUnsafeDisableDeepCopy: new(true), // what is read is never changed, see read
	}
	if options.Namespace != "" {
		caching.DefaultNamespaces = map[string]cache.Config{options.Namespace: {}}
	}
	m, err := ctrl.New(options.Config, ctrl.Options{
		Scheme:                  scheme,
		Cache:                   caching,
		Client:                  client.Options{Cache: &client.CacheOptions{Unstructured: true}},
		Metrics:                 metricsserver.Options{BindAddress: "0"},
		Logger:                  logr.FromSlogHandler(options.Log.Handler()),
		LeaderElection:          options.LeaderElection,
		LeaderElectionID:        lease,
		LeaderElectionNamespace: options.LeaderElectionNamespace,
		// Given up on the way out, so that the next one need not wait for it.
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return nil, fmt.Errorf("connect to the API server: %w", err)
	}
	return m, nil
}

// assemble wires the parts of the operator and its watches.
func assemble(ctx context.Context, m ctrl.Manager, options Options, at *stock, registry *prometheus.Registry) (*reconciler, error) {
	wakes := make(chan event.GenericEvent, 1024)
	wake := func(key types.NamespacedName) {
		canary := &stored{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
		select {
		case wakes <- event.GenericEvent{Object: canary}:
		case <-ctx.Done():
		}
	}
	scalers, err := scalerKinds(m.GetRESTMapper())
	if err != nil {
		return nil, err
	}
	hooks, gauges := hook.NewCaller(), newGauges(registry, options)
	r := &reconciler{
		options: options, client: m.GetClient(), stock: at, scalers: scalers, memory: newMemory(), wake: wake, life: ctx, gauges: gauges,
		probes: newPool(options.Probes, options.clock, wake),
		voice:  &voice{options: options, client: m.GetClient(), courier: newCourier(ctx, options, hooks), gauges: gauges},
		asker: &asker{options: options, cached: m.GetClient(), live: m.GetAPIReader(), hooks: hooks,
			metrics: metric.NewClients(), gauges: gauges},
	}
	r.turnstile = &turnstile{most: options.MostReleases, each: r.mostReleases, wake: wake, seed: r.running}
	return r, r.watch(ctx, m, wakes)
}
