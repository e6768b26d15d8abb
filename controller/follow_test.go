package controller

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/serinhq/serin/router"
)

// A kind is followed once, whoever asks, and again only if that failed. Canaries of another
// kind do not wait for it.
func TestKindsAreFollowedWhenNeeded(t *testing.T) {
	t.Parallel()
	slow, quick := schema.GroupVersionKind{Kind: "Slow"}, schema.GroupVersionKind{Kind: "Quick"}
	var begun atomic.Int32
	fails := errors.New("not now")
	fail, open := true, make(chan struct{})
	f := &follower{begin: func(_ context.Context, gvk schema.GroupVersionKind) error {
		if gvk == slow {
			<-open
			begun.Add(1)
		} else if fail {
			fail = false
			return fails
		}
		return nil
	}}
	of := func(gvk schema.GroupVersionKind) router.Provider {
		return router.Provider{Kinds: []schema.GroupVersionKind{gvk}}
	}
	var many errgroup.Group
	for range 8 {
		many.Go(func() error { return f.follow(t.Context(), of(slow)) })
	}
	if err := f.follow(t.Context(), of(quick)); !errors.Is(err, fails) {
		t.Errorf("the error is %v", err)
	}
	if err := f.follow(t.Context(), of(quick)); err != nil {
		t.Errorf("tried again: %v", err)
	}
	close(open)
	if err := many.Wait(); err != nil || begun.Load() != 1 {
		t.Errorf("begun %d times, %v", begun.Load(), err)
	}
}
