package router

import (
	"maps"
	"regexp"
	"slices"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// kumaDivision is the configuration of a TrafficRoute under a route. Kuma looks at its
// list http first, one entry after the other, and takes the split for all other requests.
// Connections to a service whose protocol is not http do not get there.
func (s Service) kumaDivision(r rollout.Route) (map[string]any, error) {
	var matches []any
	var problems field.ErrorList
	if r.Match || len(s.Audience) > 0 { // also at rest: a release must not find out in the middle
		matches, problems = kumaAudience(s.Audience)
	}
	if len(problems) > 0 {
		return nil, problems.ToAggregate()
	}
	primary, canary := r.Weights()
	both := s.kumaSplit(kumaEnd{s.PrimaryName(), primary}, kumaEnd{s.CanaryName(), canary})
	if !r.Match {
		return map[string]any{"split": both}, nil
	}
	var entries []any
	for _, match := range matches {
		entries = append(entries, map[string]any{"match": match, "split": both})
	}
	return map[string]any{"http": entries, "split": s.kumaSplit(kumaEnd{s.PrimaryName(), 100})}, nil
}

func (s Service) kumaSplit(ends ...kumaEnd) []any {
	var split []any
	for _, end := range ends {
		split = append(split, map[string]any{"weight": int64(end.weight), "destination": s.kumaTag(end.name)})
	}
	return split
}

// kumaAudience lists what each entry of spec.analysis.match asks of a request. One entry
// is enough, and all of its headers are needed.
func kumaAudience(entries []Match) ([]any, field.ErrorList) {
	path := field.NewPath("spec", "analysis", "match")
	if len(entries) == 0 {
		return nil, field.ErrorList{field.Required(path, "say which requests go to the canary")}
	}
	var all []any
	var problems field.ErrorList
	for i, m := range entries {
		at := path.Index(i)
		problems = append(problems, m.beyond(at, "the generated TrafficRoute cannot match it: use headers", "headers")...)
		if len(m.Headers) == 0 {
			problems = append(problems, field.Required(at, "set headers: without them every request would match"))
		}
		headers := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
			condition, problem := kumaCondition(at.Child("headers").Key(name), m.Headers[name])
			if problem == nil && !isName(name) {
				problem = field.Invalid(at.Child("headers"), name, notName)
			}
			if problem != nil {
				problems = append(problems, problem)
			}
			headers[name] = condition
		}
		all = append(all, map[string]any{"headers": headers})
	}
	return all, problems
}

// kumaCondition is a condition on a value. An empty one would hold for every request, or for none.
func kumaCondition(path *field.Path, text Text) (map[string]any, *field.Error) {
	if text.Value == "" || text.Op == Any {
		return nil, field.Required(path, "a TrafficRoute needs a value to compare with: set exact, prefix, suffix or regex")
	}
	switch text.Op {
	case Any, Exact:
	case Prefix:
		return map[string]any{"prefix": text.Value}, nil
	case Suffix:
		return map[string]any{"regex": ".*" + regexp.QuoteMeta(text.Value)}, nil
	case Regex:
		if _, err := regexp.Compile(text.Value); err != nil {
			return nil, field.Invalid(path.Child("regex"), text.Value, "must be a regular expression of RE2: "+err.Error())
		}
		return map[string]any{"regex": text.Value}, nil
	}
	return map[string]any{"exact": text.Value}, nil
}
