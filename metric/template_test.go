package metric

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestRender(t *testing.T) {
	vars := Vars{
		Name: "canary", Namespace: "test", Target: "target", Service: "service", Ingress: "ingress", Route: "route",
		Interval: "2m", Variables: map[string]string{"first": "abc", "second": "def"},
	}
	short := Vars{Name: "podinfo", Namespace: "test", Target: "podinfo"}
	long := short
	long.Variables = map[string]string{"long": strings.Repeat("x", 10_000)}
	for _, c := range []struct {
		name, text string
		vars       Vars
		want       string
		err        string // part of the error
	}{
		{name: "all functions", text: "{{ name }} {{namespace}} {{ target }} {{ service }} {{ ingress }} {{ route }} {{ interval }}", vars: vars, want: "canary test target service ingress route 2m"},
		{name: "defaults", text: "{{ service }} {{ ingress }} {{ route }} [{{ interval }}]", vars: short, want: "podinfo podinfo podinfo [1m]"},
		{name: "variables by key", text: "{{ variables.first }}-{{ variables.second }}", vars: vars, want: "abc-def"},
		{name: "variables by index", text: `{{ index variables "first" }}`, vars: vars, want: "abc"},
		{name: "printf, as in the Skipper tutorial", text: `{{ printf "kube_%s__%s_canary" namespace ingress }}`, vars: vars, want: "kube_test__ingress_canary"},
		{name: "if, eq, range, pipelines, trim markers", text: `{{ if eq namespace "test" -}} a {{- end }}{{ range $k, $v := variables }}{{ $k | printf "[%s]" }}{{ $v }}{{ end }}`, vars: vars, want: "a[first]abc[second]def"},
		{name: "values are inserted as they are", text: "{{ target }}", vars: Vars{Target: `a"b<c>`}, want: `a"b<c>`},
		{name: "white space is the backend's business", text: " a\n b ", vars: vars, want: " a\n b "},
		{name: "text without templates", text: "vector(1)", vars: vars, want: "vector(1)"},

		{name: "a variable that was not given", text: "{{ variables.third }}", vars: vars, err: `map has no entry for key "third"`},
		{name: "a variable, and none were given", text: "{{ variables.first }}", vars: short, err: `map has no entry for key "first"`},
		{name: "a function that does not exist", text: "{{ upper target }}", vars: vars, err: `function "upper" not defined`},
		{name: "a field", text: "{{ .Target }}", vars: vars, err: "nil data"},
		{name: "a template that does not parse names its line", text: "a\n{{ target", vars: vars, err: "template: query:2: unclosed action"},
		{name: "an empty query", text: " {{ if false }}x{{ end }}\n", vars: vars, err: "the query is empty"},
		{name: "a long query", text: `{{ range 100 }}{{ printf "%999s" target }}{{ end }}`, vars: vars, err: "the query is longer than 65536 bytes"},
		{name: "a long template", text: strings.Repeat("{{ /* nothing */ }}", 4000), vars: vars, err: "the template of the query is longer than 65536 bytes"},
		{name: "rounds that a query may need", text: `{{ range 900 }}{{ if true }}{{ continue }}{{ end }}{{ end }}up`, vars: vars, want: "up"},
		{name: "a loop that never ends", text: "{{ range 1000000000000 }}{{ end }}up", vars: vars, err: "more than 1000 rounds"},
		{name: "and goes on before its end", text: "{{ range 1000000000000 }}{{ continue }}{{ end }}up", vars: vars, err: "more than 1000 rounds"},
		{name: "in other blocks", text: "{{ if true }}{{ with target }}{{ range 1000000000000 }}{{ end }}{{ end }}{{ end }}up", vars: vars, err: "more than 1000 rounds"},
		{name: "where nothing is found", text: "{{ range 0 }}{{ else }}{{ range 1000000000000 }}{{ end }}{{ end }}up", vars: vars, err: "more than 1000 rounds"},
		{name: "loops in loops", text: "{{ range 999 }}{{ range 999 }}{{ end }}{{ end }}up", vars: vars, err: "more than 1000 rounds"},
		{name: "a template that calls itself", text: `{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}`, vars: vars, err: "more than 1000 rounds"},
		{name: "templates that double", text: doubling(40), vars: vars, err: "more than 1000 rounds"},
		{name: "a text that doubles", text: `{{ $x := "xx" }}{{ range 40 }}{{ $x = print $x $x }}{{ end }}up`, vars: vars, err: "more than 1048576 bytes of text"},
		{name: "variables that are repeated", text: `{{ $x := "" }}{{ range 999 }}{{ $x = print variables $x }}{{ end }}`, vars: long, err: "more than 1048576 bytes of text"},
		{name: "escapes of escapes", text: `{{ $x := "&&&&&&&&" }}{{ range 999 }}{{ $x = html $x }}{{ end }}`, vars: vars, err: "more than 1048576 bytes of text"},
		{name: "a wide format", text: `{{ $x := printf "%01000000d" 1 }}up`, vars: vars, err: `the format "%01000000d" has a width`},
		{name: "a width that is a value", text: `{{ $x := printf "%*d" 1000000 1 }}up`, vars: vars, err: `the format "%*d" has a width`},
		{name: "an interval that is none", text: "up", vars: Vars{Interval: "often"}, err: `interval "often" is not a duration such as 30s or 1m`},
		{name: "a negative interval", text: "up", vars: Vars{Interval: "-1m"}, err: `interval "-1m" is not positive`},
	} {
		t.Run(c.name, func(t *testing.T) {
			query, err := Render(c.text, c.vars)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || query != (Query{}) {
					t.Errorf("got %v and %v, want error %q", query, err, c.err)
				}
				return
			}
			window := time.Minute
			if c.vars.Interval != "" {
				window = 2 * time.Minute
			}
			if want := (Query{Text: c.want, Window: window}); err != nil || query != want {
				t.Errorf("got %v and %v, want %v", query, err, want)
			}
		})
	}
}

// doubling is a query of templates of which each has the next one twice.
func doubling(depth int) string {
	var text strings.Builder
	for i := range depth {
		fmt.Fprintf(&text, `{{ define "%d" }}{{ template "%[2]d" }}{{ template "%[2]d" }}{{ end }}`, i, i+1)
	}
	fmt.Fprintf(&text, `{{ define "%d" }}{{ end }}{{ template "0" }}up`, depth)
	return text.String()
}
