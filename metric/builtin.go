package metric

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template"

	"github.com/serinhq/serin/rollout"
)

// The names of the built-in checks.
const (
	SuccessRate = "request-success-rate" // percent of requests that are no server errors
	Duration    = "request-duration"     // milliseconds, mostly the 99th percentile
)

// Provider returns the name under which the built-in checks of a Canary look
// for telemetry: that of its own traffic provider or else of the mesh, the
// provider of the whole controller. In a Linkerd mesh the proxies measure, even
// if something else routes.
func Provider(mesh, own string) string {
	switch {
	case own != "" && strings.Contains(mesh, "linkerd"):
		return "linkerd"
	case own != "":
		return own
	case strings.Contains(mesh, "crossover"):
		return "crossover"
	}
	return mesh
}

// BuiltIn returns the PromQL of a built-in check, SuccessRate or Duration, and
// with it the unit of its values: rollout.FromSuccessRate is percent,
// rollout.FromDuration milliseconds. The provider is one that Provider
// returned; one without telemetry of its own is served by Istio's. The error
// names an unknown check or a bad interval.
func BuiltIn(provider, name string, vars Vars) (Query, rollout.Source, error) {
	found := setOf(provider)
	var text string
	var source rollout.Source
	switch name {
	case SuccessRate:
		text, source = found.success, rollout.FromSuccessRate
	case Duration:
		text, source = found.duration, rollout.FromDuration
	default:
		return Query{}, 0, fmt.Errorf("there is no built-in metric %q (there are %s and %s)", name, SuccessRate, Duration)
	}
	vars = vars.filled()
	query, err := render(text, vars, template.FuncMap{
		"namespace": constant(literal(vars.Namespace)),
		"target":    constant(literal(vars.Target)),
		"service":   constant(literal(vars.Service)),
		"ingress":   constant(literal(vars.Ingress)),
		"route":     constant(literal(vars.Route)),
		"interval":  constant(vars.Interval),
		"regex":     regex,
		"skipper":   skipperName,
	})
	if err != nil {
		return Query{}, 0, fmt.Errorf("render %s of %s: %w", name, provider, err)
	}
	return query, source, nil
}

// A set is what one provider's telemetry is asked: two templates.
type set struct {
	success  string // percent
	duration string // milliseconds
}

// setOf returns the set of a provider. Some come with an API version. The
// suffix says that the canary is a plain Service, which has no telemetry of
// another kind.
func setOf(provider string) set {
	provider = strings.TrimSuffix(provider, ":service")
	for _, versioned := range []string{"appmesh", "gatewayapi", "gloo"} {
		if strings.HasPrefix(provider, versioned) {
			return sets[versioned]
		}
	}
	if found, ok := sets[provider]; ok {
		return found
	}
	return sets["istio"]
}

// Matchers that select the canary's requests. A pod is named after its
// Deployment, ReplicaSet and itself, and so are its two suffixes here. Gloo,
// Traefik, Kuma and APISIX know the canary by its service; the reference asks
// by target there and finds nothing if the two have different names.
const (
	istioCanary   = `reporter="destination",destination_workload_namespace="{{ namespace }}",destination_workload=~"{{ regex target }}"`
	podCanary     = `kubernetes_namespace="{{ namespace }}",kubernetes_pod_name=~"{{ regex target }}-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)"`
	linkerdCanary = `namespace="{{ namespace }}",deployment=~"{{ regex target }}",direction="inbound"`
	contourCanary = `envoy_cluster_name=~"{{ regex namespace }}_{{ regex service }}-canary_[0-9a-zA-Z-]+"`
	glooCanary    = `envoy_cluster_name=~"{{ regex namespace }}-{{ regex service }}-canaryupstream-[0-9a-zA-Z-]+_[0-9a-zA-Z-]+"`
	nginxCanary   = `namespace="{{ namespace }}",ingress="{{ ingress }}",canary!=""`
	traefikCanary = `service=~"{{ regex namespace }}-{{ regex service }}-canary-[0-9a-zA-Z-]+@kubernetescrd"`
	skipperCanary = `route=~"kube(ew)?_{{ skipper namespace }}__{{ skipper ingress }}_canary__.*__{{ skipper service }}_canary(_[0-9]+)?"`
	osmCanary     = `destination_namespace="{{ namespace }}",destination_kind="Deployment",destination_name="{{ target }}"`
	kumaCanary    = `service=~"{{ regex service }}-canary_{{ regex namespace }}_svc_[0-9a-zA-Z-]+"`
	apisixCanary  = `route=~"{{ regex namespace }}_{{ regex route }}-{{ regex service }}-canary_.+"`
	knativeCanary = `envoy_cluster_name=~"{{ regex namespace }}/{{ regex route }}"`

	everything = `le="+Inf"` // the bucket that counts all requests
)

