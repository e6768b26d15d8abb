package router

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// istioMatches translates spec.service.match. An entry without conditions makes the
// others superfluous.
func istioMatches(path *field.Path, entries []Match) ([]istioMatch, field.ErrorList) {
	var matches []istioMatch
	var problems field.ErrorList
	everything := false
	for i, m := range entries {
		match, more := istioMatchOf(path.Index(i), m)
		problems = append(problems, more...)
		matches = append(matches, match)
		everything = everything || match.unconditional()
	}
	if everything {
		return nil, problems
	}
	return matches, problems
}

func istioMatchOf(path *field.Path, m Match) (istioMatch, field.ErrorList) {
	match := istioMatch{Name: m.Name, IgnoreURICase: m.IgnoreURICase, Port: m.Port, Gateways: m.Gateways,
		SourceLabels: m.SourceLabels, SourceNamespace: m.SourceNamespace}
	var problems field.ErrorList
	for _, condition := range []struct {
		name string
		text Text
		into *istioText
	}{{"uri", m.URI, &match.URI}, {"scheme", m.Scheme, &match.Scheme}, {"method", m.Method, &match.Method}, {"authority", m.Authority, &match.Authority}} {
		if condition.text == (Text{}) {
			continue
		}
		var more field.ErrorList
		*condition.into, more = istioTextOf(path.Child(condition.name), condition.text)
		problems = append(problems, more...)
	}
	for _, conditions := range []struct {
		name  string
		texts map[string]Text
		into  *map[string]istioText
	}{{"headers", m.Headers, &match.Headers}, {"withoutHeaders", m.WithoutHeaders, &match.WithoutHeaders}, {"queryParams", m.Query, &match.Query}} {
		var more field.ErrorList
		*conditions.into, more = istioTexts(path.Child(conditions.name), conditions.texts)
		problems = append(problems, more...)
	}
	if m.IgnoreURICase && m.URI.Op == Suffix {
		problems = append(problems, field.Forbidden(path.Child("ignoreUriCase"), "Istio ignores case in exact and prefix only: remove it, or compare by one of them"))
	}
	return match, problems
}

func istioTexts(path *field.Path, conditions map[string]Text) (map[string]istioText, field.ErrorList) {
	if len(conditions) == 0 {
		return nil, nil
	}
	texts := map[string]istioText{}
	var problems field.ErrorList
	for _, name := range slices.Sorted(maps.Keys(conditions)) {
		var more field.ErrorList
		texts[name], more = istioTextOf(path.Key(name), conditions[name])
		problems = append(problems, more...)
	}
	return texts, problems
}

// istioTextOf is one condition. Istio compares no ends of texts, but whole texts with an expression.
func istioTextOf(path *field.Path, text Text) (istioText, field.ErrorList) {
	if text.Op != Any && text.Value == "" {
		return nil, field.ErrorList{field.Required(path.Child(text.Op.field()), "Istio compares with nothing that is empty: give a value, or remove the condition")}
	}
	switch text.Op {
	case Exact, Prefix, Regex:
		return istioText{text.Op.field(): text.Value}, nil
	case Suffix:
		return istioText{Regex.field(): ".*" + regexp.QuoteMeta(text.Value)}, nil
	case Any:
	}
	return nil, field.ErrorList{field.Required(path, "set exact, prefix, suffix or regex")}
}

// unconditional reports whether every request matches.
func (m istioMatch) unconditional() bool {
	return len(m.URI)+len(m.Scheme)+len(m.Method)+len(m.Authority) == 0 &&
		len(m.Headers)+len(m.WithoutHeaders)+len(m.Query) == 0 &&
		m.Port == 0 && len(m.Gateways)+len(m.SourceLabels) == 0 && m.SourceNamespace == ""
}

// istioAudience translates spec.analysis.match.
func istioAudience(path *field.Path, entries []Match) ([]istioMatch, field.ErrorList) {
	if len(entries) == 0 {
		return nil, field.ErrorList{field.Required(path, "say which requests go to the canary")}
	}
	var matches []istioMatch
	var problems field.ErrorList
	for i, m := range entries {
		match, more := istioMatchOf(path.Index(i), m)
		problems = append(problems, more...)
		if match.unconditional() {
			problems = append(problems, field.Required(path.Index(i), "set headers, queryParams or sourceLabels: without them every request would match"))
		}
		matches = append(matches, match)
	}
	return matches, problems
}

// istioCrossed is every audience within every match of the Service. Where both have
// a condition on one header, parameter or label, the audience's holds.
func istioCrossed(audience, everyone []istioMatch) []istioMatch {
	if len(everyone) == 0 {
		everyone = []istioMatch{{}}
	}
	same := func(name string) string { return name }
	var matches []istioMatch
	for _, who := range audience {
		for _, what := range everyone {
			what.Headers = besides(what.Headers, who.Headers, strings.ToLower)
			what.Query = besides(what.Query, who.Query, same)
			what.SourceLabels = besides(what.SourceLabels, who.SourceLabels, same)
			matches = append(matches, what)
		}
	}
	return matches
}

// besides merges conditions, the second map winning; spelled makes names comparable.
func besides[V any](base, over map[string]V, spelled func(string) string) map[string]V {
	if len(over) == 0 {
		return base
	}
	all := maps.Clone(over)
	taken := map[string]bool{}
	for name := range over {
		taken[spelled(name)] = true
	}
	for name, value := range base {
		if !taken[spelled(name)] {
			all[name] = value
		}
	}
	return all
}
