package integration

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/serinhq/serin/internal/crds"
	"github.com/serinhq/serin/router"
)

// Every object that providers render is accepted strictly by an API server that holds
// the definitions of its traffic system. The server is not that of the other tests: their
// operators would watch kinds that come and go, as some contradict each other.
func TestRenderedObjectsAreValid(t *testing.T) {
	t.Parallel()
	c, ctx := aside.take(t).client, t.Context()
	const namespace = "rendered"
	object := blank(corev1.SchemeGroupVersion.WithKind("Namespace"))
	object.SetName(namespace)
	if err := c.Create(ctx, object); err != nil {
		t.Fatal(err)
	}
	waiting := map[schema.GroupVersionKind][]unstructured.Unstructured{}
	for _, rendered := range documents(t, "../router/testdata/*/*.yaml") {
		waiting[rendered.GroupVersionKind()] = append(waiting[rendered.GroupVersionKind()], rendered)
	}
	if len(waiting) == 0 {
		t.Fatal("no golden files")
	}
	seen := map[schema.GroupVersionKind]bool{}
	check := func(source string, kind schema.GroupVersionKind, scope meta.RESTScopeName) {
		for _, rendered := range waiting[kind] {
			seen[kind] = true
			if err := dryRun(ctx, c, rendered, namespace, scope); err != nil {
				t.Errorf("%s: %s %s: %v", source, rendered.GetKind(), rendered.GetName(), err)
			}
		}
	}
	for kind := range waiting {
		if !scheme.Scheme.Recognizes(kind) {
			continue // a test before may have left it in what the server says it has
		}
		if mapping, err := c.RESTMapper().RESTMapping(kind.GroupKind(), kind.Version); err == nil {
			check("Kubernetes", kind, mapping.Scope.Name())
		}
	}
	for _, source := range crds.Names() {
		withDefinitions(t, c, source, func(found []apiextensionsv1.CustomResourceDefinition) {
			for i := range found {
				for _, version := range found[i].Spec.Versions {
					kind := schema.GroupVersionKind{Group: found[i].Spec.Group, Version: version.Name, Kind: found[i].Spec.Names.Kind}
					check(source, kind, scopeOf(&found[i]))
				}
			}
		})
	}
	for kind := range waiting {
		if !seen[kind] {
			t.Errorf("nothing defines %s: add it to internal/crds", kind)
		}
	}
}

// dryRun applies an object and keeps nothing: the files of different cases have the
// same names.
func dryRun(ctx context.Context, c client.Client, object unstructured.Unstructured, namespace string, scope meta.RESTScopeName) error {
	object.SetNamespace("")
	if scope == meta.RESTScopeNameNamespace {
		object.SetNamespace(namespace)
	}
	object.SetOwnerReferences(nil)
	body, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	rendered := object.DeepCopy()
	patch := client.RawPatch(types.ApplyPatchType, body)
	// A kind that was just installed may take a moment to be found.
	err = wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		err := c.Patch(ctx, &object, patch, client.FieldOwner("test"), client.ForceOwnership, client.DryRunAll, strict)
		if meta.IsNoMatchError(err) {
			return false, nil
		}
		return true, err
	})
	if more := inLists(rendered.Object["spec"], object.Object["spec"]); err == nil && len(more) > 0 && atomic(object.GroupVersionKind()) {
		return fmt.Errorf("the API server puts defaults into lists, render them: %s", strings.Join(more, ", "))
	}
	return err
}

// atomic reports whether a provider counts on lists to be as it applied them.
func atomic(gvk schema.GroupVersionKind) bool {
	for _, provider := range router.Providers {
		if provider.Atomic && slices.Contains(provider.Kinds, gvk) {
			return true
		}
	}
	return false
}

// inLists names what is in the lists of a live value beyond what was applied.
func inLists(applied, live any) []string {
	switch live := live.(type) {
	case map[string]any:
		fields, _ := applied.(map[string]any)
		var found []string
		for key, value := range live {
			found = append(found, inLists(fields[key], value)...)
		}
		return found
	case []any:
		return lacking("", applied, live)
	}
	return nil
}

func scopeOf(definition *apiextensionsv1.CustomResourceDefinition) meta.RESTScopeName {
	if definition.Spec.Scope == apiextensionsv1.ClusterScoped {
		return meta.RESTScopeNameRoot
	}
	return meta.RESTScopeNameNamespace
}

// withDefinitions installs the definitions of a source, with all their versions, calls use
// and removes them again, however use ends: the next test may need what they exclude.
func withDefinitions(t *testing.T, c client.WithWatch, source string, use func([]apiextensionsv1.CustomResourceDefinition)) {
	t.Helper()
	found, err := crds.Load(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	var installed []*unstructured.Unstructured
	defer func() {
		for _, object := range installed {
			if err := undefine(t.Context(), c, object); err != nil {
				t.Error(err)
			}
		}
	}()
	for i := range found {
		for j := range found[i].Spec.Versions {
			found[i].Spec.Versions[j].Served = true // also those that newer releases keep for conversion only
		}
		object, err := definition(&found[i])
		if err == nil {
			err = c.Create(t.Context(), object)
		}
		if err != nil {
			t.Fatal(fmt.Errorf("install %s: %w", found[i].Name, err))
		}
		installed = append(installed, object)
	}
	for _, object := range installed {
		if err := established(t.Context(), c, object.GetName()); err != nil {
			t.Fatal(err)
		}
	}
	use(found)
}

// definition is what is sent to an API server to install it.
func definition(of *apiextensionsv1.CustomResourceDefinition) (*unstructured.Unstructured, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(of)
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{Object: fields}
	object.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	unstructured.RemoveNestedField(object.Object, "status")
	unstructured.RemoveNestedField(object.Object, "metadata", "creationTimestamp")
	return object, nil
}

// undefine removes a definition, and all that is defined by it.
func undefine(ctx context.Context, c client.WithWatch, definition *unstructured.Unstructured) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := c.Delete(ctx, definition); err != nil {
		return err
	}
	return vanish(ctx, c, definition)
}
