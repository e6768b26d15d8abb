package router

import (
	"errors"
	"fmt"
	"strings"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/runtime"
)

// kumaSpec is what is read of a TrafficRoute.
type kumaSpec struct {
	Destinations []struct {
		Match map[string]string `json:"match"`
	} `json:"destinations"`
	Conf struct {
		HTTP []struct {
			Split kumaShares `json:"split"`
		} `json:"http"`
		Split kumaShares `json:"split"`
	} `json:"conf"`
}

type kumaShares []struct {
	Weight      int               `json:"weight"`
	Destination map[string]string `json:"destination"`
}

func readKuma(object Object) (kumaSpec, error) {
	var live struct {
		Spec kumaSpec `json:"spec"`
	}
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &live)
	return live.Spec, err
}

// parseKumaRoutes reads one TrafficRoute. Nothing says whether Kuma took it.
func parseKumaRoutes(objects []Object) (rollout.Route, bool, error) {
	switch len(objects) {
	case 0:
		return rollout.Route{}, false, nil
	case 1:
	default:
		return rollout.Route{}, false, fmt.Errorf("parse TrafficRoute: %d objects where one is rendered", len(objects))
	}
	name := objects[0].GetName()
	spec, err := readKuma(objects[0])
	var route rollout.Route
	if err == nil {
		route, err = spec.division(name)
	}
	if err != nil {
		return rollout.Route{}, false, fmt.Errorf("parse TrafficRoute %s: %w", name, err)
	}
	return route, true, nil
}

// division reads the route. Entries for HTTP that lead to both sides are those of an
// audience and must agree; all others get the primary alone then. Entries that do not
// are of people, and say nothing of the sides.
func (spec kumaSpec) division(name string) (rollout.Route, error) {
	var scoped []rollout.Route
	for i, entry := range spec.Conf.HTTP {
		r, ends, err := entry.Split.division(name)
		if err != nil || ends < 2 {
			continue
		}
		if len(scoped) > 0 && scoped[0] != r {
			return rollout.Route{}, fmt.Errorf("http[%d] divides the traffic differently from the entries before", i)
		}
		scoped = append(scoped, r)
	}
	r, ends, err := spec.Conf.Split.division(name)
	switch {
	case err != nil:
		return rollout.Route{}, err
	case len(scoped) == 0:
		return r, nil
	case ends > 1:
		return rollout.Route{}, errors.New("requests outside of the analysis are divided, too")
	}
	scoped[0].Match = true
	return scoped[0], nil
}

// division reads one list, and how many ends it has.
func (split kumaShares) division(name string) (rollout.Route, int, error) {
	weights := map[string]int{}
	for _, end := range split {
		tag := end.Destination[kumaServiceTag]
		service, _, _ := strings.Cut(tag, "_")
		if _, twice := weights[service]; twice || service != name+"-primary" && service != name+"-canary" {
			return rollout.Route{}, 0, fmt.Errorf("service %q is neither the primary nor the canary, or is there twice", tag)
		}
		weights[service] = end.Weight
	}
	if _, ok := weights[name+"-primary"]; !ok {
		return rollout.Route{}, 0, errors.New("no service is the primary")
	}
	canary := weights[name+"-canary"]
	sum := weights[name+"-primary"] + canary
	if sum <= 0 {
		return rollout.Route{}, 0, errors.New("the weights sum to nothing")
	}
	return rollout.Split(canary * rollout.Full / sum), len(weights), nil
}
