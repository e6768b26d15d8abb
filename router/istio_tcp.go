package router

import (
	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// istioConnections is the rule of connections under a route. They have no paths
// and no headers; what is about those is refused even before a release needs it.
func (s Service) istioConnections(r rollout.Route) ([]istioPipes, field.ErrorList) {
	service, analysis := field.NewPath("spec", "service"), field.NewPath("spec", "analysis")
	var problems field.ErrorList
	for _, f := range []struct {
		path *field.Path
		set  bool
	}{
		{analysis.Child("match"), r.Match || len(s.Audience) > 0},
		{analysis.Child("mirror"), r.Mirror > 0},
		{analysis.Child("sessionAffinity"), s.Affinity != Affinity{} || r.Cookies != rollout.Cookies{}},
		{service.Child("rewrite"), s.Rewrite.URI != "" || s.Rewrite.Authority != ""},
		{service.Child("timeout"), s.Timeout != 0},
		{service.Child("retries"), s.Retries != Retries{}},
		{service.Child("headers", "request"), istioHeaderModOf(s.Request) != nil},
		{service.Child("headers", "response"), istioHeaderModOf(s.Response) != nil},
		{service.Child("corsPolicy"), len(s.CORS.Origins)+len(s.CORS.Methods) > 0},
	} {
		if f.set {
			problems = append(problems, field.Forbidden(f.path, "connections have no requests: set spec.service.appProtocol to http, or remove the field"))
		}
	}
	matches, more := pipeMatches(service.Child("match"), s.Match)
	return []istioPipes{{Match: matches, Route: s.istioEnds(r)}}, append(problems, more...)
}

// pipeMatches translates spec.service.match for connections.
func pipeMatches(path *field.Path, entries []Match) ([]istioMatch, field.ErrorList) {
	var problems field.ErrorList
	everything := false
	var matches []istioMatch
	for i, m := range entries {
		for _, condition := range []struct {
			name string
			set  bool
		}{
			{"uri", m.URI != Text{}}, {"scheme", m.Scheme != Text{}}, {"method", m.Method != Text{}}, {"authority", m.Authority != Text{}},
			{"headers", len(m.Headers) > 0}, {"withoutHeaders", len(m.WithoutHeaders) > 0}, {"queryParams", len(m.Query) > 0},
		} {
			if condition.set {
				problems = append(problems, field.Forbidden(path.Index(i).Child(condition.name),
					"connections have none: use port, gateways, sourceLabels or sourceNamespace"))
			}
		}
		match := istioMatch{Port: m.Port, Gateways: m.Gateways, SourceLabels: m.SourceLabels, SourceNamespace: m.SourceNamespace}
		matches = append(matches, match)
		everything = everything || match.unconditional()
	}
	if everything {
		return nil, problems
	}
	return matches, problems
}
