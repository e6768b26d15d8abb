package v1beta1

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/serinhq/serin/rollout"
)

func TestStrategy(t *testing.T) {
	match := []AnalysisMatch{{}}
	tests := []struct {
		name     string
		analysis *CanaryAnalysis
		want     rollout.Strategy
	}{
		{"none", nil, rollout.Canary},
		{"empty", &CanaryAnalysis{}, rollout.Canary},
		{"step weight", &CanaryAnalysis{StepWeight: 5, MaxWeight: 50}, rollout.Canary},
		{"ladder", &CanaryAnalysis{StepWeights: []int{1, 2}}, rollout.Canary},
		{"matching weights", &CanaryAnalysis{StepWeight: 5, Match: match}, rollout.Canary},
		{"iterations", &CanaryAnalysis{Iterations: 5}, rollout.BlueGreen},
		{"iterations beat weights", &CanaryAnalysis{Iterations: 5, StepWeight: 5}, rollout.BlueGreen},
		{"iterations of matching requests", &CanaryAnalysis{Iterations: 5, Match: match}, rollout.ABTesting},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.analysis.Strategy(); got != tt.want {
				t.Errorf("strategy %s, want %s", got, tt.want)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	tests := []struct {
		name             string
		metric           Metric
		wantMin, wantMax *float64
	}{
		{"success rate: a bare threshold is the least", Metric{Name: SuccessRate, Threshold: 99.5}, new(99.5), nil},
		{"success rate without threshold always passes", Metric{Name: SuccessRate}, new(0.0), nil},
		{"duration: a bare threshold is the greatest, in whole milliseconds", Metric{Name: Duration, Threshold: 500.9}, nil, new(500.0)},
		{"duration without threshold never passes", Metric{Name: Duration}, nil, new(0.0)},
		{"query: a bare threshold is the greatest", Metric{Name: "404s", Query: "up", Threshold: 0.5}, nil, new(0.5)},
		{"template: a bare threshold is the greatest", Metric{Name: "404s", TemplateRef: &TemplateRef{Name: "a"}, Threshold: 5}, nil, new(5.0)},
		{"a range beats the threshold", Metric{Name: SuccessRate, Threshold: 99, ThresholdRange: &ThresholdRange{Max: new(1.0)}}, nil, new(1.0)},
		{"an empty range always passes", Metric{Name: Duration, Threshold: 1, ThresholdRange: &ThresholdRange{}}, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			least, greatest := tt.metric.Limits()
			if diff := cmp.Diff([]*float64{tt.wantMin, tt.wantMax}, []*float64{least, greatest}); diff != "" {
				t.Errorf("least and greatest (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	bare := parse(t, withAnalysis("stepWeight: 10\nmetrics: [{name: a, templateRef: {name: b}}]"))
	full := parse(t, withSpec(`
provider: kubernetes
metricsServer: http://prom:9090
progressDeadlineSeconds: 60
ingressRef: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: in}
routeRef: {apiVersion: apisix.apache.org/v2, kind: ApisixRoute, name: route}
canaryAnalysis:
  interval: 1m
  threshold: 1
  primaryReadyThreshold: 50
  canaryReadyThreshold: 0
  metrics: [{name: a, interval: 30s, templateRef: {name: b, namespace: metrics}}]
`))
	full.Spec.Service = CanaryService{Name: "web", Port: 80, PortName: "grpc", TargetPort: intstr.FromString("app")}
	type facts struct {
		Provider, Metrics, Apex, Primary, Canary, Workload, Ingress, Route, PortName, Port, Window, Template string
		Deadline                                                                                             time.Duration
		ReadyPrimary, ReadyCanary                                                                            int
	}
	read := func(c *Canary) facts {
		metric := c.Analysis().Metrics[0]
		namespace, name, _ := metric.Template(c)
		port := c.TargetPort()
		return facts{c.Provider("istio"), c.MetricsServer("http://prometheus:9090"), c.Apex(), c.PrimaryService(), c.CanaryService(), c.PrimaryName(),
			c.Ingress(), c.Route(), c.PortName(), port.String(), metric.Window(), namespace + "/" + name,
			c.Deadline(), c.PrimaryReadyPercent(), c.CanaryReadyPercent()}
	}
	want := facts{"istio", "http://prometheus:9090", "podinfo", "podinfo-primary", "podinfo-canary", "podinfo-primary",
		"podinfo", "podinfo", "http", "9898", "1m", "test/b", 10 * time.Minute, 100, 100}
	if diff := cmp.Diff(want, read(bare)); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	want = facts{"kubernetes", "http://prom:9090", "web", "web-primary", "web-canary", "podinfo-primary",
		"in", "route", "grpc", "app", "30s", "metrics/b", time.Minute, 50, 0}
	if diff := cmp.Diff(want, read(full)); diff != "" {
		t.Errorf("as given (-want +got):\n%s", diff)
	}
}

func TestHooks(t *testing.T) {
	canary := &Canary{Spec: CanarySpec{CanaryAnalysis: &CanaryAnalysis{Webhooks: []Webhook{
		{Name: "one"}, {Name: "gate", Type: ConfirmRolloutHook, Timeout: "5s"}, {Name: "two", Type: RolloutHook, Timeout: "7"},
	}}}}
	var got []string
	for _, hook := range canary.Hooks(RolloutHook) {
		got = append(got, hook.Name+" "+hook.Limit().String())
	}
	for _, hook := range canary.Hooks(ConfirmRolloutHook) {
		got = append(got, hook.Name+" "+hook.Limit().String())
	}
	if diff := cmp.Diff([]string{"one 10s", "two 10s", "gate 5s"}, got); diff != "" {
		t.Errorf("hooks (-want +got):\n%s", diff)
	}
	if got := new(Canary).Hooks(RolloutHook); got != nil {
		t.Errorf("hooks without analysis: %v", got)
	}
}

func TestAddToScheme(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"Canary", "CanaryList", "MetricTemplate", "MetricTemplateList", "AlertProvider", "AlertProviderList"} {
		if !scheme.Recognizes(GroupVersion().WithKind(kind)) {
			t.Errorf("%s is not registered", kind)
		}
	}
}
