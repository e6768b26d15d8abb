package router

import (
	"maps"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// glooAudience lists the matchers of each entry of spec.analysis.match. Entries are
// routes of their own, any of which may match; in one all conditions hold. Paths are
// those of the VirtualService that delegates to the RouteTable.
func glooAudience(entries []Match) ([][]any, field.ErrorList) {
	path := field.NewPath("spec", "analysis", "match")
	if len(entries) == 0 {
		return nil, field.ErrorList{field.Required(path, "say which requests go to the canary")}
	}
	var all [][]any
	var problems field.ErrorList
	for i, m := range entries {
		at := path.Index(i)
		matcher := map[string]any{}
		methods, more := glooMethods(at.Child("method"), m.Method)
		problems = append(append(problems, glooUnmatchable(at, m)...), more...)
		headers, more := glooValues(at.Child("headers"), m.Headers)
		problems = append(problems, more...)
		params, more := glooValues(at.Child("queryParams"), m.Query)
		problems = append(problems, more...)
		for name, conditions := range map[string][]any{"methods": methods, "headers": headers, "queryParameters": params} {
			if len(conditions) > 0 {
				matcher[name] = conditions
			}
		}
		if len(m.Headers)+len(m.Query) == 0 && m.Method.Op == Any {
			problems = append(problems, field.Required(at, "set headers or queryParams: without them every request would match"))
		}
		all = append(all, []any{matcher})
	}
	return all, problems
}

// glooUnmatchable refuses conditions that a RouteTable has no words for. Leaving one
// out would catch requests that are not meant.
func glooUnmatchable(path *field.Path, m Match) field.ErrorList {
	return m.beyond(path, "the generated RouteTable cannot match it: use headers or queryParams", "method", "headers", "queryParams")
}

func glooMethods(path *field.Path, method Text) ([]any, field.ErrorList) {
	switch {
	case method.Op == Any:
		return nil, nil
	case method.Op != Exact || method.Value == "":
		return nil, field.ErrorList{field.Required(path.Child("exact"), "a RouteTable compares methods with names: set exact")}
	}
	return []any{method.Value}, nil
}

// glooValues are conditions on headers or query parameters, by name. Without a value
// Gloo would match every request that has the header, as Flagger's prefixes did.
func glooValues(path *field.Path, conditions map[string]Text) ([]any, field.ErrorList) {
	var values []any
	var problems field.ErrorList
	for _, name := range slices.Sorted(maps.Keys(conditions)) {
		text := conditions[name]
		value := map[string]any{"name": name, "value": text.Value}
		at := path.Key(name)
		switch {
		case !isName(name):
			problems = append(problems, field.Invalid(path, name, notName))
		case text.Value == "":
			problems = append(problems, field.Required(at, "a RouteTable needs a value to compare with: set exact, prefix, suffix or regex"))
		}
		switch text.Op {
		case Any, Exact:
		case Prefix:
			value["value"], value["regex"] = regexp.QuoteMeta(text.Value)+".*", true
		case Suffix:
			value["value"], value["regex"] = ".*"+regexp.QuoteMeta(text.Value), true
		case Regex:
			value["regex"] = true
			if _, err := regexp.Compile(text.Value); err != nil {
				problems = append(problems, field.Invalid(at.Child("regex"), text.Value, "must be a regular expression of RE2: "+err.Error()))
			}
		}
		values = append(values, value)
	}
	return values, problems
}
