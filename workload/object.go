package workload

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Object is JSON with kind and name, complete for server-side apply.
type Object = unstructured.Unstructured

// Owner is the Canary for which an object is made. The zero value is nobody:
// objects made for nobody carry no owner reference.
type Owner struct {
	Name string
	UID  string
}

var canaryKind = schema.GroupVersionKind{Group: "flagger.app", Version: "v1beta1", Kind: "Canary"}

// References returns the owner references of an object made for this owner:
// one that controls it, or none for nobody.
func (o Owner) References() []metav1.OwnerReference {
	if o == (Owner{}) {
		return nil
	}
	return []metav1.OwnerReference{{
		APIVersion:         canaryKind.GroupVersion().String(),
		Kind:               canaryKind.Kind,
		Name:               o.Name,
		UID:                types.UID(o.UID),
		Controller:         new(true),
		BlockOwnerDeletion: new(true),
	}}
}

// Claim says whose an object is.
type Claim int8

// The claims. The zero value is an object that no Canary controls.
const (
	Unclaimed Claim = iota
	Ours
	Theirs // controlled by another Canary
)

// Claim reports whether obj is controlled by this owner, by another Canary or
// by none. Controllers of other kinds do not count: they do not divide traffic.
// An owner is known by its name: after a Canary was deleted and made again, what
// still carries the old UID is about to be collected and made again as well.
func (o Owner) Claim(obj metav1.Object) Claim {
	ref := metav1.GetControllerOfNoCopy(obj)
	switch {
	case ref == nil || ref.Kind != canaryKind.Kind:
		return Unclaimed
	case schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind).Group != canaryKind.Group:
		return Unclaimed
	case ref.Name == o.Name:
		return Ours
	default:
		return Theirs
	}
}

// plain returns v as JSON values without what Go cannot leave out: structs that
// are not pointers are encoded even if nothing in them is set, and applying
// them would claim the field. An empty object behind a pointer stays, because
// emptyDir: {} and namespaceSelector: {} mean something.
func plain(v any) (map[string]any, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(v)
	if err != nil {
		return nil, err
	}
	drop(fields)
	return fields, nil
}

// structFields are the fields of workloads that are structs and not pointers.
var structFields = []string{"metadata", "resources", "rollingUpdate", "spec", "status", "strategy", "updateStrategy"}

func drop(value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, field := range value {
			drop(field)
			fields, isMap := field.(map[string]any)
			unset := isMap && len(fields) == 0 && slices.Contains(structFields, key)
			if field == nil || unset {
				delete(value, key)
			}
		}
	case []any:
		for _, element := range value {
			drop(element)
		}
	}
}
