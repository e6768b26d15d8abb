package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/metric"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// byName is the index over Canaries by the names of all that they are about, see stored.names.
const byName = "name"

func kind(name string) schema.GroupVersionKind { return v1beta1.GroupVersion().WithKind(name) }

// blank is an empty object of a kind. MetricTemplates are read as JSON, so that one that
// does not decode hurts no other; of Canaries see stored.
func blank(gvk schema.GroupVersionKind) *unstructured.Unstructured {
	u := new(unstructured.Unstructured)
	u.SetGroupVersionKind(gvk)
	return u
}

// load reads a Canary from the cache; nil if it cannot be read. An error beside it names
// the fields that do not decode.
func (r *reconciler) load(ctx context.Context, key types.NamespacedName) (*v1beta1.Canary, error) {
	kept := &stored{}
	if err := r.client.Get(ctx, key, kept); err != nil {
		return nil, fmt.Errorf("read Canary %s: %w", key, err)
	}
	return kept.decoded()
}

// compile turns a Canary into a plan. The errors are about its spec, so trying
// again does not help.
func (r *reconciler) compile(ctx context.Context, canary *v1beta1.Canary) (rollout.Plan, field.ErrorList) {
	plan, faults := v1beta1.Compile(canary, r.behind(ctx, canary, r.features(canary)))
	older, err := r.rival(ctx, canary)
	switch {
	case err != nil:
		faults = append(faults, field.InternalError(field.NewPath("spec", "targetRef"), err))
	case older != "":
		faults = append(faults, field.Invalid(field.NewPath("spec", "targetRef", "name"), canary.Spec.TargetRef.Name,
			fmt.Sprintf("Canary %s already releases this workload; delete one of the two", older)))
	}
	return plan, faults
}

func (r *reconciler) features(canary *v1beta1.Canary) v1beta1.Features {
	name, provider := canary.Provider(r.options.MeshProvider), r.provider(canary)
	return v1beta1.Features{
		Provider:          name,
		Available:         r.stock.available(name),
		Metrics:           metric.Provider(r.options.MeshProvider, canary.Spec.Provider),
		Routes:            len(provider.Kinds) > 0,
		Weight:            provider.Caps.Weight,
		Members:           provider.Caps.Members,
		Mirror:            provider.Caps.Mirror,
		Match:             provider.Caps.Match,
		Scoped:            provider.Caps.Scoped,
		Fields:            provider.Fields,
		Affinity:          provider.Caps.Affinity,
		TCP:               provider.Caps.TCP,
		PrimaryCookie:     provider.Caps.PrimaryCookie,
		Parents:           provider.Caps.Parents,
		Whole:             provider.Caps.Whole,
		NoCORS:            r.stock.lacksCORS(provider),
		Ingress:           provider.Caps.Ingress,
		RouteRef:          provider.Caps.RouteRef,
		Edits:             provider.Edits(),
		Borrowed:          provider.Borrowed,
		ScaledObjects:     slices.Contains(r.scalers, workload.ScaledObject),
		SameNamespaceOnly: r.options.SameNamespace,
	}
}

// provider of a Canary; zero if there is none of its name.
func (r *reconciler) provider(canary *v1beta1.Canary) router.Provider {
	return r.stock.provider(canary.Provider(r.options.MeshProvider)).InPlace(r.named(canary))
}

// rival names an older Canary with the same target: two would undo each other.
func (r *reconciler) rival(ctx context.Context, canary *v1beta1.Canary) (string, error) {
	list := &storedList{}
	err := r.client.List(ctx, list, client.InNamespace(canary.Namespace), client.MatchingFields{byName: stem(canary.Spec.TargetRef.Name)})
	if err != nil {
		return "", fmt.Errorf("list Canaries of %s: %w", canary.Spec.TargetRef.Name, err)
	}
	for i := range list.Items {
		other := &list.Items[i]
		mine, theirs := canary.CreationTimestamp, other.CreationTimestamp
		older := theirs.Before(&mine) || theirs.Equal(&mine) && other.Name < canary.Name
		if other.UID != canary.UID && older && other.references().TargetRef.name() == canary.Spec.TargetRef.Name {
			return other.Name, nil
		}
	}
	return "", nil
}

// installed returns the providers whose kinds the cluster has.
func installed(has func(schema.GroupVersionKind) (bool, error)) (map[string]router.Provider, error) {
	found := maps.Clone(router.Providers)
	for name, provider := range router.Providers {
		for _, gvk := range provider.Kinds {
			there, err := has(gvk)
			if err != nil {
				return nil, err
			}
			if !there {
				delete(found, name)
			}
		}
	}
	return found, nil
}

// running lists the Canaries whose releases are under way, as status has it.
func (r *reconciler) running() map[types.NamespacedName]bool {
	list := &storedList{}
	found := map[types.NamespacedName]bool{}
	if err := r.client.List(context.Background(), list); err != nil {
		r.options.Log.Error("list the running releases", "err", err)
		return found
	}
	for i := range list.Items {
		canary, _ := list.Items[i].decoded() // what does not decode is refused elsewhere
		if canary.Status.State().Running() {
			found[client.ObjectKeyFromObject(canary)] = true
		}
	}
	return found
}

// BudgetAnnotation on a Namespace says how many releases may run in it at once.
const BudgetAnnotation = "serin.dev/max-releases"

// mostReleases of a namespace at once: its annotation, else the flag.
func (r *reconciler) mostReleases(namespace string) int {
	if r.options.Namespace != "" {
		return r.options.MostReleasesNamespace // Namespaces themselves are out of reach then
	}
	meta := &metav1.PartialObjectMetadata{}
	meta.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	if err := r.client.Get(context.Background(), types.NamespacedName{Name: namespace}, meta); err == nil {
		if most, err := strconv.Atoi(meta.Annotations[BudgetAnnotation]); err == nil && most >= 0 {
			return most
		}
	}
	return r.options.MostReleasesNamespace
}
