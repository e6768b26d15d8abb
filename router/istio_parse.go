package router

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// parseVirtualService reads the one VirtualService among the objects. Rules of
// destinations do not divide.
func parseVirtualService(objects []Object) (rollout.Route, bool, error) {
	at := slices.IndexFunc(objects, func(o Object) bool { return o.GetKind() == virtualService.Kind })
	if at < 0 {
		return rollout.Route{}, false, nil
	}
	live := objects[at]
	spec, err := istioSpecOf(live)
	if err == nil {
		var route rollout.Route
		if route, err = spec.division(live.GetName()); err == nil {
			return route, !slices.ContainsFunc(objects, rejected), nil
		}
	}
	return rollout.Route{}, false, fmt.Errorf("parse VirtualService %s/%s: %w", live.GetNamespace(), live.GetName(), err)
}

// leading lists the rules that lead to the canary and those beside them. A user's
// VirtualService that was taken over may have rules of the other protocol, too.
func (s istioSpec) leading(canary string) []istioRule {
	var pipes []istioRule
	for _, rule := range s.TCP {
		pipes = append(pipes, istioRule{Route: rule.Route})
	}
	named := func(rule istioRule) bool {
		return slices.ContainsFunc(rule.Route, func(end istioEnd) bool { return end.Destination.Host == canary })
	}
	if slices.ContainsFunc(pipes, named) && !slices.ContainsFunc(s.HTTP, named) {
		return pipes
	}
	return s.HTTP
}

// division reads the route from the rules: those with two ends divide and must
// agree, those with the primary alone are for everybody else, and those for users
// with a cookie lead to one side.
func (s istioSpec) division(apex string) (rollout.Route, error) {
	rules := s.leading(apex + "-canary")
	cookies, err := istioCookies(rules, apex+"-canary")
	if err != nil {
		return rollout.Route{}, err
	}
	var divided []rollout.Route
	rest := false
	for i, rule := range rules {
		r, alone, err := rule.division(apex)
		side, kept := rule.keeps(cookies)
		switch {
		case err != nil:
			return rollout.Route{}, fmt.Errorf("rule %d: %w", i, err)
		case kept && r.Canary != side.Canary:
			return rollout.Route{}, fmt.Errorf("rule %d leads users with a cookie to the other side", i)
		case kept:
		case alone:
			rest = true
		case len(divided) > 0 && divided[0] != r:
			return rollout.Route{}, fmt.Errorf("rule %d divides the traffic differently from the rules before", i)
		default:
			divided = append(divided, r)
		}
	}
	if len(divided) == 0 {
		return rollout.Route{}, fmt.Errorf("no rule divides the traffic between Services %s-primary and %s-canary", apex, apex)
	}
	route := divided[0]
	route.Match, route.Cookies = rest, valuesOf(cookies)
	return route, nil
}

// division reads one rule; alone says that it leads to the primary only, whatever
// the weight: Istio does not look at that of a single end.
func (rule istioRule) division(apex string) (r rollout.Route, alone bool, err error) {
	if rule.Mirror != nil && rule.Mirror.Host == apex+"-canary" {
		r.Mirror = rollout.Full
		if rule.Percentage != nil {
			r.Mirror = int(math.Round(rule.Percentage.Value * float64(rollout.Percent(1))))
		}
	}
	primary, canary := false, false
	for _, end := range rule.Route {
		switch {
		case !primary && end.Destination.Host == apex+"-primary":
			primary, r.Primary = true, end.Weight
		case !canary && end.Destination.Host == apex+"-canary":
			canary, r.Canary = true, end.Weight
		default:
			return r, false, fmt.Errorf("destination %s is neither the primary nor the canary", end.Destination.Host)
		}
	}
	switch {
	case primary && canary && (r.Primary < 0 || r.Canary < 0 || r.Primary+r.Canary == 0):
		return r, false, fmt.Errorf("weights of %d and %d divide nothing", r.Primary, r.Canary)
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
		return r, false, fmt.Errorf("no destination is the primary")
	}
}

// istioCookies reads the cookies as name=value: those that sides set, and the one
// that is dropped by the rule for those who carry it.
func istioCookies(rules []istioRule, canary string) (rollout.Cookies, error) {
	var cookies rollout.Cookies
	for i, rule := range rules {
		if pair := rule.Headers.cookie(); pair != "" && rule.isFor(pair) {
			cookies.Previous = pair
		}
		for _, end := range rule.Route {
			side := &cookies.Primary
			if end.Destination.Host == canary {
				side = &cookies.Canary
			}
			pair := end.Headers.cookie()
			if pair != "" && *side != "" && *side != pair {
				return cookies, fmt.Errorf("rule %d sets another cookie than the rules before", i)
			}
			if pair != "" {
				*side = pair
			}
		}
	}
	return cookies, nil
}

// cookie is the name=value that the headers set, empty for none.
func (h *istioHeaders) cookie() string {
	if h == nil || h.Response == nil {
		return ""
	}
	for name, value := range h.Response.Add {
		if strings.EqualFold(name, setCookieHeader) {
			pair, _, _ := strings.Cut(value, ";")
			return pair
		}
	}
	return ""
}

// keeps reports whether a rule keeps users on one side; side says on which.
func (rule istioRule) keeps(cookies rollout.Cookies) (side rollout.Route, ok bool) {
	switch {
	case rule.isFor(cookies.Canary):
		return rollout.Split(rollout.Full), true
	case rule.isFor(cookies.Primary):
		return rollout.Split(0), true
	default:
		return rollout.Route{}, false
	}
}

// isFor reports whether a rule is about users who carry the cookie, and nobody
// else, in our words or in the looser ones of Flagger.
func (rule istioRule) isFor(pair string) bool {
	name, value, _ := strings.Cut(pair, "=")
	words := []string{carrying(pair), ".*" + name + ".*" + value + ".*"}
	for _, match := range rule.Match {
		found := false
		for header, text := range match.Headers {
			found = found || strings.EqualFold(header, cookieHeader) && slices.Contains(words, text[Regex.field()])
		}
		if !found {
			return false
		}
	}
	return pair != "" && len(rule.Match) > 0
}

// rejected reports whether istiod has said of the object as it is now that it does
// not work, or that not all proxies have it yet. It says nothing unless it is told
// to write status; then an object counts as taken as soon as it is there.
func rejected(live Object) bool {
	current := func(fields map[string]any) (is, known bool) {
		observed, known := counted(fields["observedGeneration"])
		return observed == live.GetGeneration(), known
	}
	status, _, _ := unstructured.NestedMap(live.Object, "status")
	is, known := current(status)
	stale := known && !is
	conditions, _, _ := unstructured.NestedSlice(status, "conditions")
	for _, item := range conditions {
		condition, _ := item.(map[string]any)
		if condition["type"] != "Reconciled" {
			continue
		}
		is, known := current(condition)
		if condition["status"] != "True" || known && !is || !known && stale {
			return true
		}
	}
	messages, _, _ := unstructured.NestedSlice(status, "validationMessages")
	return !stale && slices.ContainsFunc(messages, func(item any) bool {
		message, _ := item.(map[string]any)
		return message["level"] == "ERROR"
	})
}

// counted is a whole number, which some writers put into quotes.
func counted(value any) (int64, bool) {
	switch value := value.(type) {
	case int64:
		return value, true
	case float64:
		return int64(value), true
	case string:
		number, err := strconv.ParseInt(value, 10, 64)
		return number, err == nil
	default:
		return 0, false
	}
}
