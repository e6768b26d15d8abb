package controller

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/serinhq/serin/api/v1beta1"
)

// stored is a Canary as the cache keeps it: its metadata, and the rest as text. One whose
// spec does not decode is kept like any other and hurts none, and text is a quarter of what
// maps weigh.
type stored struct {
	metav1.TypeMeta
	metav1.ObjectMeta `json:"metadata"`

	Spec   json.RawMessage `json:"spec,omitempty"`
	Status json.RawMessage `json:"status,omitempty"`
}

// storedList is what the API server lists.
type storedList struct {
	metav1.TypeMeta
	metav1.ListMeta `json:"metadata"`

	Items []stored `json:"items"`
}

// addStored registers both under the names of the API.
func addStored(scheme *runtime.Scheme) error {
	scheme.AddKnownTypeWithName(kind("Canary"), &stored{})
	scheme.AddKnownTypeWithName(kind("CanaryList"), &storedList{})
	metav1.AddToGroupVersion(scheme, v1beta1.GroupVersion())
	return nil
}

// DeepCopyObject implements runtime.Object.
func (s *stored) DeepCopyObject() runtime.Object {
	out := &stored{TypeMeta: s.TypeMeta, Spec: slices.Clone(s.Spec), Status: slices.Clone(s.Status)}
	s.DeepCopyInto(&out.ObjectMeta)
	return out
}

// DeepCopyObject implements runtime.Object.
func (l *storedList) DeepCopyObject() runtime.Object {
	out := &storedList{TypeMeta: l.TypeMeta, Items: make([]stored, 0, len(l.Items))}
	l.DeepCopyInto(&out.ListMeta)
	for i := range l.Items {
		out.Items = append(out.Items, *l.Items[i].DeepCopyObject().(*stored))
	}
	return out
}

// decoded is the Canary. The error names the fields that do not decode.
func (s *stored) decoded() (*v1beta1.Canary, error) {
	canary, err := v1beta1.DecodeParts(s.Spec, s.Status)
	canary.TypeMeta, canary.ObjectMeta = s.TypeMeta, s.ObjectMeta
	return canary, err
}

// references are what a Canary is about, by name.
func (s *stored) references() references {
	var found references
	_ = json.Unmarshal(s.Spec, &found) // what has another shape names nothing, and is refused elsewhere
	return found
}

type references struct {
	TargetRef, AutoscalerRef, IngressRef, RouteRef, UpstreamRef, Service reference
}

// A reference is read whatever its shape: what is no text names nothing.
type reference struct{ Name, Namespace any }

func (r reference) name() string {
	name, _ := r.Name.(string)
	return strings.TrimSpace(name)
}

// names are those of all that a Canary is about: its workload, Services, route and
// autoscaler, and what these are made of or built upon. One that it names in another
// namespace stands with that. One index for all kinds finds a Canary too often where
// people name unlike things alike, which costs a look; one for each kind would be most of
// what the operator keeps of a Canary, and so would the names of copies, see stem.
func (s *stored) names() []string {
	refs := s.references()
	target := refs.TargetRef.name()
	names := []string{target, cmp.Or(refs.Service.name(), target)}
	if scaler := refs.AutoscalerRef.name(); scaler != "" {
		names = append(names, scaler)
	}
	for _, ref := range []reference{refs.IngressRef, refs.RouteRef, refs.UpstreamRef} {
		switch namespace, _ := ref.Namespace.(string); {
		case ref.name() == "":
		case namespace == "" || namespace == s.Namespace:
			names = append(names, ref.name())
		default:
			names = append(names, namespace+"/"+ref.name())
		}
	}
	for i := range names {
		names[i] = stem(names[i])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// stem is a name without what names of copies end with.
func stem(name string) string {
	for _, end := range []string{"-primary", "-canary"} {
		if rest, cut := strings.CutSuffix(name, end); cut {
			return stem(rest)
		}
	}
	return name
}