// sets maps providers to their sets.
var sets = map[string]set{
	"istio": {
		success("istio_requests_total", istioCanary, `response_code!~"5.*"`),
		p99("istio_request_duration_milliseconds_bucket", istioCanary),
	},
	"appmesh": {envoySuccess(podCanary), envoyP99(podCanary)},
	"linkerd": {
		success("response_total", linkerdCanary, `classification!="failure"`),
		p99("response_latency_ms_bucket", linkerdCanary),
	},
	"contour":    {envoySuccess(contourCanary), envoyP99(contourCanary)},
	"gloo":       {envoySuccess(glooCanary), envoyP99(glooCanary)},
	"kubernetes": application,
	"gatewayapi": application,
	"nginx": {
		success("nginx_ingress_controller_requests", nginxCanary, `status!~"5.*"`),
		seconds(mean("nginx_ingress_controller_response_duration_seconds", nginxCanary)),
	},
	"traefik": {
		success("traefik_service_request_duration_seconds_bucket", traefikCanary+","+everything, `code!~"5.."`),
		seconds(p99("traefik_service_request_duration_seconds_bucket", traefikCanary)),
	},
	"skipper": {
		success("skipper_response_duration_seconds_bucket", skipperCanary+","+everything, `code!~"5.."`),
		seconds(mean("skipper_serve_route_duration_seconds", skipperCanary)),
	},
	"osm": {
		success("osm_request_total", osmCanary, `response_code!~"5.*"`),
		p99("osm_request_duration_ms_bucket", osmCanary),
	},
	"kuma": {envoySuccess(kumaCanary), envoyP99(kumaCanary)},
	"apisix": {
		success("apisix_http_status", apisixCanary, `code!~"5.."`),
		p99("apisix_http_latency_bucket", apisixCanary+`,type=~"request"`),
	},
	"knative": {envoySuccess(knativeCanary), envoyP99(knativeCanary)},
}

// application is telemetry of the application itself, for providers that have
// none or as many as there are implementations.
var application = set{
	success("http_request_duration_seconds_count", podCanary, `status!~"5.*"`),
	seconds(p99("http_request_duration_seconds_bucket", podCanary)),
}

// success returns the percentage of good requests. A canary on which nothing
// but errors was ever seen has no series of good ones: it counts as zero, as
// else the worst release would read as one without traffic.
func success(counter, canary, good string) string {
	all := fmt.Sprintf(`sum(rate(%s{%s}[{{ interval }}]))`, counter, canary)
	some := fmt.Sprintf(`sum(rate(%s{%s,%s}[{{ interval }}]))`, counter, canary, good)
	return fmt.Sprintf(`(%s or vector(0)) / %s * 100`, some, all)
}

// p99 returns the 99th percentile of a histogram.
func p99(buckets, canary string) string {
	return fmt.Sprintf(`histogram_quantile(0.99, sum(rate(%s{%s}[{{ interval }}])) by (le))`, buckets, canary)
}

// mean returns the mean of a histogram or summary, for telemetry that has no
// buckets of use.
func mean(series, canary string) string {
	const query = `sum(rate(%[1]s_sum{%[2]s}[{{ interval }}])) / sum(rate(%[1]s_count{%[2]s}[{{ interval }}]))`
	return fmt.Sprintf(query, series, canary)
}

// seconds turns a query for seconds into one for milliseconds.
func seconds(query string) string { return query + " * 1000" }

func envoySuccess(canary string) string {
	return success("envoy_cluster_upstream_rq", canary, `envoy_response_code!~"5.*"`)
}

func envoyP99(canary string) string { return p99("envoy_cluster_upstream_rq_time_bucket", canary) }

// A literal is text inside a quoted PromQL string. It prints escaped, so that a
// name cannot end the string it stands in.
type literal string

// String returns the text as it is written between double quotes.
func (l literal) String() string {
	quoted := strconv.Quote(string(l))
	return quoted[1 : len(quoted)-1]
}

// regex returns a pattern that matches the text and nothing else: the dot of
// a.b is a dot.
func regex(l literal) literal { return literal(regexp.QuoteMeta(string(l))) }

// skipperName returns a name as Skipper writes it in the names of routes.
func skipperName(l literal) literal {
	return literal(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
			return r
		}
		return '_'
	}, string(l)))
}
