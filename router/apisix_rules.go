package router

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// An apisixEnd is a Service behind a rule, with its weight.
type apisixEnd struct {
	name   string
	weight int
}

// leading is a copy of a rule with one backend that leads to these ends instead. They
// have what the one had: port, granularity and subset.
func leading(rule map[string]any, ends []apisixEnd) map[string]any {
	rule = runtime.DeepCopyJSON(rule)
	given, ok := rule["backends"].([]any)
	if !ok || len(given) == 0 {
		return rule
	}
	like, ok := given[0].(map[string]any)
	if !ok {
		return rule
	}
	var backends []any
	for _, end := range ends {
		backend := runtime.DeepCopyJSON(like)
		backend["serviceName"], backend["weight"] = end.name, int64(end.weight)
		backends = append(backends, backend)
	}
	rule["backends"] = backends
	return rule
}

// restricted makes a rule one for the requests that also match an entry of the
// audience, before the rule for all others. APISIX wants each name once.
func restricted(rule map[string]any, exprs []any, entry int) map[string]any {
	match, ok := rule["match"].(map[string]any)
	if !ok {
		match = map[string]any{}
		rule["match"] = match
	}
	given, ok := match["exprs"].([]any)
	if !ok {
		given = nil
	}
	match["exprs"] = append(given, exprs...)
	rule["name"] = fmt.Sprintf("%v-audience-%d", rule["name"], entry)
	if priority, ok := rule["priority"].(int64); ok {
		rule["priority"] = priority + 1
	}
	return rule
}

// apisixEnds are the Services of a rule.
func apisixEnds(rule map[string]any) []apisixEnd {
	backends, ok := rule["backends"].([]any)
	if !ok {
		return nil
	}
	var ends []apisixEnd
	for _, one := range backends {
		backend, ok := one.(map[string]any)
		if !ok {
			continue
		}
		end := apisixEnd{fmt.Sprint(backend["serviceName"]), wholeWeight} // what APISIX makes of no weight
		if weight, ok := backend["weight"].(int64); ok {
			end.weight = int(weight)
		}
		ends = append(ends, end)
	}
	return ends
}

func (e apisixEnd) String() string { return e.name }

// unweighted are copies of rules without the weights, which move with each step.
func unweighted(rules []any) []any {
	var all []any
	for _, one := range rules {
		rule, ok := one.(map[string]any)
		if !ok {
			continue
		}
		var still []apisixEnd
		for _, end := range apisixEnds(rule) {
			still = append(still, apisixEnd{name: end.name})
		}
		all = append(all, leading(rule, still))
	}
	return all
}

// apisixAudience translates each entry of spec.analysis.match into expressions, which
// hold together.
func apisixAudience(entries []Match) ([][]any, field.ErrorList) {
	path := field.NewPath("spec", "analysis", "match")
	if len(entries) == 0 {
		return nil, field.ErrorList{field.Required(path, "say which requests go to the canary")}
	}
	var all [][]any
	var problems field.ErrorList
	for i, entry := range entries {
		at := path.Index(i)
		if len(entry.SourceLabels) > 0 {
			problems = append(problems, field.Forbidden(at.Child("sourceLabels"), "APISIX does not know the pods of a sender: use headers or queryParams"))
		}
		if len(entry.Headers)+len(entry.Query) == 0 {
			problems = append(problems, field.Required(at, "set headers or queryParams: without them every request would match"))
		}
		exprs, more := apisixExprs(at.Child("headers"), "Header", entry.Headers)
		problems = append(problems, more...)
		params, more := apisixExprs(at.Child("queryParams"), "Query", entry.Query)
		problems = append(problems, more...)
		all = append(all, append(exprs, params...))
	}
	return all, problems
}

// apisixExprs compares in the way of the Canary, which is about whole strings; to
// APISIX a regular expression matches anywhere.
func apisixExprs(path *field.Path, scope string, conditions map[string]Text) ([]any, field.ErrorList) {
	var exprs []any
	var problems field.ErrorList
	for _, name := range slices.Sorted(maps.Keys(conditions)) {
		text := conditions[name]
		op, value := "RegexMatch", text.Value
		switch text.Op {
		case Exact:
			op = "Equal"
		case Prefix, Suffix:
			value = text.pattern()
		case Regex:
			value = "^(?:" + text.Value + ")$"
		case Any:
		}
		switch {
		case text.Value == "":
			problems = append(problems, field.Required(path.Key(name), "give a value to compare with: exact, prefix, suffix or regex"))
		case !isName(name):
			problems = append(problems, field.Invalid(path, name, notName))
		}
		exprs = append(exprs, map[string]any{
			"subject": map[string]any{"scope": scope, "name": name}, "op": op, "value": value,
		})
	}
	return exprs, problems
}
