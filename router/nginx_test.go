package router

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/serinhq/serin/rollout"
)

func nginxScenes() []scene {
	prefixed := minimalNginx()
	prefixed.Settings.IngressPrefix = "ingress.example.com"
	both := withAudience(minimalNginx(), []Match{
		{Headers: map[string]Text{"x-canary": {Regex, "^(insider|tester)$"}}}, {Headers: map[string]Text{"Cookie": {Exact, "canary"}}}})
	return []scene{
		{"tenths", "a share of tenths of a percent is one of a thousand", minimalNginx(), rollout.Split(5)},
		{"prefix", "annotations of another prefix, by -ingress-annotations-prefix", prefixed, rollout.Split(rollout.Percent(10))},
		{"header-or-cookie", "A/B: those with the header and those with the cookie go to the canary", both, rollout.Route{Canary: rollout.Full, Match: true}},
	}
}

// TestNginxAudience: what becomes of the entries of an audience.
func TestNginxAudience(t *testing.T) {
	header := func(name string, text Text) Match { return Match{Headers: map[string]Text{name: text}} }
	for _, tc := range []struct {
		name     string
		audience []Match
		want     map[string]string
	}{
		{"a value", []Match{header("x-canary", Text{Exact, "insider"})}, map[string]string{"by-header": "x-canary", "by-header-value": "insider"}},
		{"a regular expression, as it is", []Match{header("x-canary", Text{Regex, "in.*"})}, map[string]string{"by-header": "x-canary", "by-header-pattern": "in.*"}},
		{"a beginning", []Match{header("x-canary", Text{Prefix, "in."})}, map[string]string{"by-header": "x-canary", "by-header-pattern": `^in\.`}},
		{"an end", []Match{header("x-canary", Text{Suffix, ".de"})}, map[string]string{"by-header": "x-canary", "by-header-pattern": `\.de$`}},
		{"values of one header", []Match{header("X-Canary", Text{Exact, "a.b"}), header("x-canary", Text{Prefix, "c"})}, map[string]string{"by-header": "X-Canary", "by-header-pattern": `^a\.b$|^c`}},
		{"a cookie by its name", []Match{header("cookie", Text{Exact, "canary"})}, map[string]string{"by-cookie": "canary"}},
		{"a header or a cookie", []Match{header("cookie", Text{Exact, "canary"}), header("x-canary", Text{Exact, "1"})},
			map[string]string{"by-cookie": "canary", "by-header": "x-canary", "by-header-value": "1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			objects, err := Providers["nginx"].Render(withAudience(minimalNginx(), tc.audience), rollout.Route{Canary: rollout.Full, Match: true})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for key, value := range objects[0].GetAnnotations() {
				if by, ok := strings.CutPrefix(key, "nginx.ingress.kubernetes.io/canary-"); ok && by != "weight" {
					got[by] = value
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("annotations (-want +got)\n%s", diff)
			}
		})
	}
}

