package router

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/util/validation/field"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// kept lists the rules for users who carry a cookie and the division of all
// others. The more conditions a rule has the earlier a gateway looks at it.
//
//	on the way  canary's cookie   canary 100                     only while both sides
//	            primary's cookie  primary 100                    have a share
//	            no cookie         primary w, canary 100-w        each side sets its cookie
//	at home     the old cookie    primary 100, cookie dropped
//	            no cookie         primary 100
//
// Where one side has all traffic nobody is kept on the other: it may be gone.
func (p httpParts) kept(r rollout.Route, matches []gatewayv1.HTTPRouteMatch) []gatewayv1.HTTPRouteRule {
	affinity := p.service.Affinity
	if p.standing(r) {
		return p.keptStanding(r, matches)
	}
	cookies := affinity.pairs(r.Cookies)
	var rules []gatewayv1.HTTPRouteRule
	switch {
	case cookies.Canary != "":
		if r.Primary > 0 && r.Canary > 0 {
			rules = p.pinned(p.divided(rollout.Split(rollout.Full)), cookies.Canary, matches)
			if cookies.Primary != "" {
				primary := p.divided(rollout.Route{Primary: rollout.Full, Mirror: r.Mirror})
				rules = append(rules, p.pinned(primary, cookies.Primary, matches)...)
			}
		}
	case cookies.Previous != "":
		rules = p.pinned(p.dropping(r, cookies.Previous), cookies.Previous, matches)
	}
	return append(rules, p.service.matching(p.drawing(r, cookies), matches)...)
}

// drawing divides users without a cookie, and each side sets its own.
func (p httpParts) drawing(r rollout.Route, cookies rollout.Cookies) gatewayv1.HTTPRouteRule {
	affinity, rule := p.service.Affinity, p.divided(r)
	if cookies.Canary == "" {
		return rule
	}
	if cookies.Primary != "" {
		rule.BackendRefs[0].Filters = answered(nil, affinity.set(cookies.Primary, affinity.PrimaryAge))
	}
	rule.BackendRefs[1].Filters = answered(nil, affinity.set(cookies.Canary, affinity.Age))
	return rule
}

// dropping divides like the route, and has an old cookie dropped.
func (p httpParts) dropping(r rollout.Route, pair string) gatewayv1.HTTPRouteRule {
	rule := p.divided(r)
	rule.Filters = answered(rule.Filters, p.service.Affinity.set(pair, dropped))
	return rule
}

// pinned narrows a rule to requests that carry the cookie, besides the conditions they have.
func (p httpParts) pinned(rule gatewayv1.HTTPRouteRule, pair string, matches []gatewayv1.HTTPRouteMatch) []gatewayv1.HTTPRouteRule {
	cookie := gatewayv1.HTTPHeaderMatch{Type: new(gatewayv1.HeaderMatchRegularExpression), Name: cookieHeader, Value: carrying(pair)}
	carriers := []gatewayv1.HTTPRouteMatch{{Headers: []gatewayv1.HTTPHeaderMatch{cookie}}}
	return p.service.matching(rule, crossed(carriers, matches))
}

const (
	cookieHeader    = "Cookie"
	setCookieHeader = "Set-Cookie"
)

// answered returns filters with one more response header. The API server takes
// one filter of a type in one place, so it becomes part of the one that is
// there; that one is copied, as it is part of other rules too.
func answered(filters []gatewayv1.HTTPRouteFilter, cookie string) []gatewayv1.HTTPRouteFilter {
	added := gatewayv1.HTTPHeader{Name: setCookieHeader, Value: cookie}
	filters = slices.Clone(filters)
	for i, f := range filters {
		if f.ResponseHeaderModifier != nil {
			modifier := *f.ResponseHeaderModifier
			modifier.Add = append(slices.Clone(modifier.Add), added)
			filters[i].ResponseHeaderModifier = &modifier
			return filters
		}
	}
	return append(filters, gatewayv1.HTTPRouteFilter{
		Type:                   gatewayv1.HTTPRouteFilterResponseHeaderModifier,
		ResponseHeaderModifier: &gatewayv1.HTTPHeaderFilter{Add: []gatewayv1.HTTPHeader{added}},
	})
}

// keepable lists what of a Service stands in the way of cookies in an HTTPRoute.
func (s Service) keepable(r rollout.Route) field.ErrorList {
	problems := s.undisturbed(r)
	if s.Affinity.Cookie != "" && len(s.Response.Add) == maxHeaders {
		problems = append(problems, field.TooMany(field.NewPath("spec", "service", "headers", "response", "add"), maxHeaders, maxHeaders-1))
	}
	return problems
}

