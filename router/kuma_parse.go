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
		Split []struct {
			Weight      int               `json:"weight"`
			Destination map[string]string `json:"destination"`
		} `json:"split"`
	} `json:"conf"`
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

func (spec kumaSpec) division(name string) (rollout.Route, error) {
	weights := map[string]int{}
	for _, end := range spec.Conf.Split {
		tag := end.Destination[kumaServiceTag]
		service, _, _ := strings.Cut(tag, "_")
		if _, twice := weights[service]; twice || service != name+"-primary" && service != name+"-canary" {
			return rollout.Route{}, fmt.Errorf("service %q is neither the primary nor the canary, or is there twice", tag)
		}
		weights[service] = end.Weight
	}
	if _, ok := weights[name+"-primary"]; !ok {
		return rollout.Route{}, errors.New("no service is the primary")
	}
	canary := weights[name+"-canary"]
	sum := weights[name+"-primary"] + canary
	if sum <= 0 {
		return rollout.Route{}, errors.New("the weights sum to nothing")
	}
	return rollout.Split(canary * rollout.Full / sum), nil
}
