package controller

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	ctrl "sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/serinhq/serin/router"
)

// firstSync is for how long a Canary waits for all objects of a kind to be read once.
const firstSync = 30 * time.Second

// A follower watches the kinds of routes, each from the first Canary on that needs it: a
// cluster may hold ten thousand Ingresses, and an operator need not be allowed to read them,
// where no Canary is about one.
type follower struct {
	kinds sync.Map // of *following by their schema.GroupVersionKind
	begin func(context.Context, schema.GroupVersionKind) error
}

// A following is one kind: whoever waits for it keeps nobody else waiting.
type following struct {
	mu    sync.Mutex
	begun atomic.Bool
}

// follow makes sure that the kinds of a provider are watched. The first who needs a kind
// waits until its objects are in the cache, and all others who need it with it.
func (f *follower) follow(ctx context.Context, p router.Provider) error {
	for _, gvk := range p.Kinds {
		entry, _ := f.kinds.LoadOrStore(gvk, new(following))
		if k := entry.(*following); !k.begun.Load() {
			if err := f.start(ctx, gvk, k); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *follower) start(ctx context.Context, gvk schema.GroupVersionKind, k *following) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.begun.Load() {
		return nil // by somebody who was faster
	}
	if err := f.begin(ctx, gvk); err != nil {
		return err
	}
	k.begun.Store(true)
	return nil
}

// followWith begins to watch a kind in a controller that runs.
func (r *reconciler) followWith(m ctrl.Manager, c controller.Controller) func(context.Context, schema.GroupVersionKind) error {
	return func(ctx context.Context, gvk schema.GroupVersionKind) error {
		err := readable(ctx, m.GetAPIReader(), gvk, r.options.Namespace)
		switch {
		case apierrors.IsForbidden(err):
			return fmt.Errorf("the operator may not read %s, which the provider needs; allow it to get, list and watch them (the chart's role does): %w", gvk.Kind, err)
		case err != nil:
			return fmt.Errorf("read %s: %w", gvk, err)
		}
		ctx, cancel := context.WithTimeout(ctx, firstSync)
		defer cancel()
		if _, err := m.GetCache().GetInformer(ctx, blank(gvk)); err != nil {
			return fmt.Errorf("watch %s: %w", gvk, err)
		}
		if err := c.Watch(r.routeSource(m, gvk)); err != nil {
			return fmt.Errorf("watch %s: %w", gvk, err)
		}
		return nil
	}
}

// readable asks whether objects of a kind may be read: a cache that may not waits forever
// and says nothing.
func readable(ctx context.Context, live client.Reader, gvk schema.GroupVersionKind, namespace string) error {
	one := &metav1.PartialObjectMetadataList{}
	one.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
	return live.List(ctx, one, client.Limit(1), client.InNamespace(namespace))
}
