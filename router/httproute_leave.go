package router

import (
	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// leaveHTTPRoute leads every request that the Canary's route matched to the apex, after
// it was named: a proxy that hears of a backend and of its use at once may answer 503.
func leaveHTTPRoute(kind schema.GroupVersionKind, caps Caps, s Service, how rollout.Release) (Object, error) {
	if err := caps.validate(rollout.Split(0)); err != nil {
		return Object{}, err
	}
	s.Audience = nil // nobody is told apart any more
	if how == rollout.Alone {
		s.Affinity = Affinity{}
	}
	rules, problems := httpRules(s, rollout.Split(0))
	if (httpParts{service: s}).standing(rollout.Split(0)) {
		rules = everyoneFirst(rules)
	}
	for i := range rules {
		rules[i].BackendRefs = leavingEnds(s, how)
	}
	route, err := s.httpRoute(kind, rules, problems)
	if err != nil || how == rollout.Named {
		return route, err
	}
	route.SetOwnerReferences(nil)
	route.SetAnnotations(s.Apex.with(nil, nil).Annotations)
	return route, nil
}

func leavingEnds(s Service, how rollout.Release) []gatewayv1.HTTPBackendRef {
	switch how {
	case rollout.Kept, rollout.Named:
		return []gatewayv1.HTTPBackendRef{end(s, s.PrimaryName(), 100), end(s, s.CanaryName(), 0), end(s, s.Name, 0)}
	case rollout.Served:
		return []gatewayv1.HTTPBackendRef{end(s, s.PrimaryName(), 0), end(s, s.CanaryName(), 0), end(s, s.Name, 100)}
	case rollout.Alone:
	}
	return []gatewayv1.HTTPBackendRef{end(s, s.Name, 1)}
}
