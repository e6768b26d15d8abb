package v1beta1

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// The manifests of the tutorials decode as they are. What keeps them from
// running today is named, and nothing else is said about them.
func TestCompatCanaries(t *testing.T) {
	elsewhere := func(provider string) Features {
		f := gateway()
		f.Provider, f.Routes, f.Weight, f.Mirror, f.Match, f.Parents = provider, false, false, false, false, false
		return f
	}
	tests := []struct {
		name, file string
		features   Features
		want       []string
	}{
		{"Istio by the operator's flag", "seed0-canary-v1alpha3.yaml", elsewhere("istio"), []string{
			`spec.provider: Unsupported value: "istio": it comes from the operator's flag -mesh-provider; set it here to one of the traffic providers at hand: gatewayapi:v1, kubernetes`,
		}},
		{"Gloo", "seed1-canary-gloo.yaml", elsewhere("gloo"), []string{
			`spec.provider: Unsupported value: "gloo": choose one of the traffic providers at hand: gatewayapi:v1, kubernetes`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			canary := parse(t, compat(t, tt.file))
			_, errs := Compile(canary, tt.features)
			if diff := cmp.Diff(tt.want, said(errs)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

// Moved to a provider at hand, they run as written.
func TestCompatStrategies(t *testing.T) {
	var ab struct {
		Analysis map[string]any `json:"analysis"`
	}
	if err := yaml.Unmarshal([]byte(compat(t, "seed1-ab-analysis.yaml")), &ab); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, file string
		analysis   map[string]any // in the place of the one in the file
		want       []string
	}{
		{"Istio tutorial", "seed0-canary-v1alpha3.yaml", nil, []string{
			"arrive 100/0",
			"advance 90/10 hold 1m0s check checks", "advance 80/20 hold 1m0s check checks", "advance 70/30 hold 1m0s check checks",
			"advance 60/40 hold 1m0s check checks", "advance 50/50 hold 1m0s check checks",
		}},
		{"Gloo tutorial", "seed1-canary-gloo.yaml", nil, []string{
			"arrive 100/0 check pre-rollout",
			"advance 95/5 hold 10s check checks", "advance 90/10 hold 10s check checks", "advance 85/15 hold 10s check checks",
			"advance 80/20 hold 10s check checks", "advance 75/25 hold 10s check checks", "advance 70/30 hold 10s check checks",
			"advance 65/35 hold 10s check checks", "advance 60/40 hold 10s check checks", "advance 55/45 hold 10s check checks",
			"advance 50/50 hold 10s check checks",
		}},
		{"Gloo tutorial, A/B", "seed1-canary-gloo.yaml", ab.Analysis, []string{
			"arrive 100/0",
			"advance 0/100 match hold 1m0s check checks", "advance 0/100 match hold 1m0s check checks",
			"advance 0/100 match hold 1m0s check checks", "advance 0/100 match hold 1m0s check checks",
			"advance 0/100 match hold 1m0s check checks", "advance 0/100 match hold 1m0s check checks",
			"advance 0/100 match hold 1m0s check checks", "advance 0/100 match hold 1m0s check checks",
			"advance 0/100 match hold 1m0s check checks", "advance 0/100 match hold 1m0s check checks",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			obj := object(t, compat(t, tt.file))
			if tt.analysis != nil {
				obj["spec"].(map[string]any)["analysis"] = tt.analysis
			}
			canary, err := Decode(obj)
			if err != nil {
				t.Fatal(err)
			}
			canary.Spec.Service.GatewayRefs = []GatewayRef{{Name: "public"}}
			plan, errs := Compile(canary, gateway())
			if len(errs) > 0 {
				t.Fatalf("refused: %v", errs.ToAggregate())
			}
			if diff := cmp.Diff(tt.want, tell(plan)); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompatMetrics(t *testing.T) {
	type limits struct {
		Window     string
		Min, Max   *float64
		Namespaced string
	}
	var got []limits
	for _, file := range []string{"seed0-canary-v1alpha3.yaml", "seed1-canary-gloo.yaml"} {
		canary := parse(t, compat(t, file))
		for _, m := range canary.Analysis().Metrics {
			least, greatest := m.Limits()
			got = append(got, limits{Window: m.Window(), Min: least, Max: greatest})
		}
	}
	want := []limits{
		{Window: "1m", Min: new(99.0)}, {Window: "30s", Max: new(500.0)},
		{Window: "1m", Min: new(99.0)}, {Window: "30s", Max: new(500.0)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
	template, err := DecodeMetricTemplate(object(t, compat(t, "seed1-metrictemplate.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	if errs := template.Validate(); len(errs) > 0 {
		t.Errorf("template refused: %v", errs.ToAggregate())
	}
}
