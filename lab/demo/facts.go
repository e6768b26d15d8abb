package demo

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// A fact is something a watch told: a status of the Canary, one of its events, or that
// it told something unreadable.
type fact struct {
	at     time.Time // when it was seen
	status *Status
	event  *happening
	err    error
}

// A happening is an event of the Canary.
type happening struct {
	Type    string `json:"type"` // Normal or Warning
	Message string `json:"message"`
}

// follow watches the Canary and its events until ctx ends.
func (c *cluster) follow(ctx context.Context) (<-chan fact, error) {
	facts := make(chan fact)
	tell := func(f fact) {
		f.at = time.Now()
		select {
		case facts <- f:
		case <-ctx.Done():
		}
	}
	canary := fields.OneTermEqualSelector("metadata.name", appName).String()
	err := c.watch(ctx, canaries(), canary, func(obj map[string]any) { tell(statusOf(obj)) })
	if err != nil {
		return nil, err
	}
	about := fields.OneTermEqualSelector("involvedObject.kind", "Canary").String()
	err = c.watch(ctx, core("events"), about, func(obj map[string]any) { tell(eventOf(obj)) })
	return facts, err
}

func statusOf(obj map[string]any) fact {
	var canary struct {
		Status Status `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj, &canary); err != nil {
		return fact{err: fmt.Errorf("read the status of the Canary: %w", err)}
	}
	return fact{status: &canary.Status}
}

func eventOf(obj map[string]any) fact {
	var event happening
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj, &event); err != nil {
		return fact{err: fmt.Errorf("read an event of the Canary: %w", err)}
	}
	return fact{event: &event}
}

func (c *cluster) watch(ctx context.Context, resource schema.GroupVersionResource, selector string, see func(map[string]any)) error {
	const never = 0
	informer := dynamicinformer.NewFilteredDynamicInformer(c.dynamic, resource, Namespace, never, cache.Indexers{},
		func(options *metav1.ListOptions) { options.FieldSelector = selector }).Informer()
	seen := func(obj any) {
		if object, ok := obj.(*unstructured.Unstructured); ok {
			see(object.Object)
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: seen, UpdateFunc: func(_, obj any) { seen(obj) },
	})
	if err != nil {
		return fmt.Errorf("watch %s: %w", resource.Resource, err)
	}
	go informer.RunWithContext(ctx)
	return nil
}
