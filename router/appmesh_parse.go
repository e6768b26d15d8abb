package router

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/runtime"
)

// An appMeshAction is that of a route, as far as it is read.
type appMeshAction struct {
	Action struct {
		WeightedTargets []struct {
			VirtualNodeName string `json:"virtualNodeName"` // of the first generation
			VirtualNodeRef  struct {
				Name      string `json:"name"`
				Namespace string `json:"namespace"`
			} `json:"virtualNodeRef"`
			Weight int `json:"weight"`
		} `json:"weightedTargets"`
	} `json:"action"`
}

// parse reads the router of the apex. Its name is the shorter one: the other's has -canary behind it.
func (version appMeshVersion) parse(objects []Object) (rollout.Route, bool, error) {
	kind := appMeshRouter
	if version == appMeshFirst {
		kind = appMeshService
	}
	var router *Object
	for i := range objects {
		if objects[i].GetKind() == kind && (router == nil || len(objects[i].GetName()) < len(router.GetName())) {
			router = &objects[i]
		}
	}
	if router == nil {
		return rollout.Route{}, false, nil
	}
	route, err := version.read(*router)
	if err != nil {
		return rollout.Route{}, false, fmt.Errorf("parse %s %s/%s: %w", kind, router.GetNamespace(), router.GetName(), err)
	}
	return route, version.accepts(objects, *router), nil
}

// read the route from those of a router. Those with two ends divide and must agree;
// those with the primary alone are for everybody else, and follow.
func (version appMeshVersion) read(router Object) (rollout.Route, error) {
	var live struct {
		Spec struct {
			Routes []map[string]any `json:"routes"`
		} `json:"spec"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(router.Object, &live); err != nil {
		return rollout.Route{}, err
	}
	var divided []rollout.Route
	others := false
	for i, fields := range live.Spec.Routes {
		r, ends, err := version.division(router, fields)
		switch {
		case err != nil:
			return rollout.Route{}, fmt.Errorf("routes[%d]: %w", i, err)
		case ends == 1 && r.Canary > 0:
			return rollout.Route{}, fmt.Errorf("routes[%d] leads to the canary alone", i)
		case ends == 1:
			others = true
		case others:
			return rollout.Route{}, fmt.Errorf("routes[%d] divides what the one before takes", i)
		case len(divided) > 0 && divided[0] != r:
			return rollout.Route{}, fmt.Errorf("routes[%d] divides the traffic differently from the routes before", i)
		default:
			divided = append(divided, r)
		}
	}
	if len(divided) == 0 {
		return rollout.Route{}, errors.New("no route leads to both sides")
	}
	divided[0].Match = others
	return divided[0], nil
}

// division reads one route, and how many ends it has.
func (version appMeshVersion) division(router Object, fields map[string]any) (rollout.Route, int, error) {
	var action appMeshAction
	content, ok := fields[version.routeKey()].(map[string]any)
	if !ok {
		return rollout.Route{}, 0, errors.New("it is not about HTTP")
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &action); err != nil {
		return rollout.Route{}, 0, err
	}
	apex := strings.TrimSuffix(router.GetName(), version.service(Service{Namespace: router.GetNamespace()}, ""))
	primary, canary := Service{Name: apex}.PrimaryName(), Service{Name: apex}.CanaryName()
	weights := map[string]int{}
	for _, target := range action.Action.WeightedTargets {
		node, namespace := target.VirtualNodeName+target.VirtualNodeRef.Name, target.VirtualNodeRef.Namespace
		_, twice := weights[node]
		if node != primary && node != canary || twice || namespace != "" && namespace != router.GetNamespace() {
			return rollout.Route{}, 0, fmt.Errorf("node %q is neither the primary's nor the canary's, or is there twice", node)
		}
		weights[node] = target.Weight
	}
	sum := weights[primary] + weights[canary]
	if sum <= 0 {
		return rollout.Route{}, 0, errors.New("the weights sum to nothing")
	}
	return rollout.Split(weights[canary] * rollout.Full / sum), len(weights), nil
}

// accepts reports whether the nodes are there, in the second generation the service that
// leads to the router, too, and whether App Mesh has nothing against any of them.
func (version appMeshVersion) accepts(objects []Object, router Object) bool {
	apex := strings.TrimSuffix(router.GetName(), version.service(Service{Namespace: router.GetNamespace()}, ""))
	for _, want := range []struct{ kind, name string }{
		{appMeshNode, apex + "-primary"},
		{appMeshNode, apex + "-canary"},
		{appMeshService, router.GetName()},
		{router.GetKind(), router.GetName()},
	} {
		if !slices.ContainsFunc(objects, func(o Object) bool {
			return o.GetKind() == want.kind && o.GetName() == want.name && appMeshActive(o)
		}) {
			return false
		}
	}
	return true
}

// appMeshActive is what the conditions say, if there are some. Those of the first
// generation are about no generation of the object.
func appMeshActive(object Object) bool {
	var live struct {
		Status struct {
			ObservedGeneration int64 `json:"observedGeneration"`
			Conditions         []struct {
				Type   string `json:"type"`
				Status string `json:"status"`
			} `json:"conditions"`
		} `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &live); err != nil {
		return false
	}
	if seen := live.Status.ObservedGeneration; seen != 0 && seen < object.GetGeneration() {
		return false
	}
	for _, condition := range live.Status.Conditions {
		if strings.HasSuffix(condition.Type, "Active") && condition.Status != "True" {
			return false
		}
	}
	return true
}