// TestNginxRefuses an audience of which it would catch another one, before the test.
func TestNginxRefuses(t *testing.T) {
	for _, tc := range []struct {
		name  string
		match []Match
		want  string
	}{
		{"two headers together", []Match{{Headers: map[string]Text{"x-a": {Exact, "1"}, "x-b": {Exact, "1"}}}},
			"spec.analysis.match[0].headers: Forbidden: nginx cannot ask for x-a and x-b together: name one header"},
		{"a header with a cookie", []Match{{Headers: map[string]Text{"cookie": {Exact, "c"}, "x-b": {Exact, "1"}}}}, "nginx cannot ask for cookie and x-b together"},
		{"one header or another", []Match{{Headers: map[string]Text{"x-a": {Exact, "1"}}}, {Headers: map[string]Text{"x-b": {Exact, "1"}}}},
			`spec.analysis.match[1].headers[x-b]: Invalid value: "x-b": nginx can ask for one header only: use x-a here, too`},
		{"one cookie or another", []Match{{Headers: map[string]Text{"cookie": {Exact, "a"}}}, {Headers: map[string]Text{"Cookie": {Exact, "b"}}}},
			`spec.analysis.match[1].headers[Cookie].exact: Invalid value: "b": nginx can ask for one cookie only: use a here, too`},
		{"a cookie by regex", []Match{{Headers: map[string]Text{"cookie": {Regex, ".*canary=always.*"}}}},
			"spec.analysis.match[0].headers[cookie].regex: Forbidden: nginx only asks whether a cookie is always: set exact to its name"},
		{"a cookie with its value", []Match{{Headers: map[string]Text{"cookie": {Exact, "canary=always"}}}}, "is no name of a cookie"},
		{"any value", []Match{{Headers: map[string]Text{"x-a": {}}}}, "spec.analysis.match[0].headers[x-a]: Required value: give a value"},
		{"a header with a blank", []Match{{Headers: map[string]Text{"x a": {Exact, "1"}}}}, `spec.analysis.match[0].headers[x a]: Invalid value: "x a": must be a name`},
		{"a parameter", []Match{{Query: map[string]Text{"q": {Exact, "1"}}}}, "spec.analysis.match[0].queryParams: Forbidden"},
		{"pods of the sender", []Match{{SourceLabels: map[string]string{"app": "a"}}}, "spec.analysis.match[0].sourceLabels: Forbidden"},
		{"everybody", []Match{{}}, "spec.analysis.match[0].headers: Required value: name one header"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Providers["nginx"].Render(withAudience(minimalNginx(), tc.match), rollout.Split(0))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

// TestNginxAdopts what Flagger wrote, and sees what people did to it.
func TestNginxAdopts(t *testing.T) {
	const prefix = "nginx.ingress.kubernetes.io/canary"
	for _, tc := range []struct {
		name  string
		marks map[string]string
		want  rollout.Route
		err   string
	}{
		{"at home", map[string]string{"": "true", "-weight": "0"}, rollout.Split(0), ""},
		{"a step", map[string]string{"": "true", "-weight": "10"}, rollout.Split(rollout.Percent(10)), ""},
		{"a test by header", map[string]string{"": "true", "-weight": "0", "-by-header": "x-canary", "-by-header-value": "insider"}, rollout.Route{Canary: rollout.Full, Match: true}, ""},
		{"a test by cookie", map[string]string{"": "true", "-weight": "0", "-by-cookie": "canary"}, rollout.Route{Canary: rollout.Full, Match: true}, ""},
		{"testers pinned by hand to ours", map[string]string{"": "true", "-weight": "10", "-by-header": "x-me", "rendered": "1"}, rollout.Split(rollout.Percent(10)), ""},
		{"a test that lost its header", map[string]string{"": "true", "-weight": "0", "rendered": "1", "audience": "canary"}, rollout.Route{}, "neither a header nor a cookie says who is on the canary"},
		{"a total by hand", map[string]string{"": "true", "-weight": "1", "-weight-total": "4"}, rollout.Split(rollout.Percent(25)), ""},
		{"no weight", map[string]string{"": "true"}, rollout.Route{}, "0 annotations are a canary-weight"},
		{"a weight of words", map[string]string{"": "true", "-weight": "ten"}, rollout.Route{}, `canary-weight "ten" is no number`},
		{"a weight above the total", map[string]string{"": "true", "-weight": "101"}, rollout.Route{}, "canary-weight 101 is not between 0 and 100"},
		{"a total of nothing", map[string]string{"": "true", "-weight": "0", "-weight-total": "0"}, rollout.Route{}, `canary-weight-total "0" is no number above 0`},
		{"switched off", map[string]string{"": "false", "-weight": "10"}, rollout.Route{}, `canary is "false" instead of true`},
		{"a test and a step", map[string]string{"": "true", "-weight": "10", "-by-header": "x-canary"}, rollout.Route{}, "those who do not match have a weight of 10, too"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			live := written(strings.ReplaceAll(plainIngress, "name: web", "name: web-canary"))
			for name, value := range tc.marks {
				key := prefix + name
				if name == "rendered" || name == "audience" {
					key = "serin.dev/" + name
				}
				live = annotated(live, map[string]string{key: value})
			}
			got, accepted, err := Providers["nginx"].Parse(append(minimalNginx().Live, live))
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Fatalf("got %v, want %q", err, tc.err)
			}
			if got != tc.want || accepted != (tc.err == "") {
				t.Errorf("got %+v, %v", got, accepted)
			}
		})
	}
}
