package router

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// An nginxTest is all that nginx can ask of a request: whether one header has one of
// some values, or whether one cookie is "always".
type nginxTest struct {
	header, cookie string
	values         []Text // of the header, any of them
}

// nginxAudience translates spec.analysis.match into annotations, by their names
// without prefix. Its entries are alternatives; what would need two headers, or a header
// together with a cookie, is refused.
func nginxAudience(s Service) (map[string]string, field.ErrorList) {
	path := field.NewPath("spec", "analysis", "match")
	if len(s.Audience) == 0 {
		return nil, field.ErrorList{field.Required(path, "say which requests go to the canary")}
	}
	var test nginxTest
	var problems field.ErrorList
	for i, entry := range s.Audience {
		problems = append(problems, test.add(path.Index(i), entry)...)
	}
	return test.annotations(), problems
}

func (t *nginxTest) add(path *field.Path, m Match) field.ErrorList {
	var problems field.ErrorList
	for _, condition := range []struct {
		name string
		set  bool
	}{
		{"uri", m.URI != Text{}}, {"method", m.Method != Text{}},
		{"queryParams", len(m.Query) > 0}, {"sourceLabels", len(m.SourceLabels) > 0},
	} {
		if condition.set {
			problems = append(problems, field.Forbidden(path.Child(condition.name), "nginx cannot tell a canary's requests by it: use headers"))
		}
	}
	names := slices.Sorted(maps.Keys(m.Headers))
	switch {
	case len(names) == 0:
		return append(problems, field.Required(path.Child("headers"), "name one header, or the cookie of the canary"))
	case len(names) > 1:
		return append(problems, field.Forbidden(path.Child("headers"), fmt.Sprintf(
			"nginx cannot ask for %s together: name one header, and a cookie in an entry of its own", strings.Join(names, " and "))))
	case strings.EqualFold(names[0], cookieHeader):
		return append(problems, t.addCookie(path.Child("headers").Key(names[0]), m.Headers[names[0]])...)
	default:
		return append(problems, t.addHeader(path.Child("headers").Key(names[0]), names[0], m.Headers[names[0]])...)
	}
}

// addCookie: the value is the name of a cookie, as it was under Flagger.
func (t *nginxTest) addCookie(at *field.Path, text Text) field.ErrorList {
	switch {
	case text.Op != Exact:
		return field.ErrorList{field.Forbidden(at.Child(text.Op.field()), "nginx only asks whether a cookie is always: set exact to its name")}
	case !isName(text.Value):
		return field.ErrorList{field.Invalid(at.Child("exact"), text.Value, "is no name of a cookie: set it to the name, and the cookie to always")}
	case t.cookie != "" && t.cookie != text.Value:
		return field.ErrorList{field.Invalid(at.Child("exact"), text.Value, fmt.Sprintf("nginx can ask for one cookie only: use %s here, too", t.cookie))}
	}
	t.cookie = text.Value
	return nil
}

func (t *nginxTest) addHeader(at *field.Path, name string, text Text) field.ErrorList {
	switch {
	case !isName(name):
		return field.ErrorList{field.Invalid(at, name, notName)}
	case t.header != "" && !strings.EqualFold(t.header, name):
		return field.ErrorList{field.Invalid(at, name, fmt.Sprintf("nginx can ask for one header only: use %s here, too", t.header))}
	case text.Value == "":
		return field.ErrorList{field.Required(at, "give a value to compare with: exact, prefix, suffix or regex")}
	}
	if t.header == "" {
		t.header = name
	}
	t.values = append(t.values, text)
	return nil
}

func (t *nginxTest) annotations() map[string]string {
	all := map[string]string{}
	if t.cookie != "" {
		all[canaryByCookie] = t.cookie
	}
	switch {
	case len(t.values) == 0:
	case len(t.values) == 1 && t.values[0].Op == Exact:
		all[canaryByHeader], all[canaryByValue] = t.header, t.values[0].Value
	case len(t.values) == 1:
		all[canaryByHeader], all[canaryByPattern] = t.header, t.values[0].pattern()
	default:
		var patterns []string
		for _, value := range t.values {
			patterns = append(patterns, value.pattern())
		}
		all[canaryByHeader], all[canaryByPattern] = t.header, strings.Join(patterns, "|")
	}
	return all
}

// pattern finds the text where a match anywhere in a string counts. A regular
// expression stays as it is: that is what it means to nginx, and meant to Flagger.
func (text Text) pattern() string {
	switch text.Op {
	case Exact:
		return "^" + regexp.QuoteMeta(text.Value) + "$"
	case Prefix:
		return "^" + regexp.QuoteMeta(text.Value)
	case Suffix:
		return regexp.QuoteMeta(text.Value) + "$"
	case Regex, Any:
	}
	return text.Value
}

// nginxRoute reads the annotations of a canary's Ingress, whatever their prefix.
func nginxRoute(annotations map[string]string) (rollout.Route, error) {
	var prefixes []string
	for key := range annotations {
		if prefix, ok := strings.CutSuffix(key, canaryWeight); ok {
			prefixes = append(prefixes, prefix)
		}
	}
	if len(prefixes) != 1 {
		return rollout.Route{}, fmt.Errorf("%d annotations are a canary-weight where there should be one", len(prefixes))
	}
	prefix := prefixes[0]
	if annotations[prefix+canaryKey] != "true" {
		return rollout.Route{}, fmt.Errorf("annotation %s is %q instead of true", prefix+canaryKey, annotations[prefix+canaryKey])
	}
	share, err := nginxShare(annotations[prefix+canaryWeight], annotations[prefix+canaryTotal])
	if err != nil {
		return rollout.Route{}, err
	}
	_, byHeader := annotations[prefix+canaryByHeader]
	_, byCookie := annotations[prefix+canaryByCookie]
	_, ours := annotations[workload.RenderedAnnotation]
	audience := annotations[audienceKey]
	// A header that people add to ours pins their testers and is not ours to judge.
	tested := (byHeader || byCookie) && (audience == audienceCanary || !ours)
	switch {
	case audience == audienceCanary && !tested:
		return rollout.Route{}, errors.New("neither a header nor a cookie says who is on the canary")
	case tested && share > 0:
		return rollout.Route{}, fmt.Errorf("those who do not match have a weight of %s, too", annotations[prefix+canaryWeight])
	case tested:
		return rollout.Route{Canary: rollout.Full, Match: true}, nil
	case audience == audienceHome && share == 0:
		return rollout.Route{Primary: rollout.Full, Match: true}, nil
	}
	return rollout.Split(share), nil
}

func nginxShare(weight, of string) (int, error) {
	if of == "" {
		of = strconv.Itoa(wholeWeight)
	}
	part, err := strconv.Atoi(weight)
	if err != nil {
		return 0, fmt.Errorf("canary-weight %q is no number", weight)
	}
	total, err := strconv.Atoi(of)
	if err != nil || total <= 0 {
		return 0, fmt.Errorf("canary-weight-total %q is no number above 0", of)
	}
	if part < 0 || part > total {
		return 0, fmt.Errorf("canary-weight %d is not between 0 and %d", part, total)
	}
	return part * rollout.Full / total, nil
}
