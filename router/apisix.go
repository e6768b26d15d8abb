package router

import (
	"fmt"
	"slices"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var (
	apisixCaps = Caps{Weight: true, Match: true, Scoped: true, RouteRef: true}
	apisixKind = schema.GroupVersionKind{Group: "apisix.apache.org", Version: "v2", Kind: "ApisixRoute"}
)

// apisix drives Apache APISIX. Beside the user's ApisixRoute stands one with a copy of
// each rule that leads to the apex, which comes first by its priority.
//
//	rule for the audience  the rule's conditions and theirs  primary w, canary 100-w
//	rule for the others    the rule's conditions             primary 100
//
// Without Match there is only one rule for each, which divides.
var apisix = Provider{
	Caps:  apisixCaps,
	Kinds: []schema.GroupVersionKind{apisixKind},
	Reads: func(s Service) []Ref {
		if s.Route.Name == "" {
			return nil
		}
		return []Ref{{apisixKind, s.Namespace, s.Route.Name}, {apisixKind, s.Namespace, s.apisixName()}}
	},
	Render: func(s Service, r rollout.Route) ([]Object, error) {
		object, err := renderApisix(s, r)
		if err != nil {
			return nil, fmt.Errorf("render ApisixRoute %s/%s: %w", s.Namespace, s.apisixName(), err)
		}
		return []Object{object}, nil
	},
	Leave: steppingAside(leaveApisix),
	Parse: parseApisix,
}

func (s Service) apisixName() string { return s.Route.Name + "-" + s.Name + "-canary" }

func renderApisix(s Service, r rollout.Route) (Object, error) {
	if err := apisixCaps.validate(r); err != nil {
		return Object{}, err
	}
	var audience [][]any
	var problems field.ErrorList
	if r.Match || len(s.Audience) > 0 {
		audience, problems = apisixAudience(s.Audience)
	}
	if len(problems) > 0 {
		return Object{}, problems.ToAggregate()
	}
	primary, canary := r.Weights()
	divided := []apisixEnd{{s.PrimaryName(), primary}, {s.CanaryName(), canary}}
	return s.apisixRoute(func(rule map[string]any) []any {
		if !r.Match {
			return []any{leading(rule, divided)}
		}
		rules := []any{leading(rule, []apisixEnd{{s.PrimaryName(), wholeWeight}})}
		for i, exprs := range audience {
			rules = append(rules, restricted(leading(rule, divided), exprs, i))
		}
		return rules
	})
}

// leaveApisix leads to the apex itself, after it was named: the two sides go with the
// Canary, and nobody knows which of the three is gone first.
func leaveApisix(s Service, how rollout.Release) (Object, error) {
	ends := []apisixEnd{{s.Name, wholeWeight}}
	if how != rollout.Served {
		ends = []apisixEnd{{s.PrimaryName(), wholeWeight}, {s.CanaryName(), 0}, {s.Name, 0}}
	}
	return s.apisixRoute(func(rule map[string]any) []any { return []any{leading(rule, ends)} })
}

// apisixRoute copies the user's ApisixRoute, with what becomes of each rule that leads
// to the apex. Its streams are left out: two listeners cannot have one port.
func (s Service) apisixRoute(become func(rule map[string]any) []any) (Object, error) {
	original, problem := s.original("routeRef", apisixKind.Kind, s.Route.Name)
	if problem != nil {
		return Object{}, problem
	}
	spec, err := specOf(original)
	if err != nil {
		return Object{}, err
	}
	taken, problem := s.apisixRules(original, spec)
	if problem != nil {
		return Object{}, problem
	}
	var rules, more []any // what is new comes last, as API servers before 1.28 merge it
	for _, rule := range taken {
		became := become(rule)
		rules, more = append(rules, became[0]), append(more, became[1:]...)
	}
	rules = append(rules, more...)
	delete(spec, "stream")
	spec["http"] = unweighted(rules)
	object, err := noted(s.beside(original, s.apisixName(), spec), nil)
	if err != nil {
		return Object{}, err
	}
	spec["http"] = rules
	return object, nil
}

// firstPriority comes before rules of people; one of theirs that is as high is outdone.
const firstPriority = 10000

// apisixRules are copies of the rules that lead to the apex, with their new priority.
func (s Service) apisixRules(original Object, spec map[string]any) ([]map[string]any, *field.Error) {
	rules, ok := spec["http"].([]any)
	if !ok {
		return nil, s.unserved("routeRef", original)
	}
	var taken []map[string]any
	for _, one := range rules {
		rule, ok := one.(map[string]any)
		if !ok {
			continue
		}
		ends := apisixEnds(rule)
		if !slices.ContainsFunc(ends, func(e apisixEnd) bool { return e.name == s.Name }) {
			continue
		}
		if upstreams, ok := rule["upstreams"].([]any); len(ends) > 1 || ok && len(upstreams) > 0 {
			return nil, field.Invalid(field.NewPath("spec", "routeRef", "name"), original.GetName(), fmt.Sprintf(
				"http rule %v of this ApisixRoute divides requests between Service %s and others: let it lead to %[2]s alone", rule["name"], s.Name))
		}
		rule = runtime.DeepCopyJSON(rule)
		given, ok := rule["priority"].(int64)
		if !ok {
			given = 0
		}
		rule["priority"] = max(firstPriority, given+1)
		taken = append(taken, rule)
	}
	if len(taken) == 0 {
		return nil, s.unserved("routeRef", original)
	}
	return taken, nil
}
