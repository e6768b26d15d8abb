package router

import (
	"fmt"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// gloo drives Gloo Edge by a RouteTable, to which the user's VirtualService
// delegates, and one Upstream for each side.
//
//	route per entry of the audience  its matchers  primary w, canary 100-w, shadow
//	route for the others                           primary 100
//
// Without Match there is only the last route, with both sides. Upstreams come first:
// a RouteTable that names one which is not there answers 404 in its place.
var gloo = Provider{
	Caps:  glooCaps,
	Kinds: []schema.GroupVersionKind{glooTableKind, glooUpstreamKind},
	Reads: func(s Service) []Ref {
		refs := []Ref{
			{glooTableKind, s.Namespace, s.Name},
			{glooUpstreamKind, s.Namespace, s.upstreamName(glooPrimary)},
			{glooUpstreamKind, s.Namespace, s.upstreamName(glooCanary)},
		}
		if s.Upstream.Name != "" {
			refs = append(refs, Ref{glooUpstreamKind, s.Upstream.Namespace, s.Upstream.Name})
		}
		return refs
	},
	Atomic: true,
	Render: func(s Service, r rollout.Route) ([]Object, error) {
		objects, err := s.glooObjects(r)
		if err != nil {
			return nil, fmt.Errorf("render RouteTable %s/%s: %w", s.Namespace, s.Name, err)
		}
		return objects, nil
	},
	Leave: func(s Service, how rollout.Release) ([]Object, error) { return s.leaveGloo(how), nil },
	Edit:  glooEditor,
	Parse: parseGloo,
}

var (
	glooCaps         = Caps{Weight: true, Mirror: true, Match: true, Scoped: true}
	glooTableKind    = schema.GroupVersionKind{Group: "gateway.solo.io", Version: "v1", Kind: "RouteTable"}
	glooUpstreamKind = schema.GroupVersionKind{Group: "gloo.solo.io", Version: "v1", Kind: "Upstream"}
)

func (s Service) glooObjects(r rollout.Route) ([]Object, error) {
	if err := glooCaps.validate(r); err != nil {
		return nil, err
	}
	source, err := s.glooSource()
	if err != nil {
		return nil, err
	}
	var problems field.ErrorList
	var audience [][]any
	if r.Match || len(s.Audience) > 0 { // also at rest: a release must not find out in the middle
		audience, problems = glooAudience(s.Audience)
	}
	if len(problems) > 0 {
		return nil, problems.ToAggregate()
	}
	primary := s.upstream(glooPrimary, s.PrimaryName(), s.Selector.Primary(), source)
	canary := s.upstream(glooCanary, s.CanaryName(), s.Selector.Value, source)
	return []Object{primary, canary, s.glooTable(r, audience)}, nil
}

func (s Service) glooTable(r rollout.Route, audience [][]any) Object {
	primary, canary := r.Weights()
	both := []any{s.glooEnd(glooPrimary, primary), s.glooEnd(glooCanary, canary)}
	if !r.Match {
		return s.route(glooTableKind, map[string]any{"routes": []any{s.glooShadow(glooRoute(nil, both), r.Mirror)}})
	}
	var routes []any
	for _, matchers := range audience {
		routes = append(routes, s.glooShadow(glooRoute(matchers, both), r.Mirror))
	}
	routes = append(routes, glooRoute(nil, []any{s.glooEnd(glooPrimary, 100)}))
	return s.route(glooTableKind, map[string]any{"routes": routes})
}

// glooRoute takes the path from the route of the VirtualService that delegates to it.
func glooRoute(matchers, ends []any) map[string]any {
	route := map[string]any{
		"inheritablePathMatchers": true,
		"routeAction":             map[string]any{"multi": map[string]any{"destinations": ends}},
	}
	if len(matchers) > 0 {
		route["matchers"] = matchers
	}
	return route
}

// glooEnd has its weight also if that is zero. Gloo takes none for zero, but one that
// is not written could not be told from one that was left in the cluster.
func (s Service) glooEnd(side string, weight int) map[string]any {
	return map[string]any{
		"destination": map[string]any{"upstream": map[string]any{"name": s.upstreamName(side), "namespace": s.Namespace}},
		"weight":      int64(weight),
	}
}

// leaveGloo keeps the RouteTable, as the user's VirtualService leads to it, and the
// primary's Upstream with its settings, which leads to the apex from then on. A
// Service of Kubernetes as destination was rejected: it has no settings such as TLS.
func (s Service) leaveGloo(how rollout.Release) []Object {
	source, err := s.glooSource()
	if err != nil { // gone before the Canary: what was copied of it stays
		source = s.glooUpstream(s.Namespace, s.upstreamName(glooPrimary))
	}
	ends := []any{s.glooEnd(glooPrimary, 100), s.glooEnd(glooCanary, 0)}
	upstream := s.upstream(glooPrimary, s.Name, s.Selector.Value, source)
	switch how {
	case rollout.Kept, rollout.Named:
		upstream = s.upstream(glooPrimary, s.PrimaryName(), s.Selector.Primary(), source)
		return []Object{upstream, s.route(glooTableKind, map[string]any{"routes": []any{glooRoute(nil, ends)}})}
	case rollout.Served:
	case rollout.Alone:
		ends = ends[:1]
	}
	table := s.route(glooTableKind, map[string]any{"routes": []any{glooRoute(nil, ends)}})
	upstream.SetOwnerReferences(nil)
	table.SetOwnerReferences(nil)
	table.SetAnnotations(s.Apex.with(nil, nil).Annotations)
	return []Object{upstream, table}
}
