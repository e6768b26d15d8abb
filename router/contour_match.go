package router

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// proxyMatches translates entries of a match, each of which becomes routes of its
// own; no entry is every request. The path comes first, as there is always one.
func proxyMatches(path *field.Path, entries []Match) ([][]proxyCondition, field.ErrorList) {
	if len(entries) == 0 {
		entries = []Match{{}}
	}
	var matches [][]proxyCondition
	var problems field.ErrorList
	for i, m := range entries {
		at := path.Index(i)
		uri, more := proxyPath(at.Child("uri"), m.URI)
		conditions, others := proxyConditions(at, m)
		problems = append(append(append(problems, proxyUnmatchable(at, m)...), more...), others...)
		matches = append(matches, append([]proxyCondition{uri}, conditions...))
	}
	return matches, problems
}

// proxyAudience translates spec.analysis.match, which is about headers and query
// parameters within the matches of the Service. It must not speak of one that these
// speak of: Contour would take the routes of the audience and of the others for equal.
func proxyAudience(s Service) ([][]proxyCondition, field.ErrorList) {
	path := field.NewPath("spec", "analysis", "match")
	if len(s.Audience) == 0 {
		return nil, field.ErrorList{field.Required(path, "say which requests go to the canary")}
	}
	var matches [][]proxyCondition
	var problems field.ErrorList
	for i, m := range s.Audience {
		at := path.Index(i)
		conditions, more := proxyConditions(at, m)
		problems = append(append(problems, proxyUnmatchable(at, m)...), more...)
		if m.URI != (Text{}) {
			problems = append(problems, field.Forbidden(at.Child("uri"), "set it in spec.service.match"))
		}
		if m.Method != (Text{}) {
			problems = append(problems, field.Forbidden(at.Child("method"), "set it in spec.service.match"))
		}
		if len(m.Headers)+len(m.Query) == 0 {
			problems = append(problems, field.Required(at, "set headers or queryParams: without them every request would match"))
		}
		problems = append(problems, spokenFor(at, m, s.Match)...)
		matches = append(matches, conditions)
	}
	return matches, problems
}

// spokenFor lists conditions of an audience that matches of the Service have, too.
func spokenFor(path *field.Path, who Match, everyone []Match) field.ErrorList {
	var problems field.ErrorList
	for i, what := range everyone {
		said := fmt.Sprintf("spec.service.match[%d] has a condition on it, too, and Contour could not tell who is meant: remove one of the two", i)
		for _, name := range slices.Sorted(maps.Keys(who.Headers)) {
			for other := range what.Headers {
				if strings.EqualFold(name, other) {
					problems = append(problems, field.Forbidden(path.Child("headers").Key(name), said))
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(who.Query)) {
			if _, both := what.Query[name]; both {
				problems = append(problems, field.Forbidden(path.Child("queryParams").Key(name), said))
			}
		}
	}
	return problems
}

// proxyUnmatchable refuses conditions that an HTTPProxy has no words for. Leaving
// one out would catch requests that are not meant.
func proxyUnmatchable(path *field.Path, m Match) field.ErrorList {
	return m.beyond(path, "the generated HTTPProxy cannot match it: use uri, method, headers or queryParams", "uri", "method", "headers", "queryParams")
}

func proxyPath(path *field.Path, uri Text) (proxyCondition, field.ErrorList) {
	var condition proxyCondition
	switch uri.Op {
	case Any:
		return proxyCondition{Prefix: "/"}, nil
	case Exact:
		condition.Exact = uri.Value
	case Prefix:
		condition.Prefix = uri.Value
	case Regex:
		condition.Regex = uri.Value
		if problems := expression(path, uri); problems != nil {
			return condition, problems
		}
	case Suffix:
		return condition, field.ErrorList{field.Forbidden(path.Child("suffix"), "an HTTPProxy cannot compare like this: use exact, prefix or regex")}
	default:
		return condition, field.ErrorList{field.Forbidden(path, "an HTTPProxy cannot compare like this: use exact, prefix or regex")}
	}
	if !strings.HasPrefix(uri.Value, "/") {
		return condition, field.ErrorList{field.Invalid(path.Child(uri.Op.field()), uri.Value, "must begin with /")}
	}
	return condition, nil
}

// proxyConditions are those on the method, headers and query parameters, by name.
func proxyConditions(path *field.Path, m Match) ([]proxyCondition, field.ErrorList) {
	var conditions []proxyCondition
	var problems field.ErrorList
	if m.Method.Op != Any {
		value, more := proxyText(path.Child("method"), m.Method)
		value.Name, problems = ":method", more
		conditions = append(conditions, proxyCondition{Header: &value})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		value, more := proxyNamed(path.Child("headers"), name, m.Headers[name])
		problems = append(problems, more...)
		conditions = append(conditions, proxyCondition{Header: &value})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Query)) {
		value, more := proxyNamed(path.Child("queryParams"), name, m.Query[name])
		problems = append(problems, more...)
		conditions = append(conditions, proxyCondition{QueryParameter: &value})
	}
	return conditions, problems
}

func proxyNamed(path *field.Path, name string, text Text) (proxyValue, field.ErrorList) {
	value, problems := proxyText(path.Key(name), text)
	value.Name = name
	if !isName(name) {
		problems = append(problems, field.Invalid(path, name, notName))
	}
	return value, problems
}

// proxyText says how a value compares. Flagger took a prefix and a suffix for a part
// of the value; as regular expressions, which match all of it, they are what they say.
func proxyText(path *field.Path, text Text) (proxyValue, field.ErrorList) {
	if text.Op != Any && text.Value == "" {
		return proxyValue{}, field.ErrorList{field.Required(path.Child(text.Op.field()), "an HTTPProxy needs a value to compare with")}
	}
	switch text.Op {
	case Exact:
		return proxyValue{Exact: text.Value}, nil
	case Prefix:
		return proxyValue{Regex: regexp.QuoteMeta(text.Value) + ".*"}, nil
	case Suffix:
		return proxyValue{Regex: ".*" + regexp.QuoteMeta(text.Value)}, nil
	case Regex:
		return proxyValue{Regex: text.Value}, expression(path, text)
	case Any:
	}
	return proxyValue{}, field.ErrorList{field.Required(path, "an HTTPProxy needs a value to compare with: set exact, prefix, suffix or regex")}
}

// expression refuses what Contour would refuse later, with the whole HTTPProxy.
func expression(path *field.Path, text Text) field.ErrorList {
	if _, err := regexp.Compile(text.Value); err != nil {
		return field.ErrorList{field.Invalid(path.Child("regex"), text.Value, "must be a regular expression of RE2: "+err.Error())}
	}
	return nil
}
