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

// A fact is something a watch told: either a status of the Canary or one of its events.
type fact struct {
	at     time.Time // when it was seen
	status *Status
	event  *happening
}

// A happening is an event of the Canary.
type happening struct {
	Type    string `json:"type"` // Normal or Warning
	Message string `json:"message"`
}

// follow watches the Canary and its events until ctx ends. What cannot be read is a fact
// that never comes; the deadline of the act then says what was awaited.
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
	err := c.watch(ctx, canaries(), canary, func(obj map[string]any) {
		var seen struct {
			Status Status `json:"status"`
		}
		if runtime.DefaultUnstructuredConverter.FromUnstructured(obj, &seen) == nil {
			tell(fact{status: &seen.Status})
		}
	})
	if err != nil {
		return nil, err
	}
	about := fields.OneTermEqualSelector("involvedObject.kind", "Canary").String()
	err = c.watch(ctx, core("events"), about, func(obj map[string]any) {
		var seen happening
		if runtime.DefaultUnstructuredConverter.FromUnstructured(obj, &seen) == nil {
			tell(fact{event: &seen})
		}
	})
	return facts, err
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
