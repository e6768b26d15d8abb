package controller

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// packedField holds a whole object as text in one that is packed. No kind has a field of
// such a name.
const packedField = "packed as text"

// routeKinds are the kinds whose objects the cache keeps packed: a cluster may hold
// thousands, and nearly all of them rest. Knative's are read in many places and are few.
var routeKinds = func() map[schema.GroupVersionKind]bool {
	kinds := map[schema.GroupVersionKind]bool{}
	for _, provider := range router.Providers {
		for _, gvk := range provider.Kinds {
			kinds[gvk] = true
		}
	}
	maps.DeleteFunc(kinds, func(gvk schema.GroupVersionKind, _ bool) bool { return gvk.Group == workload.KnativeService.Group })
	return kinds
}()

// pack leaves of a route what tells whose it is and which version of it, and keeps the whole
// as text, which weighs a quarter of maps. Of what cannot be encoded nothing is packed.
func pack(object *unstructured.Unstructured) {
	if !routeKinds[object.GroupVersionKind()] {
		return
	}
	if _, packed := object.Object[packedField]; packed {
		return
	}
	text, err := json.Marshal(object.Object)
	if err != nil {
		return
	}
	meta, isObject := object.Object["metadata"].(map[string]any)
	if !isObject {
		return
	}
	kept := map[string]any{}
	for _, field := range []string{"name", "namespace", "resourceVersion", "generation", "ownerReferences"} {
		if value, has := meta[field]; has {
			kept[field] = value
		}
	}
	object.Object = map[string]any{
		"apiVersion": object.Object["apiVersion"], "kind": object.Object["kind"], "metadata": kept, packedField: string(text),
	}
}

// unpacked is the whole of an object that may be packed.
func unpacked(object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	text, packed := object.Object[packedField].(string)
	if !packed {
		return object, nil
	}
	whole := &unstructured.Unstructured{}
	if err := whole.UnmarshalJSON([]byte(text)); err != nil {
		return nil, fmt.Errorf("read %s of the cache: %w", placed(router.Object{Object: object.Object}), err)
	}
	return whole, nil
}

// opened are the routes in full. Most looks only ask for their versions.
func (v *view) opened() []router.Object {
	if v.open == nil {
		v.open = slices.Clone(v.routes)
		for i := range v.open {
			if whole, err := unpacked(&v.open[i]); err == nil { // it was encoded here, so that it decodes
				v.open[i] = *whole
			}
		}
	}
	return v.open
}

// serving is the Service as providers see it, with the live objects it is built upon.
func (v *view) serving() router.Service {
	service := v.service
	service.Live = v.opened()
	return service
}
