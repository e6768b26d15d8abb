package metric

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/serinhq/serin/rollout"
)

// What each provider is asked, written out by hand from the specification: the
// counter with the matchers of all requests, the matcher of good ones, and the
// whole query for the duration with <i> for the interval.
var asked = []struct {
	provider, counter, all, good, duration string
}{
	{
		"istio", "istio_requests_total",
		`reporter="destination",destination_workload_namespace="test",destination_workload=~"podinfo"`, `response_code!~"5.*"`,
		`histogram_quantile(0.99, sum(rate(istio_request_duration_milliseconds_bucket{reporter="destination",destination_workload_namespace="test",destination_workload=~"podinfo"}[<i>])) by (le))`,
	},
	{
		"appmesh", "envoy_cluster_upstream_rq",
		`kubernetes_namespace="test",kubernetes_pod_name=~"podinfo-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)"`, `envoy_response_code!~"5.*"`,
		`histogram_quantile(0.99, sum(rate(envoy_cluster_upstream_rq_time_bucket{kubernetes_namespace="test",kubernetes_pod_name=~"podinfo-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)"}[<i>])) by (le))`,
	},
	{
		"linkerd", "response_total",
		`namespace="test",deployment=~"podinfo",direction="inbound"`, `classification!="failure"`,
		`histogram_quantile(0.99, sum(rate(response_latency_ms_bucket{namespace="test",deployment=~"podinfo",direction="inbound"}[<i>])) by (le))`,
	},
	{
		"contour", "envoy_cluster_upstream_rq",
		`envoy_cluster_name=~"test_podinfo-canary_[0-9a-zA-Z-]+"`, `envoy_response_code!~"5.*"`,
		`histogram_quantile(0.99, sum(rate(envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=~"test_podinfo-canary_[0-9a-zA-Z-]+"}[<i>])) by (le))`,
	},
	{
		"gloo", "envoy_cluster_upstream_rq",
		`envoy_cluster_name=~"test-podinfo-canaryupstream-[0-9a-zA-Z-]+_[0-9a-zA-Z-]+"`, `envoy_response_code!~"5.*"`,
		`histogram_quantile(0.99, sum(rate(envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=~"test-podinfo-canaryupstream-[0-9a-zA-Z-]+_[0-9a-zA-Z-]+"}[<i>])) by (le))`,
	},
	{
		"kubernetes", "http_request_duration_seconds_count",
		`kubernetes_namespace="test",kubernetes_pod_name=~"podinfo-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)"`, `status!~"5.*"`,
		`histogram_quantile(0.99, sum(rate(http_request_duration_seconds_bucket{kubernetes_namespace="test",kubernetes_pod_name=~"podinfo-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)"}[<i>])) by (le)) * 1000`,
	},
	{
		"nginx", "nginx_ingress_controller_requests",
		`namespace="test",ingress="podinfo",canary!=""`, `status!~"5.*"`,
		`sum(rate(nginx_ingress_controller_response_duration_seconds_sum{namespace="test",ingress="podinfo",canary!=""}[<i>])) / sum(rate(nginx_ingress_controller_response_duration_seconds_count{namespace="test",ingress="podinfo",canary!=""}[<i>])) * 1000`,
	},
	{
		"traefik", "traefik_service_request_duration_seconds_bucket",
		`service=~"test-podinfo-canary-[0-9a-zA-Z-]+@kubernetescrd",le="+Inf"`, `code!~"5.."`,
		`histogram_quantile(0.99, sum(rate(traefik_service_request_duration_seconds_bucket{service=~"test-podinfo-canary-[0-9a-zA-Z-]+@kubernetescrd"}[<i>])) by (le)) * 1000`,
	},
	{
		"skipper", "skipper_response_duration_seconds_bucket",
		`route=~"kube(ew)?_test__podinfo_canary__.*__podinfo_canary(_[0-9]+)?",le="+Inf"`, `code!~"5.."`,
		`sum(rate(skipper_serve_route_duration_seconds_sum{route=~"kube(ew)?_test__podinfo_canary__.*__podinfo_canary(_[0-9]+)?"}[<i>])) / sum(rate(skipper_serve_route_duration_seconds_count{route=~"kube(ew)?_test__podinfo_canary__.*__podinfo_canary(_[0-9]+)?"}[<i>])) * 1000`,
	},
	{
		"osm", "osm_request_total",
		`destination_namespace="test",destination_kind="Deployment",destination_name="podinfo"`, `response_code!~"5.*"`,
		`histogram_quantile(0.99, sum(rate(osm_request_duration_ms_bucket{destination_namespace="test",destination_kind="Deployment",destination_name="podinfo"}[<i>])) by (le))`,
	},
	{
		"kuma", "envoy_cluster_upstream_rq",
		`service=~"podinfo-canary_test_svc_[0-9a-zA-Z-]+"`, `envoy_response_code!~"5.*"`,
		`histogram_quantile(0.99, sum(rate(envoy_cluster_upstream_rq_time_bucket{service=~"podinfo-canary_test_svc_[0-9a-zA-Z-]+"}[<i>])) by (le))`,
	},
	{
		"apisix", "apisix_http_status",
		`route=~"test_podinfo-podinfo-canary_.+"`, `code!~"5.."`,
		`histogram_quantile(0.99, sum(rate(apisix_http_latency_bucket{route=~"test_podinfo-podinfo-canary_.+",type=~"request"}[<i>])) by (le))`,
	},
	{
		"knative", "envoy_cluster_upstream_rq",
		`envoy_cluster_name=~"test/podinfo"`, `envoy_response_code!~"5.*"`,
		`histogram_quantile(0.99, sum(rate(envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=~"test/podinfo"}[<i>])) by (le))`,
	},
}

