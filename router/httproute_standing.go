package router

import (
	"slices"

	"github.com/serinhq/serin/rollout"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// standing reports whether the route has the same rules at rest as on the way. Envoy Gateway
// names what it sends to Envoy by the numbers of rules and of their backends, and while Envoy
// learns of a name that is new, those who are led there are answered with 503.
//
// It needs both cookies: without the primary's there is no rule whose place users without a
// cookie could have at rest. An audience has its rules in other places.
func (p httpParts) standing(r rollout.Route) bool {
	affinity := p.service.Affinity
	whole := r.Cookies.Canary == "" || r.Cookies.Primary != "" // status may have been edited
	return affinity.PrimaryCookie != "" && len(p.service.Audience) == 0 && whole
}

// keptStanding is kept with three rules in three places. What a place leads to changes, and a
// gateway is quick to learn that; its name does not.
//
//	place  on the way                     at home
//	0      canary's cookie   canary 100   the old cookie     primary 100, cookie dropped
//	1      primary's cookie  primary 100  no cookie          primary 100
//	2      no cookie         w, 100-w     a cookie nobody has  primary, twice
func (p httpParts) keptStanding(r rollout.Route, matches []gatewayv1.HTTPRouteMatch) []gatewayv1.HTTPRouteRule {
	affinity, cookies := p.service.Affinity, p.service.Affinity.pairs(r.Cookies)
	if cookies.Canary == "" {
		old := affinity.Cookie + "=" + r.Cookies.Previous
		rules := p.pinned(p.dropping(r, old), old, matches)
		rules = append(rules, p.service.matching(p.divided(r), matches)...)
		nobodys := affinity.PrimaryCookie + "="
		return append(rules, p.pinned(p.spare(nobodys), nobodys, matches)...)
	}
	canary, primary := rollout.Split(rollout.Full), rollout.Route{Primary: rollout.Full, Mirror: r.Mirror}
	if r.Primary == 0 || r.Canary == 0 {
		canary, primary = r, r
	}
	rules := p.pinned(p.divided(canary), cookies.Canary, matches)
	rules = append(rules, p.pinned(p.divided(primary), cookies.Primary, matches)...)
	return append(rules, p.service.matching(p.drawing(r, cookies), matches)...)
}

// spare keeps the place of the rule that will divide. It names two backends with filters, as
// that one will; both are the primary, so that whoever comes here is where all others are.
func (p httpParts) spare(pair string) gatewayv1.HTTPRouteRule {
	s, rule := p.service, p.plain
	for range 2 {
		backend := end(s, s.PrimaryName(), 50)
		backend.Filters = answered(nil, s.Affinity.set(pair, dropped))
		rule.BackendRefs = append(rule.BackendRefs, backend)
	}
	return rule
}

// isSpare recognizes what spare renders.
func isSpare(live gatewayv1.HTTPRoute, rule gatewayv1.HTTPRouteRule, cookies rollout.Cookies) bool {
	return len(rule.BackendRefs) == 2 && isFor(rule, cookies.Primary) && !slices.ContainsFunc(rule.BackendRefs, func(ref gatewayv1.HTTPBackendRef) bool {
		return !isEnd(ref.BackendObjectReference, live.Namespace, live.Name+"-primary")
	})
}

// everyoneFirst exchanges the first two places while all lead to the same: the rule that is
// left alone has the first, and nobody is on the others when they go.
func everyoneFirst(rules []gatewayv1.HTTPRouteRule) []gatewayv1.HTTPRouteRule {
	place := len(rules) / 3
	return slices.Concat(rules[place:2*place], rules[:place], rules[2*place:])
}
