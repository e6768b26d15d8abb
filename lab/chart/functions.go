package chart

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"text/template"

	"sigs.k8s.io/yaml"
)

// functions are those of Helm that the chart uses, with Helm's meaning.
func functions(set *template.Template) template.FuncMap {
	return template.FuncMap{
		"include": func(name string, dot any) (string, error) { return run(set, name, dot) },
		"tpl":     func(text string, dot any) (string, error) { return inline(set, text, dot) },
		"fail":    func(why string) (string, error) { return "", errors.New(why) },
		"toYaml":  toYAML,
		"nindent": func(spaces int, text string) string { return "\n" + indent(spaces, text) },
		"default": func(otherwise, value any) any {
			if empty(value) {
				return otherwise
			}
			return value
		},
		"quote":      func(value any) string { return fmt.Sprintf("%q", fmt.Sprint(value)) },
		"trunc":      func(length int, text string) string { return text[:min(length, len(text))] },
		"trimSuffix": func(suffix, text string) string { return strings.TrimSuffix(text, suffix) },
		"contains":   func(part, text string) bool { return strings.Contains(text, part) },
	}
}

// run executes one template of the set. What is missing in the values reads as
// nothing, as in Helm.
func run(set *template.Template, name string, dot any) (string, error) {
	var text strings.Builder
	if err := set.ExecuteTemplate(&text, name, dot); err != nil {
		return "", err
	}
	return strings.ReplaceAll(text.String(), "<no value>", ""), nil
}

// inline executes a text that may use the definitions of the set.
func inline(set *template.Template, text string, dot any) (string, error) {
	clone, err := set.Clone()
	if err != nil {
		return "", err
	}
	clone.Funcs(functions(clone))
	if _, err := clone.New("tpl").Parse(text); err != nil {
		return "", err
	}
	return run(clone, "tpl", dot)
}

func toYAML(value any) (string, error) {
	text, err := yaml.Marshal(value)
	return strings.TrimSuffix(string(text), "\n"), err
}

func indent(spaces int, text string) string {
	pad := strings.Repeat(" ", spaces)
	return pad + strings.ReplaceAll(text, "\n", "\n"+pad)
}

// empty is Helm's idea of nothing: also false, 0 and a map without entries.
func empty(value any) bool {
	if value == nil {
		return true
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Map, reflect.Slice, reflect.String, reflect.Array:
		return v.Len() == 0
	default:
		return v.IsZero()
	}
}
