package router

import (
	"maps"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// What App Mesh allows in one route.
const (
	appMeshHeaders    = 10
	appMeshHeaderName = 50
	appMeshValue      = 255
)

// appMeshMatches are those of the service, any of which may match; all requests without.
func appMeshMatches(s Service) ([]map[string]any, field.ErrorList) {
	if len(s.Match) == 0 {
		return []map[string]any{{"prefix": "/"}}, nil
	}
	var all []map[string]any
	var problems field.ErrorList
	for i, m := range s.Match {
		path := field.NewPath("spec", "service", "match").Index(i)
		match := map[string]any{"prefix": "/"}
		switch {
		case m.URI.Op == Prefix && m.URI.Value != "":
			match["prefix"] = m.URI.Value
		case m.URI.Op != Any:
			problems = append(problems, field.Required(path.Child("uri", "prefix"), "App Mesh compares beginnings of paths: set prefix"))
		}
		switch {
		case m.Method.Op == Exact && slices.Contains(appMeshMethods, m.Method.Value):
			match["method"] = m.Method.Value
		case m.Method.Op != Any:
			problems = append(problems, field.NotSupported(path.Child("method", "exact"), m.Method.Value, appMeshMethods))
		}
		headers, more := appMeshConditions(path, m)
		if problems = append(problems, more...); len(headers) > 0 {
			match["headers"] = headers
		}
		all = append(all, match)
	}
	return all, append(problems, appMeshTooMany(field.NewPath("spec", "service", "match"), all)...)
}

var appMeshMethods = []string{"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}

// appMeshInsiders are the entries of spec.analysis.match, any of which may match.
func appMeshInsiders(entries []Match) ([]map[string]any, field.ErrorList) {
	path := field.NewPath("spec", "analysis", "match")
	if len(entries) == 0 {
		return nil, field.ErrorList{field.Required(path, "say which requests go to the canary")}
	}
	var all []map[string]any
	var problems field.ErrorList
	for i, m := range entries {
		headers, more := appMeshConditions(path.Index(i), m)
		problems = append(problems, more...)
		if len(headers) == 0 && len(more) == 0 {
			problems = append(problems, field.Required(path.Index(i).Child("headers"), "without headers every request would match"))
		}
		all = append(all, map[string]any{"headers": headers})
	}
	return all, problems
}

// appMeshBoth holds if both hold. The second is about headers alone.
func appMeshBoth(match, insiders map[string]any) map[string]any {
	both := maps.Clone(match)
	headers, _ := match["headers"].([]any)
	more, _ := insiders["headers"].([]any)
	both["headers"] = slices.Concat(more, headers)
	return both
}

// appMeshConditions are those on headers. What there is no word for is refused: leaving
// it out would catch requests that are not meant.
func appMeshConditions(path *field.Path, m Match) ([]any, field.ErrorList) {
	problems := m.beyond(path, "routes of App Mesh are not made for it: use headers", "uri", "method", "headers", "withoutHeaders")
	var all []any
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		header, more := appMeshHeader(path.Child("headers"), name, m.Headers[name])
		all, problems = append(all, header), append(problems, more...)
	}
	for _, name := range slices.Sorted(maps.Keys(m.WithoutHeaders)) {
		header, more := appMeshHeader(path.Child("withoutHeaders"), name, m.WithoutHeaders[name])
		header["invert"] = true
		all, problems = append(all, header), append(problems, more...)
	}
	return all, problems
}

func appMeshHeader(path *field.Path, name string, text Text) (map[string]any, field.ErrorList) {
	var problems field.ErrorList
	if !isName(name) || len(name) > appMeshHeaderName {
		problems = append(problems, field.Invalid(path, name, notName+", in App Mesh of at most 50"))
	}
	at := path.Key(name)
	switch n := len(text.Value); {
	case n == 0:
		problems = append(problems, field.Required(at, "App Mesh needs a value to compare with: set exact, prefix, suffix or regex"))
	case n > appMeshValue:
		problems = append(problems, field.TooLong(at, text.Value, appMeshValue))
	}
	key := "exact"
	switch text.Op {
	case Any, Exact:
	case Prefix:
		key = "prefix"
	case Suffix:
		key = "suffix"
	case Regex:
		key = "regex"
		if _, err := regexp.Compile(text.Value); err != nil {
			problems = append(problems, field.Invalid(at.Child(key), text.Value, "must be a regular expression of RE2: "+err.Error()))
		}
	}
	return map[string]any{"name": name, "match": map[string]any{key: text.Value}}, problems
}

// appMeshTooMany refuses a route that App Mesh would not take.
func appMeshTooMany(path *field.Path, matches []map[string]any) field.ErrorList {
	for _, match := range matches {
		if headers, _ := match["headers"].([]any); len(headers) > appMeshHeaders {
			return field.ErrorList{field.TooMany(path.Child("headers"), len(headers), appMeshHeaders)}
		}
	}
	return nil
}
