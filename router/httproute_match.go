package router

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// What the API server accepts in names, values and paths.
var (
	nameForm = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+\\-.^_`|~]+$")
	pathForm = regexp.MustCompile(`^/(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*$`)
	badPath  = regexp.MustCompile(`//|/\./|/\.\./|%2[fF]|/\.\.?$`)
)

const (
	maxName        = 256
	maxValue       = 1024 // of a path or query parameter
	maxHeaderValue = 4096
)

var httpMethods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}

func parentRefs(s Service) ([]gatewayv1.ParentReference, field.ErrorList) {
	path := field.NewPath("spec", "service", "gatewayRefs")
	if len(s.Parents) == 0 {
		return nil, field.ErrorList{field.Required(path, "name the Gateway that carries the traffic")}
	}
	var problems field.ErrorList
	if len(s.Parents) > maxParents {
		problems = append(problems, field.TooMany(path, len(s.Parents), maxParents))
	}
	var refs []gatewayv1.ParentReference
	for i, p := range s.Parents {
		for _, other := range s.Parents[:i] {
			if other.object() == p.object() && (other.SectionName == "" || p.SectionName == "" || other.SectionName == p.SectionName) {
				problems = append(problems, field.Duplicate(path.Index(i).Child("sectionName"), p.SectionName))
				break
			}
		}
		refs = append(refs, p.reference())
	}
	return refs, problems
}

// object is the parent without the part of it that is meant.
func (p Parent) object() Parent {
	if p.Group == "" {
		p.Group = gatewayv1.GroupName
	}
	if p.Kind == "" {
		p.Kind = "Gateway"
	}
	p.SectionName, p.Port = "", 0
	return p
}

func (p Parent) reference() gatewayv1.ParentReference {
	object := p.object()
	ref := gatewayv1.ParentReference{
		Group: new(gatewayv1.Group(object.Group)),
		Kind:  new(gatewayv1.Kind(object.Kind)),
		Name:  gatewayv1.ObjectName(p.Name),
	}
	if p.Namespace != "" {
		ref.Namespace = new(gatewayv1.Namespace(p.Namespace))
	}
	if p.SectionName != "" {
		ref.SectionName = new(gatewayv1.SectionName(p.SectionName))
	}
	if p.Port != 0 {
		ref.Port = new(gatewayv1.PortNumber(p.Port))
	}
	return ref
}

func hostnames(s Service) ([]gatewayv1.Hostname, field.ErrorList) {
	path := field.NewPath("spec", "service", "hosts")
	var problems field.ErrorList
	if len(s.Hosts) > maxHostnames {
		problems = append(problems, field.TooMany(path, len(s.Hosts), maxHostnames))
	}
	var names []gatewayv1.Hostname
	for i, host := range s.Hosts {
		wild := len(validation.IsWildcardDNS1123Subdomain(host)) == 0
		if !wild && len(validation.IsDNS1123Subdomain(host)) > 0 {
			problems = append(problems, field.Invalid(path.Index(i), host, "must be a host name or *.domain; leave hosts empty for every host"))
		}
		names = append(names, gatewayv1.Hostname(host))
	}
	return names, problems
}

// httpMatches translates spec.service.match; no entry matches every request.
func httpMatches(path *field.Path, entries []Match) ([]gatewayv1.HTTPRouteMatch, field.ErrorList) {
	if len(entries) == 0 {
		entries = []Match{{}}
	}
	var matches []gatewayv1.HTTPRouteMatch
	var problems field.ErrorList
	for i, m := range entries {
		at := path.Index(i)
		problems = append(problems, unmatchable(at, m)...)
		match := gatewayv1.HTTPRouteMatch{}
		var more field.ErrorList
		match.Path, more = pathMatch(at.Child("uri"), m.URI)
		problems = append(problems, more...)
		match.Method, more = methodMatch(at.Child("method"), m.Method)
		problems = append(problems, more...)
		match.Headers, more = headerMatches(at.Child("headers"), m.Headers)
		problems = append(problems, more...)
		match.QueryParams, more = queryMatches(at.Child("queryParams"), m.Query)
		problems = append(problems, more...)
		matches = append(matches, match)
	}
	return matches, problems
}

// unmatchable refuses conditions that an HTTPRoute has no words for. Leaving one
// out would catch requests that are not meant.
func unmatchable(path *field.Path, m Match) field.ErrorList {
	return m.beyond(path, "an HTTPRoute cannot match it: use uri, method, headers or queryParams", "uri", "method", "headers", "queryParams")
}

