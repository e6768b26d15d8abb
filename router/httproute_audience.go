package router

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// audienceMatches translates spec.analysis.match, which is about headers and
// query parameters; paths and methods are the Service's.
func audienceMatches(path *field.Path, entries []Match) ([]gatewayv1.HTTPRouteMatch, field.ErrorList) {
	if len(entries) == 0 {
		return nil, field.ErrorList{field.Required(path, "say which requests go to the canary")}
	}
	matches, problems := httpMatches(path, entries)
	for i, m := range entries {
		if m.URI != (Text{}) {
			problems = append(problems, field.Forbidden(path.Index(i).Child("uri"), "set it in spec.service.match"))
		}
		if m.Method != (Text{}) {
			problems = append(problems, field.Forbidden(path.Index(i).Child("method"), "set it in spec.service.match"))
		}
		if len(m.Headers)+len(m.Query) == 0 {
			problems = append(problems, field.Required(path.Index(i), "set headers or queryParams: without them every request would match"))
		}
	}
	return matches, problems
}

// crossed is every audience within every match of the Service. Where both have a
// condition on one header or parameter, the audience's holds.
func crossed(audience, everyone []gatewayv1.HTTPRouteMatch) []gatewayv1.HTTPRouteMatch {
	var matches []gatewayv1.HTTPRouteMatch
	for _, who := range audience {
		for _, what := range everyone {
			what.Headers = overridden(what.Headers, who.Headers, headerName)
			what.QueryParams = overridden(what.QueryParams, who.QueryParams, queryName)
			matches = append(matches, what)
		}
	}
	return matches
}

// headerName compares without case, as HTTP does.
func headerName(m gatewayv1.HTTPHeaderMatch) string { return strings.ToLower(string(m.Name)) }

func queryName(m gatewayv1.HTTPQueryParamMatch) string { return string(m.Name) }

// overridden returns all conditions sorted by name, the second list winning.
func overridden[M any](base, over []M, name func(M) string) []M {
	kept := slices.DeleteFunc(slices.Clone(base), func(m M) bool {
		return slices.ContainsFunc(over, func(o M) bool { return name(o) == name(m) })
	})
	all := append(kept, over...)
	slices.SortStableFunc(all, func(a, b M) int { return strings.Compare(name(a), name(b)) })
	return all
}
