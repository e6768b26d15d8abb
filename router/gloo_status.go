package router

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/runtime"
)

// A glooTableRoute is a route of a RouteTable, as far as it is read.
type glooTableRoute struct {
	Matchers []struct {
		Headers         []any `json:"headers"`
		QueryParameters []any `json:"queryParameters"`
		Methods         []any `json:"methods"`
	} `json:"matchers"`
	Options struct {
		Shadowing glooShadowing `json:"shadowing"`
	} `json:"options"`
	RouteAction struct {
		Multi struct {
			Destinations []struct {
				Destination struct {
					Upstream struct {
						Name      string `json:"name"`
						Namespace string `json:"namespace"`
					} `json:"upstream"`
				} `json:"destination"`
				Weight int `json:"weight"` // none is zero, for Gloo too
			} `json:"destinations"`
		} `json:"multi"`
	} `json:"routeAction"`
}

// parseGloo reads a RouteTable and the Upstreams that it names.
func parseGloo(objects []Object) (rollout.Route, bool, error) {
	at := slices.IndexFunc(objects, func(o Object) bool { return o.GetKind() == glooTableKind.Kind })
	if at < 0 {
		return rollout.Route{}, false, nil
	}
	table := objects[at]
	var live struct {
		Spec struct {
			Routes []glooTableRoute `json:"routes"`
		} `json:"spec"`
	}
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(table.Object, &live)
	var route rollout.Route
	var names []string
	if err == nil {
		route, names, err = glooDivision(table, live.Spec.Routes)
	}
	if err != nil {
		return rollout.Route{}, false, fmt.Errorf("parse RouteTable %s/%s: %w", table.GetNamespace(), table.GetName(), err)
	}
	return route, glooAccepts(table) && glooHas(objects, table.GetNamespace(), names), nil
}

// glooDivision reads the route from those of a RouteTable, and the Upstreams they lead
// to. Those with two ends divide and must agree; the one with the primary alone is for
// everybody else. Flagger's A/B tests have none of the latter.
func glooDivision(table Object, routes []glooTableRoute) (rollout.Route, []string, error) {
	var divided []rollout.Route
	var names []string
	rest := false
	for i, route := range routes {
		r, found, err := route.division(table)
		switch {
		case err != nil:
			return rollout.Route{}, nil, fmt.Errorf("routes[%d]: %w", i, err)
		case len(found) == 1 && r.Canary > 0:
			return rollout.Route{}, nil, fmt.Errorf("routes[%d] leads to the canary alone", i)
		case len(found) == 1 && r.Mirror > 0:
			return rollout.Route{}, nil, fmt.Errorf("routes[%d] copies requests outside of the analysis", i)
		case len(found) == 1 && (route.scoped() || i != len(routes)-1):
			return rollout.Route{}, nil, fmt.Errorf("routes[%d] leads some requests to the primary alone", i)
		case len(found) == 1:
			rest = true
		case len(divided) > 0 && divided[0] != r:
			return rollout.Route{}, nil, fmt.Errorf("routes[%d] divides the traffic differently from the routes before", i)
		default:
			divided, names = append(divided, r), found
		}
	}
	switch {
	case len(divided) == 0:
		return rollout.Route{}, nil, errors.New("no route leads to both sides")
	case rest && !divided[0].Match:
		return rollout.Route{}, nil, errors.New("routes[0] takes all requests, and others follow")
	}
	return divided[0], names, nil
}

// division reads one route, and the Upstreams it leads to.
func (route glooTableRoute) division(table Object) (rollout.Route, []string, error) {
	weights := map[string]int{}
	var names []string
	for _, end := range route.RouteAction.Multi.Destinations {
		upstream := end.Destination.Upstream
		side := glooSide(table, upstream.Name)
		if _, twice := weights[side]; side == "" || twice || upstream.Namespace != table.GetNamespace() {
			return rollout.Route{}, nil, fmt.Errorf("upstream %q is neither the primary's nor the canary's, or is there twice", upstream.Name)
		}
		weights[side] = end.Weight
		names = append(names, upstream.Name)
	}
	sum := weights[glooPrimary] + weights[glooCanary]
	if sum <= 0 {
		return rollout.Route{}, nil, errors.New("the weights sum to nothing")
	}
	mirror, err := route.Options.Shadowing.share(table)
	r := rollout.Split(weights[glooCanary] * rollout.Full / sum)
	r.Match, r.Mirror = route.scoped(), mirror
	return r, names, err
}

// scoped reports whether the route is about some requests only.
func (route glooTableRoute) scoped() bool {
	for _, m := range route.Matchers {
		if len(m.Headers)+len(m.QueryParameters)+len(m.Methods) > 0 {
			return true
		}
	}
	return false
}

// glooSide tells whose an Upstream is by its name, whatever the port; empty for nobody's.
func glooSide(table Object, name string) string {
	for _, side := range []string{glooPrimary, glooCanary} {
		if strings.HasPrefix(name, fmt.Sprintf("%s-%s-%supstream-", table.GetNamespace(), table.GetName(), side)) {
			return side
		}
	}
	return ""
}

// glooHas reports whether the Upstreams are there and not refused.
func glooHas(objects []Object, namespace string, names []string) bool {
	for _, name := range names {
		if !slices.ContainsFunc(objects, func(o Object) bool {
			return o.GetKind() == glooUpstreamKind.Kind && o.GetNamespace() == namespace && o.GetName() == name && glooAccepts(o)
		}) {
			return false
		}
	}
	return true
}

// glooAccepts reports whether every part of Gloo that speaks about an object accepted
// it. A status is about no generation, so that it may be about the one before; and one
// that nobody wrote says nothing against the object. Warnings count as no: Gloo gives
// one where it replaces a route by an error.
func glooAccepts(object Object) bool {
	var live struct {
		Status struct {
			State    any `json:"state"`
			Statuses map[string]struct {
				State any `json:"state"`
			} `json:"statuses"`
		} `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &live); err != nil {
		return false
	}
	states := []any{live.Status.State}
	for _, status := range live.Status.Statuses {
		states = append(states, status.State)
	}
	for _, state := range states {
		switch fmt.Sprint(state) {
		case "<nil>", "Accepted", "1": // older versions write the number
		default:
			return false
		}
	}
	return true
}