func pathMatch(path *field.Path, uri Text) (*gatewayv1.HTTPPathMatch, field.ErrorList) {
	var kind gatewayv1.PathMatchType
	switch uri.Op {
	case Any:
		kind, uri.Value = gatewayv1.PathMatchPathPrefix, "/"
	case Exact:
		kind = gatewayv1.PathMatchExact
	case Prefix:
		kind = gatewayv1.PathMatchPathPrefix
	case Regex:
		if uri.Value == "" || len(uri.Value) > maxValue {
			return nil, field.ErrorList{field.Invalid(path.Child("regex"), uri.Value, "must have 1 to 1024 characters")}
		}
		return &gatewayv1.HTTPPathMatch{Type: new(gatewayv1.PathMatchRegularExpression), Value: &uri.Value}, nil
	case Suffix:
		return nil, field.ErrorList{unsupported(path, uri, "exact, prefix or regex")}
	default:
		return nil, field.ErrorList{unsupported(path, uri, "exact, prefix or regex")}
	}
	if !pathForm.MatchString(uri.Value) || badPath.MatchString(uri.Value) || len(uri.Value) > maxValue {
		return nil, field.ErrorList{field.Invalid(path.Child(uri.Op.field()), uri.Value,
			"must begin with /, without //, /./, /../, %2F, # and characters that no path has, at most 1024 characters")}
	}
	return &gatewayv1.HTTPPathMatch{Type: &kind, Value: &uri.Value}, nil
}

func methodMatch(path *field.Path, method Text) (*gatewayv1.HTTPMethod, field.ErrorList) {
	switch {
	case method.Op == Any:
		return nil, nil
	case method.Op != Exact:
		return nil, field.ErrorList{unsupported(path, method, "exact")}
	case !slices.Contains(httpMethods, method.Value):
		return nil, field.ErrorList{field.NotSupported(path.Child("exact"), method.Value, httpMethods)}
	default:
		return new(gatewayv1.HTTPMethod(method.Value)), nil
	}
}

func headerMatches(path *field.Path, headers map[string]Text) ([]gatewayv1.HTTPHeaderMatch, field.ErrorList) {
	matches, problems := namedMatches(path, headers, maxHeaderValue)
	var translated []gatewayv1.HTTPHeaderMatch
	for _, m := range matches {
		kind := gatewayv1.HeaderMatchExact
		if m.regex {
			kind = gatewayv1.HeaderMatchRegularExpression
		}
		translated = append(translated, gatewayv1.HTTPHeaderMatch{Type: &kind, Name: gatewayv1.HTTPHeaderName(m.name), Value: m.value})
	}
	return translated, problems
}

func queryMatches(path *field.Path, params map[string]Text) ([]gatewayv1.HTTPQueryParamMatch, field.ErrorList) {
	matches, problems := namedMatches(path, params, maxValue)
	var translated []gatewayv1.HTTPQueryParamMatch
	for _, m := range matches {
		kind := gatewayv1.QueryParamMatchExact
		if m.regex {
			kind = gatewayv1.QueryParamMatchRegularExpression
		}
		translated = append(translated, gatewayv1.HTTPQueryParamMatch{Type: &kind, Name: gatewayv1.HTTPHeaderName(m.name), Value: m.value})
	}
	return translated, problems
}

type namedMatch struct {
	name, value string
	regex       bool
}

// namedMatches lists conditions by name, sorted.
func namedMatches(path *field.Path, conditions map[string]Text, longest int) ([]namedMatch, field.ErrorList) {
	var matches []namedMatch
	var problems field.ErrorList
	if len(conditions) > maxHeaders {
		problems = append(problems, field.TooMany(path, len(conditions), maxHeaders))
	}
	for _, name := range slices.Sorted(maps.Keys(conditions)) {
		text := conditions[name]
		switch {
		case text.Op != Exact && text.Op != Regex:
			problems = append(problems, unsupported(path.Key(name), text, "exact or regex"))
		case !isName(name):
			problems = append(problems, field.Invalid(path, name, notName))
		case text.Value == "" || len(text.Value) > longest:
			problems = append(problems, field.Invalid(path.Key(name).Child(text.Op.field()), text.Value, fmt.Sprintf("must have 1 to %d characters", longest)))
		default:
			matches = append(matches, namedMatch{name: name, value: text.Value, regex: text.Op == Regex})
		}
	}
	return matches, problems
}

// isName reports whether a header or query parameter can have this name.
func isName(name string) bool { return nameForm.MatchString(name) && len(name) <= maxName }

const notName = "must be a name of 1 to 256 letters, digits and !#$%&'*+-.^_`|~"

// unsupported says which comparisons there are instead of the one asked for.
func unsupported(path *field.Path, text Text, instead string) *field.Error {
	if text.Op == Any {
		return field.Required(path, "the Gateway API needs a value to compare with: set "+instead)
	}
	return field.Forbidden(path.Child(text.Op.field()), "the Gateway API cannot compare like this: use "+instead)
}

// field is the comparison as it is written in a Canary.
func (op Op) field() string {
	switch op {
	case Any:
		return "any"
	case Exact:
		return "exact"
	case Prefix:
		return "prefix"
	case Suffix:
		return "suffix"
	case Regex:
		return "regex"
	default:
		return "unknown"
	}
}