// successQuery is the query for a success rate over a minute.
func successQuery(counter, all, good string) string {
	return fmt.Sprintf("(sum(rate(%[1]s{%[2]s,%[3]s}[1m])) or vector(0)) / sum(rate(%[1]s{%[2]s}[1m])) * 100", counter, all, good)
}

func TestBuiltIn(t *testing.T) {
	vars := Vars{Name: "canary", Namespace: "test", Target: "podinfo"}
	for _, c := range asked {
		t.Run(c.provider, func(t *testing.T) {
			query, source, err := BuiltIn(c.provider, SuccessRate, vars)
			want := successQuery(c.counter, c.all, c.good)
			if query != (Query{Text: want, Window: time.Minute}) || source != rollout.FromSuccessRate || err != nil {
				t.Errorf("got  %v, source %d, error %v\nwant %s", query, source, err, want)
			}
			long := vars
			long.Interval = "90s"
			query, source, err = BuiltIn(c.provider, Duration, long)
			want = strings.ReplaceAll(c.duration, "<i>", "90s")
			if query != (Query{Text: want, Window: 90 * time.Second}) || source != rollout.FromDuration || err != nil {
				t.Errorf("got  %v, source %d, error %v\nwant %s", query, source, err, want)
			}
		})
	}
	if len(asked) != 13 || len(sets) != 14 {
		t.Errorf("%d sets tested, %d providers in the table: want 13, and one more as two share a set", len(asked), len(sets))
	}
}

func TestBuiltInChoosesSet(t *testing.T) {
	counters := map[string]string{} // by set
	for _, c := range asked {
		counters[c.provider] = c.counter + "{" + c.all
	}
	for _, c := range []struct{ provider, set string }{
		{"istio", "istio"},
		{"appmesh", "appmesh"},
		{"appmesh:v1beta2", "appmesh"},
		{"linkerd", "linkerd"},
		{"contour", "contour"},
		{"gloo", "gloo"},
		{"gloo:v1", "gloo"},
		{"nginx", "nginx"},
		{"kubernetes", "kubernetes"},
		{"gatewayapi", "kubernetes"},
		{"gatewayapi:v1", "kubernetes"},
		{"gatewayapi:v1beta1", "kubernetes"},
		{"skipper", "skipper"},
		{"traefik", "traefik"},
		{"osm", "osm"},
		{"kuma", "kuma"},
		{"apisix", "apisix"},
		{"knative", "knative"},
		// Everything else is Istio.
		{"", "istio"},
		{"crossover", "istio"},
		{"smi:v1alpha1", "istio"},
		{"smi:istio", "istio"},
		{"nginx2", "istio"},
		// A plain Service has the telemetry of its provider; in the reference
		// only the names with a version have.
		{"kubernetes:service", "kubernetes"},
		{"nginx:service", "nginx"},
		{"linkerd:service", "linkerd"},
		{"gatewayapi:v1:service", "kubernetes"},
		{"appmesh:v1beta2:service", "appmesh"},
		{"istio:service", "istio"},
	} {
		query, _, err := BuiltIn(c.provider, SuccessRate, Vars{Namespace: "test", Target: "podinfo"})
		if err != nil || !strings.Contains(query.Text, counters[c.set]) {
			t.Errorf("%q: error %v, query %s\nwant the set of %s", c.provider, err, query.Text, c.set)
		}
	}
}

