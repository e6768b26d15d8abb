package v1beta1

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// said are the errors as people read them.
func said(errs field.ErrorList) []string {
	var lines []string
	for _, err := range errs {
		lines = append(lines, err.Error())
	}
	return lines
}

// knativeOf is a Canary about a Knative Service in place of its Deployment.
func knativeOf(canary string) string {
	return strings.Replace(canary, "apiVersion: apps/v1, kind: Deployment", "apiVersion: serving.knative.dev/v1, kind: Service", 1)
}

func serverless() Features {
	return Features{Provider: "knative", Available: []string{"knative"}, Routes: true, Weight: true, Whole: true}
}

func TestCompileRefuses(t *testing.T) {
	plainFeatures, blocked, weightless := plain(), gateway(), gateway()
	blocked.SameNamespaceOnly = true
	old := gateway()
	old.NoCORS = true
	single, whole := gateway(), gateway()
	single.Lacks.Mirror = Lack{Class: "traefik", Feature: "HTTPRouteRequestMirror"}
	single.Lacks.MirrorShare = Lack{Class: "traefik", Feature: "HTTPRouteRequestPercentageMirror"}
	whole.Lacks.MirrorShare = Lack{Class: "simple", Feature: "HTTPRouteRequestPercentageMirror"}
	weightless.Weight, weightless.Mirror, weightless.Match = false, false, false
	tests := []struct {
		name     string
		text     string
		features Features
		want     []string
	}{
		{"a Service under another name", strings.NewReplacer("kind: Deployment", "kind: Service", "{port: 9898,", "{name: shop, port: 9898,").
			Replace(withAnalysis("stepWeight: 10")), gateway(), []string{
			`spec.service.name: Invalid value: "shop": the copies of a Service are named after it, so that the route must be too; remove the field`,
		}},
		{"a DaemonSet with an autoscaler", strings.Replace(withSpec("autoscalerRef: {apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, name: a}\n"+
			"analysis: {interval: 1m, threshold: 1, stepWeight: 10}"), "kind: Deployment", "kind: DaemonSet", 1), gateway(), []string{
			`spec.autoscalerRef: Forbidden: a DaemonSet has no replicas that an autoscaler could set; remove the field`,
		}},
		{"corsPolicy, and routes too old for it", strings.Replace(withAnalysis("stepWeight: 10"), "{port: 9898,", "{port: 9898, corsPolicy: {maxAge: 24h}, ", 1), old, []string{
			`spec.service.corsPolicy: Forbidden: the routes of the provider gatewayapi:v1 have no field for it in the version that the cluster has: install a newer one (Gateway API 1.5 or its experimental channel), or remove the field`,
		}},
		{"a class of gateways that copies nothing", withAnalysis("stepWeight: 10\nmirror: true\nmirrorWeight: 50"), single, []string{
			`spec.analysis.mirror: Forbidden: GatewayClass traefik, of spec.service.gatewayRefs, does not list HTTPRouteRequestMirror in status.supportedFeatures, and may answer every request with an error: remove the field, name a Gateway of another class, or set another spec.provider`,
		}},
		{"the same, and copies for others", strings.Replace(withSpec("skipAnalysis: true"), "{port: 9898,",
			"{port: 9898, mirror: [{backendRef: {name: audit, port: 80}}], ", 1), single, []string{
			`spec.service.mirror: Forbidden: GatewayClass traefik, of spec.service.gatewayRefs, does not list HTTPRouteRequestMirror in status.supportedFeatures, and may answer every request with an error: remove the field, name a Gateway of another class, or set another spec.provider`,
		}},
		{"one that copies all requests only", withAnalysis("stepWeight: 10\nmirror: true\nmirrorWeight: 50"), whole, []string{
			`spec.analysis.mirrorWeight: Forbidden: GatewayClass simple, of spec.service.gatewayRefs, does not list HTTPRouteRequestPercentageMirror in status.supportedFeatures, and may answer every request with an error: remove the field to copy all requests, name a Gateway of another class, or set another spec.provider`,
		}},
		{"a Job", strings.Replace(withAnalysis("stepWeight: 10"), "kind: Deployment", "kind: Job", 1), gateway(), []string{
			`spec.targetRef.kind: Unsupported value: "Job": name a Deployment, DaemonSet, StatefulSet or Service`,
		}},
		{"a Knative Service with another provider", knativeOf(withAnalysis("stepWeight: 10")), gateway(), []string{
			`spec.provider: Invalid value: "gatewayapi:v1": can't use gatewayapi:v1 provider with Knative Service as target`,
		}},
		{"a provider that is not at hand", withSpec("provider: istio\nanalysis: {interval: 1m, threshold: 1, stepWeight: 10}"),
			Features{Provider: "istio", Available: []string{"gatewayapi:v1", "kubernetes"}}, []string{
				`spec.provider: Unsupported value: "istio": choose one of the traffic providers at hand: gatewayapi:v1, kubernetes`,
			}},
		{"a flag that names no provider at hand", withAnalysis("stepWeight: 10"),
			Features{Provider: "osm:v1", Available: []string{"kubernetes"}}, []string{
				`spec.provider: Unsupported value: "osm:v1": it comes from the operator's flag -mesh-provider; set it here to one of the traffic providers at hand: kubernetes`,
			}},
		{"a Knative Service with an autoscaler", knativeOf(withSpec("autoscalerRef: {apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, name: a}\n" +
			"analysis: {interval: 1m, threshold: 1, stepWeight: 10}")), serverless(), []string{
			`spec.autoscalerRef: Forbidden: can't use autoscaler with Knative Service`,
		}},
		{"what Knative cannot do", knativeOf(withAnalysis("iterations: 2\nmirror: true\nmatch: [{headers: {x: {exact: insider}}}]\nsessionAffinity: {cookieName: a}")), serverless(), []string{
			`spec.analysis.sessionAffinity: Forbidden: the provider knative cannot keep users on a side; remove the field`,
			`spec.analysis.match: Forbidden: the provider knative cannot route by the content of requests; remove the field`,
			`spec.analysis.mirror: Forbidden: the provider knative cannot copy requests to the canary; remove the field`,
		}},
		{"tenths of a percent where there are none", knativeOf(withAnalysis("steps: [{weight: 0.5}, {weight: 10}, {weight: 12.5}]")), serverless(), []string{
			`spec.analysis.steps[0].weight: Invalid value: 0.5: the provider knative divides requests by whole percents; give one`,
			`spec.analysis.steps[2].weight: Invalid value: 12.5: the provider knative divides requests by whole percents; give one`,
		}},
		{"knative as provider of a Deployment", withSpec("provider: knative"), Features{Provider: "knative", Available: []string{"knative"}}, []string{
			`spec.targetRef: Invalid value: "Deployment": can't use apps/v1/Deployment as target if provider is set to knative`,
		}},
		{"what this version does not do yet", withSpec(`
canaryAnalysis:
  interval: 30s
  threshold: 1
  stepWeight: 10
  alerts: [{name: on-call, providerRef: {name: slack}}]
`), gateway(), []string{
			`spec.canaryAnalysis.alerts: Forbidden: this version of Serin does not handle alerts; remove the field`,
		}},
		{"other namespaces, when they are blocked", withSpec(`
upstreamRef: {apiVersion: gloo.solo.io/v1, kind: Upstream, name: up, namespace: gloo}
analysis:
  interval: 30s
  threshold: 1
  stepWeight: 10
  metrics:
  - {name: a, templateRef: {name: near}}
  - {name: b, templateRef: {name: also-near, namespace: test}}
  - {name: c, templateRef: {name: far, namespace: prod}}
`), blocked, []string{
			`spec.upstreamRef.namespace: Forbidden: can't access gloo upstream up.gloo: cross-namespace references are blocked by -no-cross-namespace-refs`,
			`spec.analysis.metrics[2].templateRef.namespace: Forbidden: can't access metric template far.prod: cross-namespace references are blocked by -no-cross-namespace-refs`,
		}},
		{"an alert provider in another namespace", withAnalysis("stepWeight: 10\nalerts: [{name: a, providerRef: {name: far, namespace: prod}}]"), blocked, []string{
			`spec.analysis.alerts: Forbidden: this version of Serin does not handle alerts; remove the field`,
			`spec.analysis.alerts[0].providerRef.namespace: Forbidden: can't access alert provider far.prod: cross-namespace references are blocked by -no-cross-namespace-refs`,
		}},
		{"a service without port and gateway", `
metadata: {name: podinfo, namespace: test}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: ` + strings.Repeat("x", 56) + `}
  progressDeadlineSeconds: -1
`, gateway(), []string{
			`spec.progressDeadlineSeconds: Invalid value: -1: must not be negative`,
			`spec.service.port: Required value: give the port of the service, such as 80`,
			`spec.service.name: Invalid value: "` + strings.Repeat("x", 56) + `": must be at most 55 characters long, as the Services <name>-primary and <name>-canary are made from it`,
			`spec.service.gatewayRefs: Required value: name the Gateway to which the route is attached; the provider gatewayapi:v1 needs one`,
		}},
		{"nothing to build upon", withAnalysis("stepWeight: 10"),
			Features{Provider: "other", Available: []string{"other"}, Routes: true, Weight: true, Ingress: true, RouteRef: true}, []string{
				`spec.ingressRef: Required value: name the Ingress that leads to the service; the provider other builds upon it`,
				`spec.routeRef: Required value: name the ApisixRoute that leads to the service; the provider other builds upon it`,
			}},
		{"analysis under both names", withSpec(`
analysis: {interval: 30s, threshold: 1, stepWeight: 10}
canaryAnalysis: {interval: 30s, threshold: 1, stepWeight: 10}
`), gateway(), []string{
			`spec.canaryAnalysis: Forbidden: it is the older name of spec.analysis, which is given too; remove one of them`,
		}},
		{"a ladder that does not rise", withAnalysis("stepWeights: [0, 10, 10, 30, 20]"), gateway(), []string{
			`spec.analysis.stepWeights[0]: Invalid value: 0: must be greater than 0, the weight before it; list rising weights such as [1, 5, 20, 50]`,
			`spec.analysis.stepWeights[2]: Invalid value: 10: must be greater than 10, the weight before it; list rising weights such as [1, 5, 20, 50]`,
			`spec.analysis.stepWeights[4]: Invalid value: 20: must be greater than 30, the weight before it; list rising weights such as [1, 5, 20, 50]`,
		}},
		{"no strategy", withAnalysis("stepWeight: 0"), gateway(), []string{
			`spec.analysis.stepWeight: Required value: give stepWeight, stepWeights or steps for a weighted canary, or iterations for blue/green and A/B testing; all are absent or 0`,
		}},
		{"nonsense numbers", withAnalysis(`
iterations: -1
maxWeight: 101
stepWeight: -10
stepWeightPromotion: -5
mirrorWeight: 120
primaryReadyThreshold: -1
canaryReadyThreshold: 101
`), gateway(), []string{
			`spec.analysis.primaryReadyThreshold: Invalid value: -1: must be between 0 and 100`,
			`spec.analysis.canaryReadyThreshold: Invalid value: 101: must be between 0 and 100`,
			`spec.analysis.iterations: Invalid value: -1: must be between 0 and 10000`,
			`spec.analysis.maxWeight: Invalid value: 101: must be between 0 and 100`,
			`spec.analysis.stepWeight: Invalid value: -10: must not be negative`,
			`spec.analysis.stepWeightPromotion: Invalid value: -5: must not be negative`,
			`spec.analysis.mirrorWeight: Invalid value: 120: must be between 0 and 100`,
		}},
		{"more iterations than a plan may hold", withAnalysis("iterations: 2147483647"), gateway(), []string{
			`spec.analysis.iterations: Invalid value: 2147483647: must be between 0 and 10000`,
		}},
		{"negative iterations where none would do", withAnalysis("iterations: -1"), plainFeatures, []string{
			`spec.analysis.iterations: Invalid value: -1: must be between 0 and 10000`,
		}},
		{"what the provider cannot do", withAnalysis("stepWeight: 10\nmirror: true\nmatch: [{headers: {x: {exact: insider}}}]"), weightless, []string{
			`spec.analysis.stepWeight: Forbidden: the provider gatewayapi:v1 cannot divide requests by weight; use iterations for blue/green`,
			`spec.analysis.match: Forbidden: the provider gatewayapi:v1 cannot route by the content of requests; remove the field`,
			`spec.analysis.mirror: Forbidden: the provider gatewayapi:v1 cannot copy requests to the canary; remove the field`,
		}},
		{"metrics that measure nothing or let nothing pass", withAnalysis(`
stepWeight: 10
metrics:
- {name: request-success-rate, thresholdRange: {min: 99, max: 1}}
- {name: p99}
- {name: p98, templateRef: {namespace: test}}
`), gateway(), []string{
			`spec.analysis.metrics[0].thresholdRange.min: Invalid value: 99: no value can pass: it is greater than max, 1`,
			`spec.analysis.metrics[1].templateRef: Required value: "p99" is not built in: give templateRef or query; built in are request-success-rate and request-duration`,
			`spec.analysis.metrics[2].templateRef.name: Required value: name the MetricTemplate`,
		}},
		{"webhooks that cannot be called; their addresses are not repeated", withAnalysis(`
stepWeight: 10
webhooks:
- {name: a, url: "hooks.example.com/s3cret"}
- {name: b, url: "http://tester/", type: sometimes, timeout: 5sec, retries: -1}
`), gateway(), []string{
			`spec.analysis.webhooks[0].url: Invalid value: must be the full address of an HTTP server, such as http://tester.test/gate`,
			`spec.analysis.webhooks[1].type: Unsupported value: "sometimes": it is no type of webhook; leave it out for rollout`,
			`spec.analysis.webhooks[1].timeout: Invalid value: "5sec": must be a duration such as 5s or 1m`,
			`spec.analysis.webhooks[1].retries: Invalid value: -1: must not be negative`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan, errs := Compile(parse(t, tt.text), tt.features)
			if diff := cmp.Diff(tt.want, said(errs)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if len(plan.Steps) != 1 {
				t.Errorf("a refused canary has a plan of %d steps, want the arrival alone", len(plan.Steps))
			}
		})
	}
}

func TestMetricTemplateValidate(t *testing.T) {
	tests := []struct {
		name, spec string
		want       []string
	}{
		{"good", "{provider: {type: prometheus, address: 'http://prometheus:9090'}, query: up}", nil},
		{"a provider to come", "{provider: {type: datadog}, query: up}", []string{
			`spec.provider.type: Unsupported value: "datadog": this version of Serin asks prometheus, no other metrics provider`}},
		{"nowhere to go, nothing to ask; the address is not repeated", "{provider: {type: prometheus, address: 'user:s3cret@prometheus'}}", []string{
			`spec.provider.address: Invalid value: must be the full address of an HTTP server, such as http://prometheus:9090`,
			`spec.query: Required value: give the query to ask`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			template, err := DecodeMetricTemplate(object(t, "spec: "+tt.spec))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, said(template.Validate())); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

// Knative brings its own Services, so that nothing need be said about them.
func TestKnativeServiceNeedsNoService(t *testing.T) {
	plan, errs := Compile(parse(t, `
metadata: {name: podinfo, namespace: test}
spec:
  provider: knative
  targetRef: {apiVersion: serving.knative.dev/v1, kind: Service, name: `+strings.Repeat("x", 60)+`}
  analysis: {interval: 1m, threshold: 1, stepWeight: 50}
`), serverless())
	if len(errs) > 0 || len(plan.Warnings) > 0 || len(plan.Steps) != 3 {
		t.Errorf("%v, warnings %q, %d steps", errs, plan.Warnings, len(plan.Steps))
	}
}