// undisturbed lists what of a Service gets into the way of cookies. A proxy looks
// at one condition and one change of a header: two cannot be told apart.
func (s Service) undisturbed(r rollout.Route) field.ErrorList {
	problems := s.Affinity.problems(r.Cookies)
	if s.Affinity.Cookie == "" {
		return problems
	}
	const taken = "spec.analysis.sessionAffinity needs this header for itself: remove one of the two"
	response := field.NewPath("spec", "service", "headers", "response")
	for _, f := range []struct {
		child   string
		headers map[string]string
	}{{"add", s.Response.Add}, {"set", s.Response.Set}} {
		for _, header := range slices.Sorted(maps.Keys(f.headers)) {
			if strings.EqualFold(header, setCookieHeader) {
				problems = append(problems, field.Forbidden(response.Child(f.child).Key(header), taken))
			}
		}
	}
	for i, header := range s.Response.Remove {
		if strings.EqualFold(header, setCookieHeader) {
			problems = append(problems, field.Forbidden(response.Child("remove").Index(i), taken))
		}
	}
	problems = append(problems, cookieMatches(field.NewPath("spec", "service", "match"), s.Match, taken)...)
	if r.Match && r.Primary > 0 && r.Canary > 0 {
		problems = append(problems, cookieMatches(field.NewPath("spec", "analysis", "match"), s.Audience, taken)...)
	}
	return problems
}

func cookieMatches(path *field.Path, entries []Match, taken string) field.ErrorList {
	var problems field.ErrorList
	for i, m := range entries {
		for _, header := range slices.Sorted(maps.Keys(m.Headers)) {
			if strings.EqualFold(header, cookieHeader) {
				problems = append(problems, field.Forbidden(path.Index(i).Child("headers").Key(header), taken))
			}
		}
	}
	return problems
}

// cookiesOf reads the cookies of a live route as name=value: those that backends
// set, and the one that is dropped by the rule for those who carry it.
func cookiesOf(live gatewayv1.HTTPRoute) (rollout.Cookies, error) {
	var cookies rollout.Cookies
	for i, rule := range live.Spec.Rules {
		if pair := setBy(rule.Filters); pair != "" && isFor(rule, pair) {
			cookies.Previous = pair
		}
		for _, ref := range rule.BackendRefs {
			side := &cookies.Primary
			if isEnd(ref.BackendObjectReference, live.Namespace, live.Name+"-canary") {
				side = &cookies.Canary
			}
			pair := setBy(ref.Filters)
			if pair != "" && *side != "" && *side != pair {
				return cookies, fmt.Errorf("rules[%d] sets another cookie than the rules before", i)
			}
			if pair != "" {
				*side = pair
			}
		}
	}
	return cookies, nil
}

// setBy is the name=value of the cookie that the filters set, empty for none.
func setBy(filters []gatewayv1.HTTPRouteFilter) string {
	for _, f := range filters {
		if f.ResponseHeaderModifier == nil {
			continue
		}
		for _, header := range f.ResponseHeaderModifier.Add {
			if strings.EqualFold(string(header.Name), setCookieHeader) {
				pair, _, _ := strings.Cut(header.Value, ";")
				return pair
			}
		}
	}
	return ""
}

// isFor reports whether a rule is about users who carry the cookie, and nobody else.
func isFor(rule gatewayv1.HTTPRouteRule, pair string) bool {
	for _, match := range rule.Matches {
		if !slices.ContainsFunc(match.Headers, func(h gatewayv1.HTTPHeaderMatch) bool {
			return strings.EqualFold(string(h.Name), cookieHeader) && h.Value == carrying(pair)
		}) {
			return false
		}
	}
	return pair != "" && len(rule.Matches) > 0
}

// keeps reports whether a rule keeps users on one side; side says on which. The
// cookies are name=value.
func keeps(rule gatewayv1.HTTPRouteRule, cookies rollout.Cookies) (side rollout.Route, ok bool) {
	switch {
	case isFor(rule, cookies.Canary):
		return rollout.Split(rollout.Full), true
	case isFor(rule, cookies.Primary):
		return rollout.Split(0), true
	default:
		return rollout.Route{}, false
	}
}

// valuesOf are the cookies without their names.
func valuesOf(pairs rollout.Cookies) rollout.Cookies {
	value := func(pair string) string {
		_, value, _ := strings.Cut(pair, "=")
		return value
	}
	return rollout.Cookies{Canary: value(pairs.Canary), Primary: value(pairs.Primary), Previous: value(pairs.Previous)}
}
