package router

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// beyond refuses the conditions of an entry that a traffic system has no words for:
// all that are set but those it is able to express. Leaving one out would catch
// requests that are not meant.
func (m Match) beyond(path *field.Path, why string, able ...string) field.ErrorList {
	var problems field.ErrorList
	for _, condition := range []struct {
		name string
		set  bool
	}{
		{"uri", m.URI != Text{}},
		{"scheme", m.Scheme != Text{}},
		{"method", m.Method != Text{}},
		{"authority", m.Authority != Text{}},
		{"headers", len(m.Headers) > 0},
		{"withoutHeaders", len(m.WithoutHeaders) > 0},
		{"queryParams", len(m.Query) > 0},
		{"ignoreUriCase", m.IgnoreURICase},
		{"port", m.Port != 0},
		{"gateways", len(m.Gateways) > 0},
		{"sourceLabels", len(m.SourceLabels) > 0},
		{"sourceNamespace", m.SourceNamespace != ""},
	} {
		if condition.set && !slices.Contains(able, condition.name) {
			problems = append(problems, field.Forbidden(path.Child(condition.name), why))
		}
	}
	return problems
}
