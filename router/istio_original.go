package router

import (
	"encoding/json"
	"fmt"

	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kjson "k8s.io/apimachinery/pkg/util/json" // keeps whole numbers whole
)

// originalAnnotation keeps the spec of a VirtualService that was the user's before.
// It is Flagger's, so that either operator can restore what the other took over.
const originalAnnotation = "flagger.kubernetes.io/original-configuration"

// Restored reports whether an object that goes back to its user may have to say
// again what kubectl applied last, so that this must be known of it.
func Restored(live Object) bool {
	return live.GroupVersionKind().GroupKind() == virtualService.GroupKind() && workload.Owner{}.Claim(&live) == workload.Unclaimed
}

// users is a VirtualService that the user made, or none.
type users struct {
	*Object
	sides []string // Services that none of the user's leads to
}

// liveVirtualService is the one of the apex if no Canary made it.
func (s Service) liveVirtualService() users {
	live := s.Find(virtualService.Kind, s.Name)
	if live == nil || s.Owner.Claim(live) != workload.Unclaimed {
		return users{}
	}
	return users{live, []string{s.PrimaryName(), s.CanaryName()}}
}

// has reports whether there is a list that is not empty.
func (u users) has(path ...string) bool {
	if u.Object == nil {
		return false
	}
	list, _, _ := unstructured.NestedSlice(u.Object.Object, path...)
	return len(list) > 0
}

// taken reports whether a spec leads to the sides of a release. That of the user
// does not.
func (u users) taken(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		for _, field := range value {
			if u.taken(field) {
				return true
			}
		}
	case []any:
		for _, element := range value {
			if u.taken(element) {
				return true
			}
		}
	case string:
		return value == u.sides[0] || value == u.sides[1]
	}
	return false
}

// original is the user's own spec: what kubectl applied, what was kept, or what is
// there. Flagger also kept specs of its own, which are nobody's.
func (u users) original() map[string]any {
	if u.Object == nil {
		return nil
	}
	var applied struct {
		Spec map[string]any `json:"spec"`
	}
	var kept, live map[string]any
	annotations := u.GetAnnotations()
	if err := kjson.Unmarshal([]byte(annotations[corev1.LastAppliedConfigAnnotation]), &applied); err != nil {
		applied.Spec = nil // as if there were none
	}
	if err := kjson.Unmarshal([]byte(annotations[originalAnnotation]), &kept); err != nil {
		kept = nil
	}
	live, _, _ = unstructured.NestedMap(u.Object.Object, "spec") // a copy
	for _, spec := range []map[string]any{applied.Spec, kept, live} {
		if len(spec) > 0 && !u.taken(spec) {
			return spec
		}
	}
	return nil
}

// keepOriginal writes down what is to be restored, once, unless kubectl has done
// so. A route must not be refused for it, and JSON that was read can be written.
func (s Service) keepOriginal(route *Object) {
	u := s.liveVirtualService()
	original := u.original()
	if original == nil || u.GetAnnotations()[corev1.LastAppliedConfigAnnotation] != "" {
		return
	}
	text, err := json.Marshal(original)
	if err != nil {
		return
	}
	route.SetAnnotations(merged(route.GetAnnotations(), map[string]string{originalAnnotation: string(text)}))
}

// leaveVirtualService leads every request that the Canary's route matched to the
// apex, after it was named: a proxy that hears of a destination and of its use at
// once may answer 503. In the end a VirtualService of the user is as it was. The
// rules of destinations go with the Canary.
func leaveVirtualService(s Service, how rollout.Release) ([]Object, error) {
	u := s.liveVirtualService()
	if how == rollout.Alone && u.Object != nil {
		switch original := u.original(); {
		case !u.taken(u.Object.Object["spec"]):
			return nil, nil // it is the user's again
		case original != nil:
			return []Object{s.restored(original)}, nil
		}
	}
	spec, problems := s.istioSpec(rollout.Split(0))
	if len(problems) > 0 {
		return nil, problems.ToAggregate()
	}
	for i := range spec.HTTP {
		spec.HTTP[i].Route = s.istioLeaving(how)
	}
	for i := range spec.TCP {
		spec.TCP[i].Route = s.istioLeaving(how)
	}
	route, err := s.virtualService(spec)
	if err != nil {
		return nil, fmt.Errorf("give it back: %w", err)
	}
	if how == rollout.Named && u.Object == nil {
		return []Object{route}, nil
	}
	route.SetOwnerReferences(nil)
	if how != rollout.Named {
		route.SetAnnotations(s.Apex.with(nil, nil).Annotations)
	}
	if how != rollout.Alone {
		s.keepOriginal(&route)
	}
	return []Object{route}, nil
}

func (s Service) istioLeaving(how rollout.Release) []istioEnd {
	apex := istioEnd{Destination: s.destination(s.Name)}
	switch how {
	case rollout.Kept, rollout.Named:
		return append(s.istioEnds(rollout.Split(0)), apex)
	case rollout.Served:
		apex.Weight = 100
		return []istioEnd{{Destination: s.destination(s.PrimaryName())}, {Destination: s.destination(s.CanaryName())}, apex}
	case rollout.Alone:
	}
	apex.Weight = 100
	return []istioEnd{apex}
}

// restored is the user's VirtualService as it was; what is not said is no longer ours.
func (s Service) restored(spec map[string]any) Object {
	object := Object{Object: map[string]any{"spec": spec}}
	object.SetGroupVersionKind(virtualService)
	object.SetNamespace(s.Namespace)
	object.SetName(s.Name)
	return object
}
