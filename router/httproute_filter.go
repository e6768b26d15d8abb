package router

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// httpFilters lists what happens to every request, each type once but for
// mirrors. Places are kept free for the mirror of an analysis, and for a cookie
// where no filter changes answers yet.
func httpFilters(s Service) ([]gatewayv1.HTTPRouteFilter, field.ErrorList) {
	service := field.NewPath("spec", "service")
	var filters []gatewayv1.HTTPRouteFilter
	request, problems := headerFilter(service.Child("headers", "request"), s.Request)
	if request != nil {
		filters = append(filters, gatewayv1.HTTPRouteFilter{Type: gatewayv1.HTTPRouteFilterRequestHeaderModifier, RequestHeaderModifier: request})
	}
	response, more := headerFilter(service.Child("headers", "response"), s.Response)
	problems = append(problems, more...)
	if response != nil {
		filters = append(filters, gatewayv1.HTTPRouteFilter{Type: gatewayv1.HTTPRouteFilterResponseHeaderModifier, ResponseHeaderModifier: response})
	}
	rewrite, more := rewriteFilter(s)
	problems = append(problems, more...)
	if rewrite != nil {
		filters = append(filters, gatewayv1.HTTPRouteFilter{Type: gatewayv1.HTTPRouteFilterURLRewrite, URLRewrite: rewrite})
	}
	for i, b := range s.Mirrors {
		at := service.Child("mirror").Index(i).Child("backendRef")
		filter := mirrored(b)
		if isEnd(filter.RequestMirror.BackendRef, s.Namespace, s.CanaryName()) {
			problems = append(problems, field.Forbidden(at.Child("name"), "the analysis mirrors to the canary: use spec.analysis.mirror"))
		}
		if b.Port == 0 && *filter.RequestMirror.BackendRef.Kind == "Service" {
			problems = append(problems, field.Required(at.Child("port"), "a Service needs one"))
		}
		filters = append(filters, filter)
	}
	cors, more := corsFilter(service.Child("corsPolicy"), s.CORS)
	problems = append(problems, more...)
	if cors != nil {
		filters = append(filters, gatewayv1.HTTPRouteFilter{Type: gatewayv1.HTTPRouteFilterCORS, CORS: cors})
	}
	room := maxFilters - 1
	if s.Affinity.Cookie != "" && response == nil {
		room--
	}
	if len(filters) > room {
		problems = append(problems, field.TooMany(service.Child("mirror"), len(s.Mirrors), len(s.Mirrors)-len(filters)+room))
	}
	return filters, problems
}

func headerFilter(path *field.Path, mod HeaderMod) (*gatewayv1.HTTPHeaderFilter, field.ErrorList) {
	if len(mod.Add)+len(mod.Set)+len(mod.Remove) == 0 {
		return nil, nil
	}
	set, problems := headerList(path.Child("set"), mod.Set)
	add, more := headerList(path.Child("add"), mod.Add)
	problems = append(problems, more...)
	remove := distinct(mod.Remove)
	if len(remove) > maxHeaders {
		problems = append(problems, field.TooMany(path.Child("remove"), len(remove), maxHeaders))
	}
	return &gatewayv1.HTTPHeaderFilter{Set: set, Add: add, Remove: remove}, problems
}

func headerList(path *field.Path, headers map[string]string) ([]gatewayv1.HTTPHeader, field.ErrorList) {
	var list []gatewayv1.HTTPHeader
	var problems field.ErrorList
	if len(headers) > maxHeaders {
		problems = append(problems, field.TooMany(path, len(headers), maxHeaders))
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		value := headers[name]
		if !isName(name) {
			problems = append(problems, field.Invalid(path, name, notName))
		}
		if value == "" || len(value) > maxHeaderValue {
			problems = append(problems, field.Invalid(path.Key(name), value, fmt.Sprintf("must have 1 to %d characters", maxHeaderValue)))
		}
		list = append(list, gatewayv1.HTTPHeader{Name: gatewayv1.HTTPHeaderName(name), Value: value})
	}
	return list, problems
}

