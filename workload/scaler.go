package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The kinds of autoscalers, in the only versions that are read and written.
var (
	HorizontalPodAutoscaler = schema.GroupVersionKind{Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"}
	ScaledObject            = schema.GroupVersionKind{Group: "keda.sh", Version: "v1alpha1", Kind: "ScaledObject"}
)

// ScalerKind is how an autoscaler of a kind is read and written, whatever version
// a reference to it names.
func ScalerKind(kind string) (schema.GroupVersionKind, error) {
	for _, known := range []schema.GroupVersionKind{HorizontalPodAutoscaler, ScaledObject} {
		if kind == known.Kind {
			return known, nil
		}
	}
	return schema.GroupVersionKind{}, fmt.Errorf("no autoscaler has the kind %q: give %s or %s",
		kind, HorizontalPodAutoscaler.Kind, ScaledObject.Kind)
}

// RenderedAnnotation is on a primary's autoscaler and holds a digest of what it
// was made as. By it one is recognised that has a field too many: an apply that
// no longer names the field takes it away.
const RenderedAnnotation = "serin.dev/rendered"

// scalerName is on a ScaledObject, put there by KEDA, and holds its own name.
const scalerName = "scaledobject.keda.sh/name"

// A Scaling says how the primary's autoscaler differs from the one that it is
// copied from.
type Scaling struct {
	Owner   Owner
	Target  string            // name of the workload
	Queries map[string]string // of triggers of a ScaledObject, by the trigger's name

	Least, Most *int32 // replicas; nil for those of the original

	// Live is the primary's autoscaler as it is now, nil if there is none yet.
	Live *Object
}

// ScalerName is the name of the primary's copy of an autoscaler.
func ScalerName(original string) string { return primaryOf(original) }

// Scaler renders the primary's copy of an autoscaler. It is the original's JSON
// with another workload, so fields of versions that nobody here has heard of
// come along. What pauses the original is left out: it must not stop the primary.
//
// An error says that there is an autoscaler of that name which belongs to another
// Canary, or names the field of the original that has an impossible shape.
func Scaler(original Object, s Scaling) (Object, error) {
	name := ScalerName(original.GetName())
	fail := func(err error) (Object, error) {
		return Object{}, fmt.Errorf("render %s %s.%s: %w", original.GetKind(), name, original.GetNamespace(), err)
	}
	if s.Live != nil && s.Owner.Claim(s.Live) == Theirs {
		return fail(fmt.Errorf("it is controlled by Canary %s: two Canaries cannot have one autoscaler", metav1.GetControllerOfNoCopy(s.Live).Name))
	}
	gvk, err := ScalerKind(original.GetKind())
	if err != nil {
		return fail(err)
	}
	spec, _, err := unstructured.NestedMap(original.Object, "spec") // a copy
	if err != nil {
		return fail(err)
	}
	labels, annotations := withoutToolkit(original.GetLabels()), map[string]string{}
	retarget := retargetHPA
	if gvk == ScaledObject {
		retarget = retargetScaledObject
		delete(labels, scalerName)
		annotations = withoutToolkit(original.GetAnnotations()) // among them the right to take an HPA over
		delete(annotations, PausedAnnotation)
		delete(annotations, RenderedAnnotation)
		delete(annotations, corev1.LastAppliedConfigAnnotation)
	}
	if err := retarget(spec, s); err != nil {
		return fail(err)
	}
	object := Object{Object: map[string]any{"spec": spec}}
	object.SetGroupVersionKind(gvk)
	object.SetNamespace(original.GetNamespace())
	object.SetName(name)
	if len(labels) > 0 {
		object.SetLabels(labels)
	}
	if annotations[RenderedAnnotation], err = fingerprint(spec, labels, annotations); err != nil {
		return fail(err)
	}
	object.SetAnnotations(annotations)
	if s.Live == nil || s.Owner.Claim(s.Live) == Ours {
		object.SetOwnerReferences(s.Owner.References())
	}
	return object, nil
}

func primaryOf(name string) string { return name + "-primary" }

func fingerprint(parts ...any) (string, error) {
	text, err := json.Marshal(parts) // maps come out sorted
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:10]), nil
}

// retargetHPA spells out the least number of replicas: to leave it out of a later
// apply is not to say that it is one again.
func retargetHPA(spec map[string]any, s Scaling) error {
	if spec["minReplicas"] == nil {
		spec["minReplicas"] = int64(1)
	}
	limit(spec, "minReplicas", s.Least)
	limit(spec, "maxReplicas", s.Most)
	return unstructured.SetNestedField(spec, primaryOf(s.Target), "scaleTargetRef", "name")
}

// retargetScaledObject gives the HPA that KEDA makes another name too, if it was
// given one: two ScaledObjects would fight over it.
func retargetScaledObject(spec map[string]any, s Scaling) error {
	limit(spec, "minReplicaCount", s.Least)
	limit(spec, "maxReplicaCount", s.Most)
	path := []string{"advanced", "horizontalPodAutoscalerConfig", "name"}
	name, _, err := unstructured.NestedString(spec, path...)
	if err != nil {
		return err
	}
	if name != "" && !strings.HasSuffix(name, primaryOf("")) {
		if err := unstructured.SetNestedField(spec, primaryOf(name), path...); err != nil {
			return err
		}
	}
	triggers, _ := spec["triggers"].([]any)
	for _, trigger := range triggers {
		if err := retargetTrigger(trigger, s); err != nil {
			return err
		}
	}
	return unstructured.SetNestedField(spec, primaryOf(s.Target), "scaleTargetRef", "name")
}

func limit(spec map[string]any, field string, replicas *int32) {
	if replicas != nil {
		spec[field] = int64(*replicas)
	}
}

// retargetTrigger makes a trigger measure the primary. Those without a query (CPU,
// a queue) are about the pods or the work itself.
func retargetTrigger(trigger any, s Scaling) error {
	fields, ok := trigger.(map[string]any)
	if !ok {
		return fmt.Errorf("spec.triggers: %v is not an object", trigger)
	}
	if name, _ := fields["name"].(string); name != "" {
		if query, given := s.Queries[name]; given {
			return unstructured.SetNestedField(fields, query, "metadata", "query")
		}
	}
	query, found, err := unstructured.NestedString(fields, "metadata", "query")
	if err != nil || !found {
		return err
	}
	return unstructured.SetNestedField(fields, aboutPrimary(query, s.Target), "metadata", "query")
}
