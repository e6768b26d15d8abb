package router

import (
	"fmt"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// contour drives Contour by an HTTPProxy without a virtual host, which the
// HTTPProxy of the user's host includes.
//
//	routes for the audience  audience x service matches  primary w, canary 100-w, mirror
//	routes for the others    service matches             primary 100
//
// Contour looks at routes with more conditions first, whatever their order. Without
// Match there are only the first routes, for all service matches.
//
// Session affinity is refused: an HTTPProxy can set a header of an answer and not
// add one, so the cookie of a side would replace the cookies of the workload.
var contour = Provider{
	Caps:   contourCaps,
	Kinds:  []schema.GroupVersionKind{httpProxyKind},
	Atomic: true,
	Fields: []string{"match", "rewrite", "headers", "timeout", "retries"},
	Render: func(s Service, r rollout.Route) ([]Object, error) {
		proxy, err := s.httpProxy(r, func(p proxyParts) []proxyRoute { return p.routes(r) })
		if err != nil {
			return nil, fmt.Errorf("render HTTPProxy %s/%s: %w", s.Namespace, s.Name, err)
		}
		return []Object{proxy}, nil
	},
	Leave: func(s Service, how rollout.Release) ([]Object, error) {
		proxy, err := s.httpProxy(rollout.Split(0), func(p proxyParts) []proxyRoute { return p.leaving(how) })
		if err != nil {
			return nil, fmt.Errorf("render HTTPProxy %s/%s: %w", s.Namespace, s.Name, err)
		}
		if how == rollout.Served || how == rollout.Alone {
			proxy.SetOwnerReferences(nil)
			proxy.SetAnnotations(s.Apex.with(nil, nil).Annotations)
		}
		return []Object{proxy}, nil
	},
	Edit:  contourEditor,
	Parse: parseHTTPProxies,
}

var (
	contourCaps   = Caps{Weight: true, Mirror: true, Match: true, Scoped: true}
	httpProxyKind = schema.GroupVersionKind{Group: "projectcontour.io", Version: "v1", Kind: "HTTPProxy"}
)

// httpProxy is the object with the routes that are made of the parts of a Service.
func (s Service) httpProxy(r rollout.Route, routes func(proxyParts) []proxyRoute) (Object, error) {
	if err := contourCaps.validate(r); err != nil {
		return Object{}, err
	}
	parts, problems := s.proxyParts(r)
	if unit := rollout.Percent(1); r.Mirror%unit != 0 {
		problems = append(problems, field.Invalid(field.NewPath("spec", "analysis", "mirrorWeight"),
			fmt.Sprintf("%d.%d", r.Mirror/unit, r.Mirror%unit), "an HTTPProxy copies whole percents: set a whole number"))
	}
	if len(problems) > 0 {
		return Object{}, problems.ToAggregate()
	}
	spec := proxySpec{IngressClassName: s.Settings.IngressClass, Routes: rewritten(routes(parts), s.Rewrite.URI)}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&spec)
	if err != nil {
		return Object{}, err
	}
	return s.route(httpProxyKind, fields), nil
}

// proxyParts are what all routes of a Service are made of.
type proxyParts struct {
	service            Service
	plain              proxyRoute // what happens to every request
	everyone, audience [][]proxyCondition
}

func (s Service) proxyParts(r rollout.Route) (proxyParts, field.ErrorList) {
	p := proxyParts{service: s}
	var problems, more field.ErrorList
	p.everyone, problems = proxyMatches(field.NewPath("spec", "service", "match"), s.Match)
	p.plain, more = proxyPolicies(s)
	problems = append(problems, more...)
	if r.Match || len(s.Audience) > 0 {
		p.audience, more = proxyAudience(s)
		problems = append(problems, more...)
	}
	return p, problems
}

func (p proxyParts) routes(r rollout.Route) []proxyRoute {
	s := p.service
	primary, canary := r.Weights()
	ends := []proxyService{s.proxyEnd(s.PrimaryName(), primary), s.proxyEnd(s.CanaryName(), canary)}
	if r.Mirror > 0 {
		ends = append(ends, proxyService{Name: s.CanaryName(), Port: s.Port, Mirror: true, Weight: new(r.Mirror / rollout.Percent(1))})
	}
	if !r.Match {
		return p.to(ends, p.everyone)
	}
	var insiders [][]proxyCondition
	for _, who := range p.audience {
		for _, what := range p.everyone {
			insiders = append(insiders, append(what[:len(what):len(what)], who...))
		}
	}
	home := []proxyService{s.proxyEnd(s.PrimaryName(), 100)}
	return append(p.to(ends, insiders), p.to(home, p.everyone)...)
}

// leaving lists routes that lead every request to the apex, after it was named.
func (p proxyParts) leaving(how rollout.Release) []proxyRoute {
	s, home, apex := p.service, 0, 100
	switch how {
	case rollout.Kept, rollout.Named:
		home, apex = 100, 0
	case rollout.Served:
	case rollout.Alone:
		return p.to([]proxyService{s.proxyEnd(s.Name, 100)}, p.everyone)
	}
	ends := []proxyService{s.proxyEnd(s.PrimaryName(), home), s.proxyEnd(s.CanaryName(), 0), s.proxyEnd(s.Name, apex)}
	return p.to(ends, p.everyone)
}

// to leads the requests of each match to the same ends.
func (p proxyParts) to(ends []proxyService, matches [][]proxyCondition) []proxyRoute {
	var routes []proxyRoute
	for _, match := range matches {
		route := p.plain
		route.Conditions, route.Services = match, ends
		routes = append(routes, route)
	}
	return routes
}

// proxyEnd is a side of the division. The header tells Linkerd, if it stands
// between Contour and the pods, where a request was to go.
func (s Service) proxyEnd(name string, weight int) proxyService {
	override := proxyHeader{Name: "l5d-dst-override", Value: fmt.Sprintf("%s.%s.svc.cluster.local:%d", name, s.Namespace, s.Port)}
	return proxyService{Name: name, Port: s.Port, Weight: &weight, RequestHeadersPolicy: &proxyHeaders{Set: []proxyHeader{override}}}
}
