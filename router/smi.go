package router

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// smi drives meshes that take the TrafficSplit of the Service Mesh Interface. Its
// versions differ in how they write a weight. The canary comes first, as in Flagger.
//
// A TrafficSplit says nothing of whether a mesh has taken it.
func smi(version string) Provider {
	kind := schema.GroupVersionKind{Group: "split.smi-spec.io", Version: version, Kind: "TrafficSplit"}
	return Provider{
		Caps:   smiCaps,
		Kinds:  []schema.GroupVersionKind{kind},
		Fields: []string{"hosts", "gateways"},
		Atomic: true,
		Render: func(s Service, r rollout.Route) ([]Object, error) {
			if err := smiCaps.validate(r); err != nil {
				return nil, fmt.Errorf("render TrafficSplit %s/%s: %w", s.Namespace, s.Name, err)
			}
			primary, canary := r.Weights()
			return []Object{s.trafficSplit(kind, smiEnd{s.CanaryName(), canary}, smiEnd{s.PrimaryName(), primary})}, nil
		},
		Leave: func(s Service, how rollout.Release) ([]Object, error) { return []Object{s.leaveSplit(kind, how)}, nil },
		Parse: parseTrafficSplits,
	}
}

var smiCaps = Caps{Weight: true}

// smiGateways tells an adaptor for Istio which gateways the split is for.
const smiGateways = "VirtualService.v1alpha3.networking.istio.io/spec.gateways"

// A smiEnd is a Service with its weight among others.
type smiEnd struct {
	name   string
	weight int
}

// trafficSplit divides the traffic of the Service that clients name: the first host,
// if there is one.
func (s Service) trafficSplit(kind schema.GroupVersionKind, ends ...smiEnd) Object {
	service := s.Name
	if len(s.Hosts) > 0 {
		service = s.Hosts[0]
	}
	var backends []any
	for _, end := range ends {
		var weight any = int64(end.weight)
		if kind.Version == "v1alpha1" { // a quantity there
			weight = strconv.Itoa(end.weight)
		}
		backends = append(backends, map[string]any{"service": end.name, "weight": weight})
	}
	object := Object{Object: map[string]any{"spec": map[string]any{"service": service, "backends": backends}}}
	object.SetGroupVersionKind(kind)
	object.SetNamespace(s.Namespace)
	object.SetName(s.Name)
	object.SetOwnerReferences(s.Owner.References())
	if s.Settings.Mesh == "istio" && len(s.Gateways) > 0 {
		if text, err := json.Marshal(s.Gateways); err == nil { // a list of texts always can be
			object.SetAnnotations(map[string]string{smiGateways: string(text)})
		}
	}
	return object
}

// leaveSplit leads to the apex, after it was named.
func (s Service) leaveSplit(kind schema.GroupVersionKind, how rollout.Release) Object {
	canary, primary, apex := smiEnd{s.CanaryName(), 0}, smiEnd{s.PrimaryName(), 100}, smiEnd{s.Name, 0}
	switch how {
	case rollout.Kept, rollout.Named:
		return s.trafficSplit(kind, canary, primary, apex)
	case rollout.Served, rollout.Alone:
	}
	primary.weight, apex.weight = 0, 100
	ends := []smiEnd{canary, primary, apex}
	if how == rollout.Alone {
		ends = ends[2:]
	}
	object := s.trafficSplit(kind, ends...)
	object.SetOwnerReferences(nil)
	return object
}

// parseTrafficSplits reads one TrafficSplit of any version.
func parseTrafficSplits(objects []Object) (rollout.Route, bool, error) {
	switch len(objects) {
	case 0:
		return rollout.Route{}, false, nil
	case 1:
	default:
		return rollout.Route{}, false, fmt.Errorf("parse TrafficSplit: %d objects where one is rendered", len(objects))
	}
	var live struct {
		Spec struct {
			Backends []smiBackend `json:"backends"`
		} `json:"spec"`
	}
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(objects[0].Object, &live)
	var route rollout.Route
	if err == nil {
		route, err = smiDivision(objects[0].GetName(), live.Spec.Backends)
	}
	if err != nil {
		return rollout.Route{}, false, fmt.Errorf("parse TrafficSplit %s/%s: %w", objects[0].GetNamespace(), objects[0].GetName(), err)
	}
	return route, true, nil
}

type smiBackend struct {
	Service string `json:"service"`
	Weight  any    `json:"weight"`
}

// smiDivision takes any numbers, as they are relative.
func smiDivision(apex string, backends []smiBackend) (rollout.Route, error) {
	weights := map[string]float64{}
	for _, b := range backends {
		if _, twice := weights[b.Service]; twice || b.Service != apex+"-primary" && b.Service != apex+"-canary" {
			return rollout.Route{}, fmt.Errorf("backend %q is neither the primary nor the canary, or is there twice", b.Service)
		}
		weight, err := strconv.ParseFloat(fmt.Sprint(b.Weight), 64)
		if err != nil || weight < 0 {
			return rollout.Route{}, fmt.Errorf("the weight %v of backend %s is no number", b.Weight, b.Service)
		}
		weights[b.Service] = weight
	}
	if len(weights) < 2 {
		return rollout.Route{}, errors.New("one of the two sides is missing")
	}
	canary, sum := weights[apex+"-canary"], weights[apex+"-primary"]+weights[apex+"-canary"]
	if sum <= 0 {
		return rollout.Route{}, errors.New("the weights sum to nothing")
	}
	const half = 0.5
	return rollout.Split(int(canary/sum*float64(rollout.Full) + half)), nil
}
