package router

import (
	"slices"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/util/validation/field"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// httpRules lists the rules of a route. It refuses what the fullest route of the
// Canary could not express: a release must not find out in the middle.
func httpRules(s Service, r rollout.Route) ([]gatewayv1.HTTPRouteRule, field.ErrorList) {
	parts, problems := s.httpParts(r)
	problems = append(problems, s.keepable(r)...)
	fullest := rollout.Split(rollout.Full / 2)
	fullest.Cookies = rollout.Cookies{Canary: "value", Primary: "value"}
	problems = append(problems, tooMany(field.NewPath("spec", "service", "match"), parts.rules(fullest))...)
	if len(parts.audience) > 0 {
		fullest.Match = true
		problems = append(problems, tooMany(field.NewPath("spec", "analysis", "match"), parts.rules(fullest))...)
	}
	return parts.rules(r), problems
}

// httpParts are what all rules of a Service are made of.
type httpParts struct {
	service            Service
	plain              gatewayv1.HTTPRouteRule // filters and timeouts
	everyone, audience []gatewayv1.HTTPRouteMatch
}

func (s Service) httpParts(r rollout.Route) (httpParts, field.ErrorList) {
	p := httpParts{service: s}
	var problems, more field.ErrorList
	p.everyone, problems = httpMatches(field.NewPath("spec", "service", "match"), s.Match)
	p.plain.Filters, more = httpFilters(s)
	problems = append(problems, more...)
	p.plain.Timeouts, more = httpTimeouts(s)
	problems = append(problems, more...)
	if r.Match || len(s.Audience) > 0 {
		p.audience, more = audienceMatches(field.NewPath("spec", "analysis", "match"), s.Audience)
		problems = append(problems, more...)
	}
	return p, problems
}

// rules has one rule for the audience and one for everybody else also while nobody is told
// apart: Envoy Gateway names what it sends to Envoy by the numbers of rules, and a rule that
// comes or goes costs those who were on it, or will be, some requests.
func (p httpParts) rules(r rollout.Route) []gatewayv1.HTTPRouteRule {
	switch {
	case len(p.audience) > 0 && !r.Match && r.Cookies == (rollout.Cookies{}):
		alike := p.divided(r)
		return append(p.service.matching(alike, crossed(p.audience, p.everyone)), p.service.matching(alike, p.everyone)...)
	case !r.Match:
		return p.kept(r, p.everyone)
	}
	home := p.plain
	home.BackendRefs = []gatewayv1.HTTPBackendRef{end(p.service, p.service.PrimaryName(), 100)}
	return append(p.kept(r, crossed(p.audience, p.everyone)), p.service.matching(home, p.everyone)...)
}

// divided is a rule with the shares of the route, the primary first.
func (p httpParts) divided(r rollout.Route) gatewayv1.HTTPRouteRule {
	s, rule := p.service, p.plain
	primary, canary := r.Weights()
	rule.BackendRefs = []gatewayv1.HTTPBackendRef{end(s, s.PrimaryName(), primary), end(s, s.CanaryName(), canary)}
	if r.Mirror > 0 {
		rule.Filters = append(slices.Clone(rule.Filters), mirror(s, r.Mirror))
	}
	return rule
}
