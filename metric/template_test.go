package metric

import (
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
		{name: "a query that never ends", text: "{{ range 1000000000 }}xxxxxxxx{{ end }}", vars: vars, err: "the query is longer than 65536 bytes"},
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
