package router

import (
	"fmt"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// gatewayAPI drives everything that serves HTTPRoutes. The versions differ in
// name only: what a cluster's HTTPRoute lacks, its API server refuses by name.
//
//	rule for the audience  audience x service matches  primary w, canary 100-w, mirror
//	rule for the others    service matches             primary 100
//
// Where nobody is told apart both rules are the first, and without an audience it is the only
// one, for all service matches. Cookies put more rules before the first, see kept.
func gatewayAPI(version string) Provider {
	kind := schema.GroupVersionKind{Group: gatewayv1.GroupName, Version: version, Kind: "HTTPRoute"}
	caps := Caps{Weight: true, Mirror: true, Match: true, Scoped: true, Affinity: true, PrimaryCookie: version == "v1", Parents: true}
	p := gatewayRoutes(kind, caps, gatewayForm{})
	p.Fields = []string{"gatewayRefs", "hosts", "match", "rewrite", "headers", "mirror", "corsPolicy", "timeout", "backendTimeout"}
	p.CORS = []string{"spec", "rules", "filters", "cors"}
	p.Abilities = httpAbilities
	return p
}

// A gatewayForm is how a kind of route differs from an HTTPRoute. The zero value is one.
type gatewayForm struct {
	// fit returns a Service without the fields that the kind has no place for. It refuses
	// what takes another form there.
	fit func(Service) (Service, field.ErrorList)

	// shape makes a rule of the kind from one of an HTTPRoute.
	shape func(rule map[string]any)
}

// gatewayRoutes renders one kind of routes by way of the HTTPRoute that says the same.
func gatewayRoutes(kind schema.GroupVersionKind, caps Caps, form gatewayForm) Provider {
	return Provider{
		Caps:   caps,
		Kinds:  []schema.GroupVersionKind{kind},
		Atomic: true,
		Render: func(s Service, r rollout.Route) ([]Object, error) {
			return form.made(kind, s, func(s Service) (Object, error) { return renderHTTPRoute(kind, caps, s, r) })
		},
		Leave: func(s Service, how rollout.Release) ([]Object, error) {
			return form.made(kind, s, func(s Service) (Object, error) { return leaveHTTPRoute(kind, caps, s, how) })
		},
		Edit:  gatewayEditor(kind),
		Parse: parseHTTPRoutes(kind.Kind),
	}
}

// made is the route of a Service in this form.
func (f gatewayForm) made(kind schema.GroupVersionKind, s Service, render func(Service) (Object, error)) ([]Object, error) {
	var problems field.ErrorList
	if f.fit != nil {
		s, problems = f.fit(s)
	}
	route, err := render(s)
	if len(problems) > 0 { // they call a field by what it is in this kind
		err = problems.ToAggregate()
	}
	if err != nil {
		return nil, fmt.Errorf("render %s %s/%s: %w", kind.Kind, s.Namespace, s.Name, err)
	}
	if f.shape != nil {
		for _, rule := range route.Object["spec"].(map[string]any)["rules"].([]any) {
			f.shape(rule.(map[string]any))
		}
	}
	return []Object{route}, nil
}

func renderHTTPRoute(kind schema.GroupVersionKind, caps Caps, s Service, r rollout.Route) (Object, error) {
	if err := caps.validate(r); err != nil {
		return Object{}, err
	}
	rules, problems := httpRules(s, r)
	if s.Affinity.PrimaryCookie != "" && !caps.PrimaryCookie {
		problems = append(problems, field.Forbidden(field.NewPath("spec", "analysis", "sessionAffinity", "primaryCookieName"),
			"keeping users on the primary is not supported: set the provider gatewayapi:v1, or remove the field"))
	}
	return s.httpRoute(kind, rules, problems)
}

// httpRoute is the object with these rules.
func (s Service) httpRoute(kind schema.GroupVersionKind, rules []gatewayv1.HTTPRouteRule, problems field.ErrorList) (Object, error) {
	parents, more := parentRefs(s)
	problems = append(problems, more...)
	hostnames, more := hostnames(s)
	problems = append(problems, more...)
	if len(problems) > 0 {
		return Object{}, problems.ToAggregate()
	}
	spec := gatewayv1.HTTPRouteSpec{Hostnames: hostnames, Rules: rules}
	spec.ParentRefs = parents
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&spec)
	if err != nil {
		return Object{}, err
	}
	return s.route(kind, fields), nil
}

// route is an object of the apex's name and metadata. It carries the Service's
// label only beside metadata of the user, as it did under Flagger.
func (s Service) route(kind schema.GroupVersionKind, spec map[string]any) Object {
	object := Object{Object: map[string]any{"spec": spec}}
	object.SetGroupVersionKind(kind)
	object.SetNamespace(s.Namespace)
	object.SetName(s.Name)
	meta := s.Apex.with(nil, optOuts)
	if len(s.Apex.Labels)+len(s.Apex.Annotations) > 0 {
		meta = meta.with(s.label(s.Name), nil)
	}
	object.SetLabels(meta.Labels)
	object.SetAnnotations(meta.Annotations)
	object.SetOwnerReferences(s.Owner.References())
	return object
}

// matching gives the rule its matches. A rule that replaces the matched prefix
// can have only one, so it becomes several.
func (s Service) matching(rule gatewayv1.HTTPRouteRule, matches []gatewayv1.HTTPRouteMatch) []gatewayv1.HTTPRouteRule {
	if !s.Rewrite.PrefixOnly || s.Rewrite.URI == "" {
		rule.Matches = matches
		return []gatewayv1.HTTPRouteRule{rule}
	}
	var rules []gatewayv1.HTTPRouteRule
	for _, match := range matches {
		rule.Matches = []gatewayv1.HTTPRouteMatch{match}
		rules = append(rules, rule)
	}
	return rules
}

// What the API server allows in one HTTPRoute.
const (
	maxParents   = 32
	maxHostnames = 16
	maxRules     = 16
	maxMatches   = 64 // of one rule
	maxFilters   = 16 // of one rule
	maxHeaders   = 16 // of one match or filter
)

func tooMany(path *field.Path, rules []gatewayv1.HTTPRouteRule) field.ErrorList {
	if len(rules) > maxRules {
		return field.ErrorList{field.TooMany(path, len(rules), maxRules)}
	}
	for _, rule := range rules {
		if len(rule.Matches) > maxMatches {
			return field.ErrorList{field.TooMany(path, len(rule.Matches), maxMatches)}
		}
		for _, match := range rule.Matches {
			if len(match.Headers) > maxHeaders {
				return field.ErrorList{field.TooMany(path.Child("headers"), len(match.Headers), maxHeaders)}
			}
		}
	}
	return nil
}

func end(s Service, name string, weight int) gatewayv1.HTTPBackendRef {
	return gatewayv1.HTTPBackendRef{BackendRef: gatewayv1.BackendRef{
		BackendObjectReference: backend(Backend{Name: name, Port: s.Port}),
		Weight:                 new(int32(weight)),
	}}
}

// mirror copies a share of the requests to the canary: a percentage, or a
// fraction where it is none.
func mirror(s Service, share int) gatewayv1.HTTPRouteFilter {
	filter := mirrored(Backend{Name: s.CanaryName(), Port: s.Port})
	switch unit := rollout.Percent(1); {
	case share >= rollout.Full:
	case share%unit == 0:
		filter.RequestMirror.Percent = new(int32(share / unit))
	default:
		filter.RequestMirror.Fraction = &gatewayv1.Fraction{Numerator: int32(share), Denominator: new(int32(rollout.Full))}
	}
	return filter
}