func rewriteFilter(s Service) (*gatewayv1.HTTPURLRewriteFilter, field.ErrorList) {
	path := field.NewPath("spec", "service", "rewrite")
	if s.Rewrite.Authority == "" && s.Rewrite.URI == "" {
		return nil, nil
	}
	var problems field.ErrorList
	filter := &gatewayv1.HTTPURLRewriteFilter{}
	if host := s.Rewrite.Authority; host != "" {
		if len(validation.IsDNS1123Subdomain(host)) > 0 {
			problems = append(problems, field.Invalid(path.Child("authority"), host, "must be a host name without port"))
		}
		filter.Hostname = new(gatewayv1.PreciseHostname(host))
	}
	if len(s.Rewrite.URI) > maxValue {
		problems = append(problems, field.TooLong(path.Child("uri"), "", maxValue))
	}
	switch {
	case s.Rewrite.URI == "":
		return filter, problems
	case !s.Rewrite.PrefixOnly:
		filter.Path = &gatewayv1.HTTPPathModifier{Type: gatewayv1.FullPathHTTPPathModifier, ReplaceFullPath: &s.Rewrite.URI}
		return filter, problems
	}
	for i, m := range s.Match {
		if m.URI.Op != Prefix && m.URI.Op != Any {
			problems = append(problems, field.Forbidden(path.Child("type"),
				fmt.Sprintf("ReplacePrefixMatch needs a prefix, and spec.service.match[%d].uri is none: match a prefix, or remove the type", i)))
		}
	}
	filter.Path = &gatewayv1.HTTPPathModifier{Type: gatewayv1.PrefixMatchHTTPPathModifier, ReplacePrefixMatch: &s.Rewrite.URI}
	return filter, problems
}

// mirrored copies all requests to a backend.
func mirrored(b Backend) gatewayv1.HTTPRouteFilter {
	return gatewayv1.HTTPRouteFilter{
		Type:          gatewayv1.HTTPRouteFilterRequestMirror,
		RequestMirror: &gatewayv1.HTTPRequestMirrorFilter{BackendRef: backend(b)},
	}
}

// backend spells the defaults out, so that the live object looks the same.
func backend(b Backend) gatewayv1.BackendObjectReference {
	if b.Kind == "" {
		b.Kind = "Service"
	}
	ref := gatewayv1.BackendObjectReference{
		Group: new(gatewayv1.Group(b.Group)),
		Kind:  new(gatewayv1.Kind(b.Kind)),
		Name:  gatewayv1.ObjectName(b.Name),
	}
	if b.Namespace != "" {
		ref.Namespace = new(gatewayv1.Namespace(b.Namespace))
	}
	if b.Port != 0 {
		ref.Port = new(gatewayv1.PortNumber(b.Port))
	}
	return ref
}

// distinct keeps the first of equal elements, in their order: the API server
// takes these lists for sets.
func distinct[E comparable](list []E) []E {
	var kept []E
	for _, e := range list {
		if !slices.Contains(kept, e) {
			kept = append(kept, e)
		}
	}
	return kept
}

func httpTimeouts(s Service) (*gatewayv1.HTTPRouteTimeouts, field.ErrorList) {
	path := field.NewPath("spec", "service")
	if s.Timeout == 0 && s.BackendTimeout == 0 {
		return nil, nil
	}
	timeouts := &gatewayv1.HTTPRouteTimeouts{}
	var problems field.ErrorList
	timeouts.Request, problems = httpDuration(path.Child("timeout"), s.Timeout)
	var more field.ErrorList
	timeouts.BackendRequest, more = httpDuration(path.Child("backendTimeout"), s.BackendTimeout)
	problems = append(problems, more...)
	if s.Timeout > 0 && s.BackendTimeout > s.Timeout {
		problems = append(problems, field.Invalid(path.Child("backendTimeout"), s.BackendTimeout.String(), "must not be longer than spec.service.timeout, "+s.Timeout.String()))
	}
	return timeouts, problems
}

// httpDuration writes whole hours, minutes, seconds and milliseconds, the only
// form of a duration that Gateway API knows.
func httpDuration(path *field.Path, d time.Duration) (*gatewayv1.Duration, field.ErrorList) {
	switch {
	case d == 0:
		return nil, nil
	case d == NoTimeout:
		return new(gatewayv1.Duration("0s")), nil
	case d < 0 || d%time.Millisecond != 0 || d >= 100000*time.Hour:
		return nil, field.ErrorList{field.Invalid(path, d.String(), "must be whole milliseconds below 100000h")}
	}
	var text strings.Builder
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if n := d / unit.size; n > 0 {
			fmt.Fprintf(&text, "%d%s", n, unit.name)
		}
		d %= unit.size
	}
	return new(gatewayv1.Duration(text.String())), nil
}
