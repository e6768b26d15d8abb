package router

import (
	"fmt"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// liveProxy is what is read of an HTTPProxy.
type liveProxy struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec   proxySpec `json:"spec"`
	Status struct {
		CurrentStatus string             `json:"currentStatus"`
		Conditions    []metav1.Condition `json:"conditions"`
	} `json:"status"`
}

// parseHTTPProxies reads one HTTPProxy.
func parseHTTPProxies(objects []Object) (rollout.Route, bool, error) {
	switch len(objects) {
	case 0:
		return rollout.Route{}, false, nil
	case 1:
	default:
		return rollout.Route{}, false, fmt.Errorf("parse HTTPProxy: %d objects where one is rendered", len(objects))
	}
	key := objects[0].GetNamespace() + "/" + objects[0].GetName()
	var live liveProxy
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(objects[0].Object, &live); err != nil {
		return rollout.Route{}, false, fmt.Errorf("parse HTTPProxy %s: %w", key, err)
	}
	route, err := live.division()
	if err != nil {
		return rollout.Route{}, false, fmt.Errorf("parse HTTPProxy %s: %w", key, err)
	}
	return route, live.accepted(), nil
}

// division reads the route: the first routes divide and must agree, those that
// lead home are for everybody else. Flagger names the canary there, too.
func (live liveProxy) division() (rollout.Route, error) {
	var divided []rollout.Route
	rest := false
	for i, route := range live.Spec.Routes {
		r, alone, err := live.routeDivision(route)
		switch {
		case err != nil:
			return rollout.Route{}, fmt.Errorf("routes[%d]: %w", i, err)
		case alone, len(divided) > 0 && r != divided[0] && r == rollout.Split(0):
			rest = true
		case len(divided) > 0 && divided[0] != r:
			return rollout.Route{}, fmt.Errorf("routes[%d] divides the traffic differently from the routes before", i)
		default:
			divided = append(divided, r)
		}
	}
	if len(divided) == 0 {
		return rollout.Route{}, fmt.Errorf("no route leads to Service %s-canary", live.Name)
	}
	route := divided[0]
	route.Match = rest
	return route, nil
}

// routeDivision reads one route; alone says that it leads to the primary only.
func (live liveProxy) routeDivision(route proxyRoute) (r rollout.Route, alone bool, err error) {
	primary, canary := false, false
	for _, service := range route.Services {
		weight := 0 // what none means, unless no service has one
		if service.Weight != nil {
			weight = *service.Weight
		}
		switch {
		case service.Mirror && service.Name == live.Name+"-canary" && r.Mirror == 0:
			r.Mirror = rollout.Percent(weight)
			if weight == 0 { // Contour takes it for no number
				r.Mirror = rollout.Full
			}
		case !service.Mirror && !primary && service.Name == live.Name+"-primary":
			primary, r.Primary = true, weight
		case !service.Mirror && !canary && service.Name == live.Name+"-canary":
			canary, r.Canary = true, weight
		default:
			return r, false, fmt.Errorf("service %s is neither the primary nor the canary, or is there twice", service.Name)
		}
	}
	switch {
	case !primary:
		return r, false, fmt.Errorf("no service is the primary")
	case !canary && r.Mirror > 0:
		return r, false, fmt.Errorf("requests outside of the analysis are mirrored")
	case !canary:
		return r, true, nil
	case r.Primary+r.Canary <= 0:
		return r, false, fmt.Errorf("the weights sum to nothing, which Contour takes for halves")
	default:
		// Weights are relative: 4 and 1 divide like 80 and 20.
		r.Canary = r.Canary * rollout.Full / (r.Primary + r.Canary)
		r.Primary = rollout.Full - r.Canary
		return r, false, nil
	}
}

// accepted reports whether Contour serves the routes as they are now. A proxy that no
// other one includes is valid in itself and serves nobody: its status is orphaned.
func (live liveProxy) accepted() bool {
	return live.Status.CurrentStatus == "valid" && holds(meta.FindStatusCondition(live.Status.Conditions, "Valid"), live.Generation)
}
