package router

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// An appMeshEnd is a node with its weight.
type appMeshEnd struct {
	node   string
	weight int
}

// Routes with a lower priority are tried first. Flagger's are those of the first of each kind.
const (
	appMeshAudience = 10
	appMeshOthers   = 20
)

// An appMeshShape is what the routes of a Service have in common.
type appMeshShape struct {
	version appMeshVersion
	matches []map[string]any // those of the service, any of which may match
	policy  map[string]any   // how requests are tried again; nil if nothing is said of it
	timeout time.Duration    // zero if nothing is said of it
}

func (version appMeshVersion) shape(s Service) (appMeshShape, field.ErrorList) {
	matches, problems := appMeshMatches(s)
	policy, more := version.retries(s.Retries)
	return appMeshShape{version, matches, policy, s.Timeout}, append(problems, more...)
}

// routes of the apex.
func (shape appMeshShape) routes(s Service, r rollout.Route) ([]any, field.ErrorList) {
	var audience []map[string]any
	if r.Match || len(s.Audience) > 0 { // also at rest: a release must not find out in the middle
		insiders, problems := appMeshInsiders(s.Audience)
		if len(problems) > 0 {
			return nil, problems
		}
		for _, insider := range insiders {
			for _, match := range shape.matches {
				audience = append(audience, appMeshBoth(match, insider))
			}
		}
	}
	if problems := appMeshTooMany(field.NewPath("spec", "analysis", "match"), audience); len(problems) > 0 {
		return nil, problems
	}
	primary, canary := r.Weights()
	both := []appMeshEnd{{s.CanaryName(), canary}, {s.PrimaryName(), primary}}
	if !r.Match {
		return shape.each(s.Name, shape.matches, both...), nil
	}
	those := prioritized(appMeshAudience, shape.each(s.Name+"-a", audience, both...))
	others := shape.each(s.Name+"-b", shape.matches, appMeshEnd{s.PrimaryName(), 100})
	return append(those, prioritized(max(appMeshOthers, appMeshAudience+len(those)), others)...), nil
}

// fixed are the routes of the canary's own VirtualService, by which tests reach it.
func (shape appMeshShape) fixed(s Service) []any {
	return shape.each(s.CanaryName(), shape.matches, appMeshEnd{s.CanaryName(), 100}, appMeshEnd{s.PrimaryName(), 0})
}

// each match is a route with the same action, as one route has one match. The first has the name.
func (shape appMeshShape) each(name string, matches []map[string]any, ends ...appMeshEnd) []any {
	var routes []any
	for i, match := range matches {
		route := shape.leading(ends)
		route["match"] = match
		named := map[string]any{"name": name, shape.version.routeKey(): route}
		if i > 0 {
			named["name"] = fmt.Sprintf("%s-%d", name, i+1)
		}
		routes = append(routes, named)
	}
	return routes
}

func (version appMeshVersion) routeKey() string {
	if version == appMeshFirst {
		return "http"
	}
	return "httpRoute"
}

func prioritized(first int, routes []any) []any {
	for i, route := range routes {
		route.(map[string]any)["priority"] = int64(first + i)
	}
	return routes
}

// leading to the ends is a route without its match.
func (shape appMeshShape) leading(ends []appMeshEnd) map[string]any {
	var targets []any
	for _, end := range ends {
		target := map[string]any{"weight": int64(end.weight)}
		switch shape.version {
		case appMeshFirst:
			target["virtualNodeName"] = end.node
		case appMeshSecond:
			target["virtualNodeRef"] = map[string]any{"name": end.node}
		}
		targets = append(targets, target)
	}
	route := map[string]any{"action": map[string]any{"weightedTargets": targets}}
	if shape.policy != nil {
		route["retryPolicy"] = shape.policy
	}
	if shape.version == appMeshSecond && shape.timeout != 0 {
		route["timeout"] = map[string]any{"perRequest": appMeshSpan(shape.timeout)}
	}
	return route
}

// appMeshReasons to try again, by Envoy's words for them. App Mesh's own are taken, too.
var appMeshReasons = map[string]string{
	"5xx": "server-error", "server-error": "server-error", "gateway-error": "gateway-error",
	"retriable-4xx": "client-error", "client-error": "client-error",
	"refused-stream": "stream-error", "stream-error": "stream-error",
	"connect-failure": appMeshConnection, appMeshConnection: appMeshConnection,
}

const appMeshConnection = "connection-error" // the one reason that is not of HTTP

// retries is nil if nothing is said of them. What is left out is as under Flagger.
func (version appMeshVersion) retries(given Retries) (map[string]any, field.ErrorList) {
	if given == (Retries{}) {
		return nil, nil
	}
	path := field.NewPath("spec", "service", "retries")
	pause := given.PerTryTimeout
	if pause == 0 {
		pause = 250 * time.Millisecond
	}
	problems := appMeshWhole(path.Child("perTryTimeout"), pause)
	var http, tcp []any
	for reason := range strings.SplitSeq(given.On, ",") {
		switch word, known := appMeshReasons[strings.TrimSpace(reason)]; {
		case strings.TrimSpace(reason) == "":
		case !known:
			problems = append(problems, field.NotSupported(path.Child("retryOn"), strings.TrimSpace(reason), slices.Sorted(maps.Keys(appMeshReasons))))
		case word == appMeshConnection:
			tcp = []any{word}
		case !slices.Contains(http, any(word)):
			http = append(http, word)
		}
	}
	if len(http)+len(tcp) == 0 {
		http = []any{"gateway-error"}
	}
	policy := map[string]any{"maxRetries": int64(max(given.Attempts, 1))}
	switch version {
	case appMeshFirst:
		policy["perRetryTimeoutMillis"] = max(pause, 0).Milliseconds()
	case appMeshSecond:
		policy["perRetryTimeout"] = appMeshSpan(pause)
	}
	for key, events := range map[string][]any{"httpRetryEvents": http, "tcpRetryEvents": tcp} {
		if len(events) > 0 {
			policy[key] = events
		}
	}
	return policy, problems
}