// Names other than the target's, and such that mean something in a pattern.
func TestBuiltInInserts(t *testing.T) {
	full := Vars{
		Name: "canary", Namespace: "test", Target: "target", Service: "service", Ingress: "ingress", Route: "route",
	}
	dotted := Vars{Namespace: "test", Target: "a.b"}
	for _, c := range []struct{ name, provider, want string }{
		{"contour knows the service", "contour", `"test_service-canary_[0-9a-zA-Z-]+"`},
		{"gloo knows the service", "gloo", `"test-service-canaryupstream-[0-9a-zA-Z-]+_[0-9a-zA-Z-]+"`},
		{"traefik knows the service", "traefik", `"test-service-canary-[0-9a-zA-Z-]+@kubernetescrd"`},
		{"kuma knows the service", "kuma", `"service-canary_test_svc_[0-9a-zA-Z-]+"`},
		{"apisix knows the route and the service", "apisix", `"test_route-service-canary_.+"`},
		{"nginx knows the ingress", "nginx", `namespace="test",ingress="ingress",canary!=""`},
		{"skipper knows both", "skipper", `"kube(ew)?_test__ingress_canary__.*__service_canary(_[0-9]+)?"`},
		{"knative knows the revision", "knative", `"test/route"`},
		{"istio knows the target", "istio", `destination_workload=~"target"`},
		{"pods are named after the target", "kubernetes", `"target-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)"`},
	} {
		t.Run(c.name, func(t *testing.T) { contains(t, c.provider, full, c.want) })
	}
	for _, c := range []struct {
		name, provider string
		vars           Vars
		want           string
	}{
		{"a dot in a pattern is a dot", "istio", dotted, `destination_workload=~"a\\.b"`},
		{"a dot in a name is itself", "osm", dotted, `destination_name="a.b"`},
		{"skipper has underscores only", "skipper", Vars{Namespace: "my-ns", Target: "my.app", Ingress: "my-ingress"}, `"kube(ew)?_my_ns__my_ingress_canary__.*__my_app_canary(_[0-9]+)?"`},
		{"a quote in a pattern ends nothing", "istio", Vars{Namespace: "test", Target: `x"} or up{a="`}, `destination_workload=~"x\"\\} or up\\{a=\""`},
		{"a quote in a name ends nothing", "nginx", Vars{Namespace: "test", Target: `x"} or up{a="`}, `ingress="x\"} or up{a=\""`},
		{"a backslash escapes nothing", "osm", Vars{Namespace: "test", Target: `x\`}, `destination_name="x\\"`},
		{"what looks like a template is text", "osm", Vars{Namespace: "test", Target: "{{ interval }}"}, `destination_name="{{ interval }}"`},
	} {
		t.Run(c.name, func(t *testing.T) { contains(t, c.provider, c.vars, c.want) })
	}
}

// contains looks for the wanted text in both queries.
func contains(t *testing.T, provider string, vars Vars, want string) {
	t.Helper()
	for _, name := range []string{SuccessRate, Duration} {
		query, _, err := BuiltIn(provider, name, vars)
		if err != nil || !strings.Contains(query.Text, want) {
			t.Errorf("%s: error %v, query %s\nwant it to contain %s", name, err, query.Text, want)
		}
	}
}

func TestBuiltInRefuses(t *testing.T) {
	for _, c := range []struct{ name, metric, interval, want string }{
		{"an unknown check", "error-rate", "", `there is no built-in metric "error-rate" (there are request-success-rate and request-duration)`},
		{"no check", "", "", `there is no built-in metric "" (there are request-success-rate and request-duration)`},
		{"an interval that is none", SuccessRate, "1min", `render request-success-rate of istio: interval "1min" is not a duration such as 30s or 1m`},
		{"an interval without length", Duration, "0s", `render request-duration of istio: interval "0s" is not positive`},
	} {
		t.Run(c.name, func(t *testing.T) {
			query, _, err := BuiltIn("istio", c.metric, Vars{Target: "podinfo", Interval: c.interval})
			if err == nil || err.Error() != c.want || query != (Query{}) {
				t.Errorf("got %v and %v, want %s", query, err, c.want)
			}
		})
	}
}

func TestProvider(t *testing.T) {
	for _, c := range []struct{ name, mesh, own, want string }{
		{"the mesh's", "istio", "", "istio"},
		{"the canary's own before the mesh's", "istio", "nginx", "nginx"},
		{"in a Linkerd mesh its proxies measure, whoever routes", "linkerd", "nginx", "linkerd"},
		{"in a Linkerd mesh by another name", "smi:linkerd", "gloo", "linkerd"},
		{"another name of a Linkerd mesh stays as it is", "smi:linkerd", "", "smi:linkerd"},
		{"Linkerd itself", "linkerd", "", "linkerd"},
		{"Linkerd for one canary", "istio", "linkerd", "linkerd"},
		{"crossover by any name", "smi:crossover", "", "crossover"},
		{"the canary's own before crossover", "smi:crossover", "nginx", "nginx"},
		{"nothing", "", "", ""},
	} {
		if got := Provider(c.mesh, c.own); got != c.want {
			t.Errorf("%s: Provider(%q, %q) = %q, want %q", c.name, c.mesh, c.own, got, c.want)
		}
	}
}
