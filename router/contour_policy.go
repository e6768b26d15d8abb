package router

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// proxyPolicies are what happens to every request, but for the rewrite of paths,
// which depends on the routes.
func proxyPolicies(s Service) (proxyRoute, field.ErrorList) {
	service := field.NewPath("spec", "service")
	var route proxyRoute
	var more field.ErrorList
	problems := proxyRewritable(s)
	route.TimeoutPolicy, more = proxyTimeout(service.Child("timeout"), s.Timeout)
	problems = append(problems, more...)
	route.RetryPolicy, more = proxyRetry(service.Child("retries"), s.Retries)
	problems = append(problems, more...)
	route.RequestHeadersPolicy, more = proxyHeaderMod(service.Child("headers", "request"), s.Request)
	problems = append(problems, more...)
	route.ResponseHeadersPolicy, more = proxyHeaderMod(service.Child("headers", "response"), s.Response)
	problems = append(problems, more...)
	if s.Rewrite.Authority == "" {
		return route, problems
	}
	if route.RequestHeadersPolicy == nil {
		route.RequestHeadersPolicy = new(proxyHeaders)
	}
	set := &route.RequestHeadersPolicy.Set
	*set = append([]proxyHeader{{Name: hostHeader, Value: s.Rewrite.Authority}}, *set...)
	return route, problems
}

const hostHeader = "Host"

// proxyTimeout bounds a request. Zero seconds would mean the default of Envoy to Contour.
func proxyTimeout(path *field.Path, d time.Duration) (*proxyTimeouts, field.ErrorList) {
	switch d {
	case 0:
		return nil, nil
	case NoTimeout:
		return &proxyTimeouts{Response: "infinity", Idle: proxyIdle}, nil
	}
	text, problems := httpDuration(path, d)
	if text == nil {
		return nil, problems
	}
	return &proxyTimeouts{Response: string(*text), Idle: proxyIdle}, problems
}

// proxyIdle is the time without a byte that Flagger grants, too.
const proxyIdle = "5m"

// Reasons to try again that an HTTPProxy knows.
var proxyReasons = []string{"5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "envoy-ratelimited", "retriable-4xx",
	"refused-stream", "retriable-status-codes", "retriable-headers", "http3-post-connect-failure",
	"cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"}

// proxyRetry is nil without attempts: Contour would take zero of them for one.
func proxyRetry(path *field.Path, retries Retries) (*proxyRetries, field.ErrorList) {
	if retries.Attempts <= 0 {
		return nil, nil
	}
	policy := &proxyRetries{Count: retries.Attempts}
	text, problems := httpDuration(path.Child("perTryTimeout"), retries.PerTryTimeout)
	switch {
	case retries.PerTryTimeout == NoTimeout:
		policy.PerTryTimeout = "infinity"
	case text != nil:
		policy.PerTryTimeout = string(*text)
	}
	for reason := range strings.SplitSeq(retries.On, ",") {
		switch reason = strings.TrimSpace(reason); {
		case reason == "":
		case !slices.Contains(proxyReasons, reason):
			problems = append(problems, field.NotSupported(path.Child("retryOn"), reason, proxyReasons))
		default:
			policy.RetryOn = append(policy.RetryOn, reason)
		}
	}
	return policy, problems
}

// proxyHeaderMod sets and removes headers. Contour compares names without case and
// takes none twice. The host is rewrite.authority, and answers have none.
func proxyHeaderMod(path *field.Path, mod HeaderMod) (*proxyHeaders, field.ErrorList) {
	var problems field.ErrorList
	for _, name := range slices.Sorted(maps.Keys(mod.Add)) {
		problems = append(problems, field.Forbidden(path.Child("add").Key(name), "an HTTPProxy cannot add a value to a header: use set"))
	}
	policy := new(proxyHeaders)
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(mod.Set)) {
		at, key := path.Child("set").Key(name), strings.ToLower(name)
		switch {
		case !isName(name):
			problems = append(problems, field.Invalid(path.Child("set"), name, notName))
		case strings.EqualFold(name, hostHeader):
			problems = append(problems, field.Forbidden(at, "set spec.service.rewrite.authority"))
		case seen[key]:
			problems = append(problems, field.Duplicate(at, name))
		case mod.Set[name] == "":
			problems = append(problems, field.Required(at, "an HTTPProxy sets no empty header: name it in remove"))
		}
		seen[key] = true
		policy.Set = append(policy.Set, proxyHeader{Name: name, Value: mod.Set[name]})
	}
	clear(seen)
	for i, name := range mod.Remove {
		if !isName(name) {
			problems = append(problems, field.Invalid(path.Child("remove").Index(i), name, notName))
		}
		if key := strings.ToLower(name); !seen[key] {
			policy.Remove = append(policy.Remove, name)
			seen[key] = true
		}
	}
	if len(policy.Set)+len(policy.Remove) == 0 {
		return nil, problems
	}
	return policy, problems
}

// proxyRewritable says whether the path can be rewritten: as in a VirtualService it is
// the matched prefix that is replaced, and an HTTPProxy knows nothing else.
func proxyRewritable(s Service) field.ErrorList {
	path := field.NewPath("spec", "service", "rewrite", "uri")
	if s.Rewrite.URI == "" {
		return nil
	}
	if !strings.HasPrefix(s.Rewrite.URI, "/") {
		return field.ErrorList{field.Invalid(path, s.Rewrite.URI, "must begin with /")}
	}
	var problems field.ErrorList
	for i, m := range s.Match {
		if m.URI.Op != Prefix && m.URI.Op != Any {
			problems = append(problems, field.Forbidden(path,
				fmt.Sprintf("an HTTPProxy replaces a prefix, and spec.service.match[%d].uri is none: match a prefix, or remove the rewrite", i)))
		}
	}
	return problems
}

// rewritten routes replace the prefix they match. Where a prefix has one route, Contour
// sees to it that /api/x becomes /x and not //x; where it has several, as under A/B
// testing, it does not, and both forms of the prefix are written out.
func rewritten(routes []proxyRoute, uri string) []proxyRoute {
	if uri == "" {
		return routes
	}
	uri = strings.TrimRight(uri, "/")
	shared := map[string]int{}
	for _, route := range routes {
		shared[strings.TrimRight(route.Conditions[0].Prefix, "/")]++
	}
	var all []proxyRoute
	for _, route := range routes {
		prefix := strings.TrimRight(route.Conditions[0].Prefix, "/")
		switch {
		case prefix == "":
			all = append(all, route.replacing("/", uri+"/"))
		case shared[prefix] == 1:
			all = append(all, route.replacing(route.Conditions[0].Prefix, cmp.Or(uri, "/")))
		default:
			all = append(all, route.replacing(prefix, cmp.Or(uri, "/")), route.replacing(prefix+"/", uri+"/"))
		}
	}
	return all
}

func (route proxyRoute) replacing(prefix, replacement string) proxyRoute {
	route.Conditions = slices.Clone(route.Conditions)
	route.Conditions[0].Prefix = prefix
	route.PathRewritePolicy = &proxyRewrite{ReplacePrefix: []proxyReplacement{{Replacement: replacement}}}
	return route
}
