package router

import (
	"fmt"
	"regexp"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// grpcRoute drives everything that serves GRPCRoutes. One is an HTTPRoute whose paths
// are services and methods: /package.Service/Method.
func grpcRoute() Provider {
	kind := schema.GroupVersionKind{Group: gatewayv1.GroupName, Version: "v1", Kind: "GRPCRoute"}
	caps := Caps{Weight: true, Mirror: true, Match: true, Scoped: true, Affinity: true, PrimaryCookie: true, Parents: true}
	p := gatewayRoutes(kind, caps, gatewayForm{fit: grpcService, shape: grpcRule})
	p.Fields = []string{"gatewayRefs", "hosts", "match", "headers", "mirror"}
	parse := p.Parse
	p.Parse = func(objects []Object) (rollout.Route, bool, error) {
		var plain []Object
		for _, object := range objects {
			plain = append(plain, withoutMethods(object))
		}
		return parse(plain)
	}
	return p
}

// grpcService refuses conditions on what a call does not have.
func grpcService(s Service) (Service, field.ErrorList) {
	s.Rewrite, s.CORS, s.Timeout, s.BackendTimeout = Rewrite{}, CORS{}, 0, 0
	var problems field.ErrorList
	path := field.NewPath("spec", "service", "match")
	for i, m := range s.Match {
		at := path.Index(i)
		problems = append(problems, m.beyond(at, "a GRPCRoute cannot match it: use uri or headers", "uri", "headers")...)
		if _, err := grpcMethodOf(at.Child("uri"), m.URI); err != nil {
			problems = append(problems, err)
		}
	}
	path = field.NewPath("spec", "analysis", "match")
	for i, m := range s.Audience {
		problems = append(problems, m.beyond(path.Index(i), "a GRPCRoute cannot match it: use headers", "headers")...)
		if len(m.Headers) == 0 {
			problems = append(problems, field.Required(path.Index(i), "set headers: without them every call would match"))
		}
	}
	return s, problems
}

// callForm is the path of a call, or of all calls of a service.
var callForm = regexp.MustCompile(`^/(\.?[a-zA-Z_][a-zA-Z_0-9]*(?:\.[a-zA-Z_][a-zA-Z_0-9]*)*)(?:/([A-Za-z_][A-Za-z_0-9]*)?)?$`)

// grpcMethodOf is the condition on a call that a condition on its path means, nil for
// none. A part of a name has no meaning: two services may begin alike.
func grpcMethodOf(path *field.Path, uri Text) (map[string]any, *field.Error) {
	parts := callForm.FindStringSubmatch(uri.Value)
	switch uri.Op {
	case Any:
		return nil, nil
	case Exact:
		if parts == nil || parts[2] == "" {
			return nil, field.Invalid(path.Child("exact"), uri.Value, "a GRPCRoute compares calls: must be /package.Service/Method, or a prefix")
		}
		return map[string]any{"type": "Exact", "service": parts[1], "method": parts[2]}, nil
	case Prefix:
		if uri.Value == "/" {
			return nil, nil
		}
		if parts == nil || parts[2] != "" {
			return nil, field.Invalid(path.Child("prefix"), uri.Value, "a GRPCRoute compares whole names: must be /package.Service/ or /, or use exact")
		}
		return map[string]any{"type": "Exact", "service": parts[1]}, nil
	case Suffix, Regex:
	}
	return nil, field.Forbidden(path.Child(uri.Op.field()), "a GRPCRoute cannot compare paths like this: use exact or prefix")
}

// grpcRule makes conditions on paths those on calls. A match without conditions holds
// for every call, whatever stands beside it.
func grpcRule(rule map[string]any) {
	matches := rule["matches"].([]any)
	for i := range matches {
		match := matches[i].(map[string]any)
		path := match["path"].(map[string]any)
		delete(match, "path")
		text := Text{Prefix, fmt.Sprint(path["value"])}
		if path["type"] == string(gatewayv1.PathMatchExact) {
			text.Op = Exact
		}
		if method, err := grpcMethodOf(nil, text); err == nil && method != nil {
			match["method"] = method
		}
		if len(match) == 0 {
			delete(rule, "matches")
		}
	}
}

// withoutMethods returns a copy that decodes as an HTTPRoute, in which a method is
// something else. A route is read from its backends and headers.
func withoutMethods(object Object) Object {
	object = *object.DeepCopy()
	spec, _ := object.Object["spec"].(map[string]any)
	rules, _ := spec["rules"].([]any)
	for _, rule := range rules {
		fields, _ := rule.(map[string]any)
		matches, _ := fields["matches"].([]any)
		for _, match := range matches {
			if conditions, ok := match.(map[string]any); ok {
				delete(conditions, "method")
			}
		}
	}
	return object
}
