package router

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/serinhq/serin/rollout"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// parseApisix reads our ApisixRoute. A controller that says nothing about it, as some
// are told to, has taken it; one that says something must have taken this generation.
func parseApisix(objects []Object) (rollout.Route, bool, error) {
	live, ok := dividing(objects)
	if !ok {
		return rollout.Route{}, false, nil
	}
	fail := func(err error) (rollout.Route, bool, error) {
		return rollout.Route{}, false, fmt.Errorf("parse ApisixRoute %s/%s: %w", live.GetNamespace(), live.GetName(), err)
	}
	route, err := apisixDivision(live)
	if err != nil {
		return fail(err)
	}
	var status struct {
		Status struct {
			Conditions []metav1.Condition `json:"conditions"`
		} `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(live.Object, &status); err != nil {
		return fail(err)
	}
	for _, c := range status.Status.Conditions {
		// The former is of controllers before 2.0, the latter of those since.
		if (c.Type == "ResourcesAvailable" || c.Type == "Accepted") && !holds(&c, live.GetGeneration()) {
			return route, false, nil
		}
	}
	return route, true, nil
}

// apisixDivision reads the route from the rules: those with two backends divide and must
// agree, those with the primary alone are for everybody else.
func apisixDivision(live Object) (rollout.Route, error) {
	rules, _, err := unstructured.NestedSlice(live.Object, "spec", "http")
	if err != nil {
		return rollout.Route{}, err
	}
	var divided []rollout.Route
	rest := false
	for i, rule := range rules {
		r, alone, err := apisixRule(rule)
		switch {
		case err != nil:
			return rollout.Route{}, fmt.Errorf("http[%d]: %w", i, err)
		case alone:
			rest = true
		case len(divided) > 0 && divided[0] != r:
			return rollout.Route{}, fmt.Errorf("http[%d] divides the traffic differently from the rules before", i)
		default:
			divided = append(divided, r)
		}
	}
	if len(divided) == 0 {
		return rollout.Route{}, errors.New("no http rule leads to the canary")
	}
	route := divided[0]
	route.Match = rest
	return route, nil
}

// apisixRule reads one rule; alone says that it leads to the primary only.
func apisixRule(rule any) (r rollout.Route, alone bool, err error) {
	fields, ok := rule.(map[string]any)
	if !ok {
		return r, false, errors.New("is no rule")
	}
	ends := apisixEnds(fields)
	slices.SortFunc(ends, func(a, b apisixEnd) int { return strings.Compare(b.name, a.name) }) // the primary first
	if len(ends) == 1 && strings.HasSuffix(ends[0].name, "-primary") {
		return r, true, nil
	}
	if len(ends) != 2 || !paired(ends[0].name, ends[1].name) {
		return r, false, fmt.Errorf("backends %v are not the primary and the canary", ends)
	}
	primary, canary := ends[0].weight, ends[1].weight
	if primary < 0 || canary < 0 || primary+canary == 0 {
		return r, false, fmt.Errorf("weights of %d and %d are no division", primary, canary)
	}
	return rollout.Split(canary * rollout.Full / (primary + canary)), false, nil
}

// paired reports whether these are the Services of the two sides of one apex.
func paired(primary, canary string) bool {
	apex, is := strings.CutSuffix(primary, "-primary")
	return is && canary == apex+"-canary"
}
