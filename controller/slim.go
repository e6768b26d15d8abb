package controller

import (
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/router"
)

// slim drops from cached objects what nobody reads.
func slim(object any) (any, error) {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return object, nil //nolint:nilerr // a tombstone: kept as it is
	}
	// Of one that is steered they say by whom, of one that Flagger made what to take over.
	if !v1beta1.Steered(accessor.GetAnnotations()) {
		slimFields(accessor)
	}
	slimKnative(object)
	share(object)
	if annotations := accessor.GetAnnotations(); annotations[corev1.LastAppliedConfigAnnotation] != "" && !restored(object) {
		kept := map[string]string{}
		for key, value := range annotations {
			if key != corev1.LastAppliedConfigAnnotation {
				kept[key] = value
			}
		}
		accessor.SetAnnotations(kept)
	}
	if u, ok := object.(*unstructured.Unstructured); ok {
		pack(u)
	}
	return object, nil
}

// share makes maps of an object that say the same one map: what is cached is only read, and
// the labels of a workload are nearly always those of its pods and of its selector.
func share(object any) {
	switch o := object.(type) {
	case *appsv1.Deployment:
		alike(o.Labels, &o.Spec.Template.Labels, chosen(o.Spec.Selector))
	case *appsv1.DaemonSet:
		alike(o.Labels, &o.Spec.Template.Labels, chosen(o.Spec.Selector))
	case *appsv1.StatefulSet:
		alike(o.Labels, &o.Spec.Template.Labels, chosen(o.Spec.Selector))
	case *corev1.Service:
		alike(o.Labels, &o.Spec.Selector)
		alike(optOuts, &o.Annotations)
	}
}

// optOuts are the annotations of nearly all Services of ours.
var optOuts = func() map[string]string {
	all := map[string]string{}
	for key, value := range router.OptOuts() {
		all[key], _ = value.(string)
	}
	return all
}()

// chosen are the labels of a selector.
func chosen(selector *metav1.LabelSelector) *map[string]string {
	if selector == nil {
		return new(map[string]string)
	}
	return &selector.MatchLabels
}

// alike makes maps that say the same as the one before them that one.
func alike(first map[string]string, others ...*map[string]string) {
	for _, other := range others {
		if maps.Equal(first, *other) {
			*other = first
		} else {
			first = *other
		}
	}
}
