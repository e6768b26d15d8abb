package router

import (
	"errors"
	"fmt"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/runtime"
)

// A traefikBackend is a Service in a TraefikService.
type traefikBackend struct {
	Kind      string           `json:"kind"`
	Name      string           `json:"name"`
	Namespace string           `json:"namespace"`
	Weight    *int             `json:"weight"`
	Percent   int              `json:"percent"`
	Mirrors   []traefikBackend `json:"mirrors"`
}

// parseTraefikServices reads one TraefikService. Nothing says whether Traefik took it.
func parseTraefikServices(objects []Object) (rollout.Route, bool, error) {
	switch len(objects) {
	case 0:
		return rollout.Route{}, false, nil
	case 1:
	default:
		return rollout.Route{}, false, fmt.Errorf("parse TraefikService: %d objects where one is rendered", len(objects))
	}
	key := objects[0].GetNamespace() + "/" + objects[0].GetName()
	var live struct {
		Spec struct {
			Weighted *struct {
				Services []traefikBackend `json:"services"`
			} `json:"weighted"`
			Mirroring *traefikBackend `json:"mirroring"`
		} `json:"spec"`
	}
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(objects[0].Object, &live)
	route, side := rollout.Route{}, sideOf(objects[0])
	switch {
	case err != nil:
	case live.Spec.Weighted != nil: // Traefik looks at it first, whatever else there is
		route, err = traefikDivision(live.Spec.Weighted.Services, side)
	case live.Spec.Mirroring != nil:
		route, err = traefikCopies(*live.Spec.Mirroring, side)
	default:
		err = errors.New("it is neither weighted nor mirroring")
	}
	if err != nil {
		return rollout.Route{}, false, fmt.Errorf("parse TraefikService %s: %w", key, err)
	}
	return route, true, nil
}

// sideOf tells which side of the Service of an object a backend is; empty for neither.
func sideOf(object Object) func(traefikBackend) string {
	return func(b traefikBackend) string {
		service := b.Kind == "" || b.Kind == "Service"
		local := b.Namespace == "" || b.Namespace == object.GetNamespace()
		switch {
		case service && local && b.Name == object.GetName()+"-primary":
			return "primary"
		case service && local && b.Name == object.GetName()+"-canary":
			return "canary"
		default:
			return ""
		}
	}
}

func traefikDivision(backends []traefikBackend, side func(traefikBackend) string) (rollout.Route, error) {
	weights := map[string]int{}
	for _, b := range backends {
		name, weight := side(b), 1 // what Traefik makes of none
		if b.Weight != nil {
			weight = *b.Weight
		}
		if _, twice := weights[name]; name == "" || twice {
			return rollout.Route{}, fmt.Errorf("service %s is neither the primary nor the canary, or is there twice", b.Name)
		}
		weights[name] = weight
	}
	sum := weights["primary"] + weights["canary"]
	if sum <= 0 {
		return rollout.Route{}, errors.New("the weights sum to nothing")
	}
	return rollout.Split(weights["canary"] * rollout.Full / sum), nil
}

func traefikCopies(main traefikBackend, side func(traefikBackend) string) (rollout.Route, error) {
	if side(main) != "primary" || len(main.Mirrors) != 1 || side(main.Mirrors[0]) != "canary" {
		return rollout.Route{}, errors.New("it does not mirror the primary to the canary")
	}
	return rollout.Route{Primary: rollout.Full, Mirror: rollout.Percent(main.Mirrors[0].Percent)}, nil
}
