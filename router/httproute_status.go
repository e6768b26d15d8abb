package router

import (
	"fmt"
	"slices"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// parseHTTPRoutes reads one route that has the shape of an HTTPRoute. All versions
// decode into one type.
func parseHTTPRoutes(kind string) func([]Object) (rollout.Route, bool, error) {
	return func(objects []Object) (rollout.Route, bool, error) {
		switch len(objects) {
		case 0:
			return rollout.Route{}, false, nil
		case 1:
		default:
			return rollout.Route{}, false, fmt.Errorf("parse %s: %d objects where one is rendered", kind, len(objects))
		}
		key := objects[0].GetNamespace() + "/" + objects[0].GetName()
		var live gatewayv1.HTTPRoute
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(objects[0].Object, &live); err != nil {
			return rollout.Route{}, false, fmt.Errorf("parse %s %s: %w", kind, key, err)
		}
		route, err := division(live)
		if err != nil {
			return rollout.Route{}, false, fmt.Errorf("parse %s %s: %w", kind, key, err)
		}
		return route, accepted(live), nil
	}
}

// division reads the route from the rules: those with two backends divide and
// must agree, those with the primary alone are for everybody else, and those for
// users with a cookie lead to one side.
func division(live gatewayv1.HTTPRoute) (rollout.Route, error) {
	cookies, err := cookiesOf(live)
	if err != nil {
		return rollout.Route{}, err
	}
	type stray struct {
		rule  int
		route rollout.Route
	}
	var divided []rollout.Route
	var strays []stray
	rest := false
	for i, rule := range live.Spec.Rules {
		if isSpare(live, rule, cookies) {
			continue
		}
		r, alone, err := ruleDivision(live, rule)
		side, kept := keeps(rule, cookies)
		switch {
		case err != nil:
			return rollout.Route{}, fmt.Errorf("rules[%d]: %w", i, err)
		case kept && r.Canary != side.Canary:
			strays = append(strays, stray{i, r})
		case kept:
		case alone:
			rest = true
		case len(divided) > 0 && divided[0] != r:
			return rollout.Route{}, fmt.Errorf("rules[%d] divides the traffic differently from the rules before", i)
		default:
			divided = append(divided, r)
		}
	}
	if len(divided) == 0 {
		return rollout.Route{}, fmt.Errorf("no rule leads to Service %s-canary", live.Name)
	}
	route := divided[0]
	for _, s := range strays {
		// Where one side has all traffic nobody is kept on the other.
		if route.Primary > 0 && route.Canary > 0 || s.route.Canary != route.Canary {
			return rollout.Route{}, fmt.Errorf("rules[%d] leads users with a cookie to the other side", s.rule)
		}
	}
	route.Match, route.Cookies = rest, valuesOf(cookies)
	return route, nil
}

// ruleDivision reads one rule; alone says that it leads to the primary only.
func ruleDivision(live gatewayv1.HTTPRoute, rule gatewayv1.HTTPRouteRule) (r rollout.Route, alone bool, err error) {
	for _, filter := range rule.Filters {
		if filter.RequestMirror != nil && isEnd(filter.RequestMirror.BackendRef, live.Namespace, live.Name+"-canary") {
			r.Mirror = copied(*filter.RequestMirror)
		}
	}
	primary, canary := false, false
	for _, ref := range rule.BackendRefs {
		weight := 1 // what the API server makes of none
		if ref.Weight != nil {
			weight = int(*ref.Weight)
		}
		switch {
		case !primary && isEnd(ref.BackendObjectReference, live.Namespace, live.Name+"-primary"):
			primary, r.Primary = true, weight
		case !canary && isEnd(ref.BackendObjectReference, live.Namespace, live.Name+"-canary"):
			canary, r.Canary = true, weight
		default:
			return r, false, fmt.Errorf("backend %s is neither the primary nor the canary", ref.Name)
		}
	}
	switch {
	case primary && canary && r.Primary+r.Canary <= 0:
		return r, false, fmt.Errorf("the weights sum to nothing")
	case primary && canary:
		// Weights are relative: 4 and 1 divide like 80 and 20.
		r.Canary = r.Canary * rollout.Full / (r.Primary + r.Canary)
		r.Primary = rollout.Full - r.Canary
		return r, false, nil
	case primary && r.Mirror == 0:
		return r, true, nil
	case primary:
		return r, false, fmt.Errorf("requests outside of the analysis are mirrored")
	default:
		return r, false, fmt.Errorf("no backend is the primary")
	}
}

// copied is the share of the requests that a mirror copies.
func copied(mirror gatewayv1.HTTPRequestMirrorFilter) int {
	switch {
	case mirror.Percent != nil:
		return rollout.Percent(int(*mirror.Percent))
	case mirror.Fraction != nil && mirror.Fraction.Denominator != nil && *mirror.Fraction.Denominator > 0:
		return int(mirror.Fraction.Numerator) * rollout.Full / int(*mirror.Fraction.Denominator)
	case mirror.Fraction != nil: // of a hundred, as the API defines it
		return rollout.Percent(int(mirror.Fraction.Numerator))
	default:
		return rollout.Full
	}
}

// isEnd reports whether ref is the core Service of that name in the route's namespace.
func isEnd(ref gatewayv1.BackendObjectReference, namespace, name string) bool {
	core := ref.Group == nil || *ref.Group == ""
	service := ref.Kind == nil || *ref.Kind == "Service"
	local := ref.Namespace == nil || string(*ref.Namespace) == namespace
	return core && service && local && string(ref.Name) == name
}

// accepted reports whether the data plane has taken the route as it is now:
// every parent answered, and every answer is about this generation and says
// that the route is accepted and, where that is said, that its backends are
// found. A parent that has not answered counts as no, unlike in Flagger: a step
// counts from the moment in which traffic is divided, not from the moment in
// which it was asked for, and a Gateway that nobody serves must not pass for one
// that carries the new weights.
func accepted(live gatewayv1.HTTPRoute) bool {
	for _, parent := range live.Spec.ParentRefs {
		answers := slices.DeleteFunc(slices.Clone(live.Status.Parents), func(status gatewayv1.RouteParentStatus) bool {
			return spelled(status.ParentRef, live.Namespace) != spelled(parent, live.Namespace)
		})
		if len(answers) == 0 {
			return false
		}
		for _, answer := range answers {
			taken := meta.FindStatusCondition(answer.Conditions, string(gatewayv1.RouteConditionAccepted))
			found := meta.FindStatusCondition(answer.Conditions, string(gatewayv1.RouteConditionResolvedRefs))
			if !holds(taken, live.Generation) || found != nil && !holds(found, live.Generation) {
				return false
			}
		}
	}
	return len(live.Spec.ParentRefs) > 0
}

func holds(c *metav1.Condition, generation int64) bool {
	return c != nil && c.Status == metav1.ConditionTrue && c.ObservedGeneration == generation
}

// spelled is a reference with its defaults filled in.
func spelled(ref gatewayv1.ParentReference, namespace string) Parent {
	p := Parent{Namespace: namespace, Name: string(ref.Name)}
	if ref.Group != nil {
		p.Group = string(*ref.Group)
	}
	if ref.Kind != nil {
		p.Kind = string(*ref.Kind)
	}
	object := p.object()
	if ref.Namespace != nil {
		object.Namespace = string(*ref.Namespace)
	}
	if ref.SectionName != nil {
		object.SectionName = string(*ref.SectionName)
	}
	if ref.Port != nil {
		object.Port = int32(*ref.Port)
	}
	return object
}
