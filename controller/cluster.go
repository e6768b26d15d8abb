package controller

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/serinhq/serin/router"
)

// placed is how people call an object: with its namespace behind the name, which
// objects of the cluster do not have.
func placed(object router.Object) string {
	if object.GetNamespace() == "" {
		return title(object)
	}
	return title(object) + "." + object.GetNamespace()
}

// watchable reports whether an operator may watch a kind of routes, which the API
// server must have. One of a single namespace has no right to see objects of the
// cluster, and would wait at its start for ever for those of a mesh that happens to be
// installed: it looks at them only if it was told to drive that mesh.
func (o Options) watchable(mapper meta.RESTMapper, gvk schema.GroupVersionKind) (bool, error) {
	there, err := served(mapper, gvk)
	if err != nil || !there || o.Namespace == "" {
		return there, err
	}
	mapping, err := mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return false, fmt.Errorf("ask the API server for the scope of %s: %w", gvk.Kind, err)
	}
	return o.sees(gvk, mapping.Scope.Name()), nil
}

// sees reports whether an operator of these options may see objects of a kind.
func (o Options) sees(gvk schema.GroupVersionKind, scope meta.RESTScopeName) bool {
	flag, _ := router.Named(router.Providers, o.MeshProvider)
	return o.Namespace == "" || scope == meta.RESTScopeNameNamespace || slices.Contains(flag.Kinds, gvk)
}
