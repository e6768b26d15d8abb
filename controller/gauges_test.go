package controller

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
)

// series lists the operator's own series as text, sorted: the value of each,
// and of a histogram its count and sum.
func series(t *testing.T, registry *prometheus.Registry) []string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "flagger_") {
			continue
		}
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			id := family.GetName() + "{" + strings.Join(labels, ",") + "}"
			switch {
			case m.GetHistogram() != nil:
				all = append(all, fmt.Sprint(id, " count ", m.GetHistogram().GetSampleCount(), " sum ", m.GetHistogram().GetSampleSum()))
			case m.GetCounter() != nil:
				all = append(all, fmt.Sprint(id, " ", m.GetCounter().GetValue()))
			default:
				all = append(all, fmt.Sprint(id, " ", m.GetGauge().GetValue()))
			}
		}
	}
	slices.Sort(all)
	return all
}

func someGauges() (*gauges, *prometheus.Registry) {
	registry := prometheus.NewRegistry()
	return newGauges(registry, Options{Version: "1.2.3", MeshProvider: "gatewayapi:v1"}), registry
}

func has(t *testing.T, registry *prometheus.Registry, want ...string) {
	t.Helper()
	all := series(t, registry)
	for _, line := range want {
		if !slices.Contains(all, line) {
			t.Errorf("no series %s in\n%s", line, strings.Join(all, "\n"))
		}
	}
}

// weighted is a plan with a step at each of the weights.
func weighted(weights ...int) rollout.Plan {
	plan := rollout.Plan{Strategy: rollout.Canary, Routes: true, Steps: []rollout.Step{{Route: rollout.Split(0)}}}
	for _, weight := range weights {
		plan.Steps = append(plan.Steps, rollout.Step{Route: rollout.Split(rollout.Percent(weight)), Enter: rollout.Advance})
	}
	return plan
}

// The names, labels and units that dashboards and alerts of users are made of.
func TestMetricsOfACanary(t *testing.T) {
	g, registry := someGauges()
	has(t, registry, `flagger_info{mesh_provider="gatewayapi:v1",version="1.2.3"} 1`)

	canary := canaryAt("podinfo", 1)
	canary.Name = "release" // series are named after the workload
	g.release(canary, weighted(20, 40), rollout.State{Phase: rollout.Progressing, Step: 2, Weight: rollout.Percent(40), Revision: "b", Promoted: "a"})
	g.measured(canary, rollout.Finding{Source: rollout.FromSuccessRate, Name: "request-success-rate", Verdict: rollout.Pass, Value: 99.5})
	g.measured(canary, rollout.Finding{Source: rollout.FromDuration, Name: "request-duration", Verdict: rollout.Fail, Value: 1515})
	g.measured(canary, rollout.Finding{Source: rollout.FromTemplate, Name: "404s percentage", Verdict: rollout.Fail, Value: 6.2})
	g.measured(canary, rollout.Finding{Source: rollout.FromQuery, Name: "unknown", Value: 1})
	g.took(canary, 0.25)
	g.took(canary, 0.5)
	want := []string{
		`flagger_canary_duration_seconds{name="podinfo",namespace="test"} count 2 sum 0.75`,
		`flagger_canary_failures_total{analysis_status="completed",deployment_strategy="canary",name="podinfo",namespace="test"} 0`,
		`flagger_canary_metric_analysis{metric="404s percentage",name="podinfo",namespace="test"} 6.2`,
		`flagger_canary_metric_analysis{metric="request-duration",name="podinfo",namespace="test"} 1.515`,
		`flagger_canary_metric_analysis{metric="request-success-rate",name="podinfo",namespace="test"} 99.5`,
		`flagger_canary_status{name="podinfo",namespace="test"} 0`,
		`flagger_canary_successes_total{analysis_status="completed",deployment_strategy="canary",name="podinfo",namespace="test"} 0`,
		`flagger_canary_total{namespace="test"} 1`,
		`flagger_canary_weight{namespace="test",workload="podinfo"} 40`,
		`flagger_canary_weight{namespace="test",workload="podinfo-primary"} 60`,
		`flagger_info{mesh_provider="gatewayapi:v1",version="1.2.3"} 1`,
	}
	if diff := cmp.Diff(want, series(t, registry)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestStatusAndWeightOfEveryPhase(t *testing.T) {
	g, registry := someGauges()
	for phase, want := range map[rollout.Phase]int{
		rollout.New: 1, rollout.Initializing: 1, rollout.Initialized: 1, rollout.Waiting: 1, rollout.Progressing: 0,
		rollout.WaitingPromotion: 1, rollout.Promoting: 1, rollout.Finalising: 1, rollout.Succeeded: 1, rollout.Failed: 2, rollout.Terminating: 1,
	} {
		for _, serving := range []rollout.Side{rollout.OnPrimary, rollout.OnCanary} {
			plan := weighted(30)
			state := rollout.State{Phase: phase, Revision: "b", Promoted: "a", Step: 1, Weight: rollout.Percent(30), Serving: serving}
			g.release(canaryAt("podinfo", 1), plan, state)
			share := rollout.Want(plan, state).Route.Canary / rollout.Percent(1)
			has(t, registry,
				fmt.Sprintf(`flagger_canary_status{name="podinfo",namespace="test"} %d`, want),
				fmt.Sprintf(`flagger_canary_weight{namespace="test",workload="podinfo"} %d`, share),
				fmt.Sprintf(`flagger_canary_weight{namespace="test",workload="podinfo-primary"} %d`, 100-share))
		}
	}
}

func TestReleasesAreCountedByOutcome(t *testing.T) {
	analyses := map[string]*v1beta1.CanaryAnalysis{
		"canary":     {StepWeight: 10},
		"blue-green": {Iterations: 3},
		"ab-testing": {Iterations: 3, Match: []v1beta1.AnalysisMatch{{}}},
	}
	for _, strategy := range slices.Sorted(maps.Keys(analyses)) {
		for _, c := range []struct {
			outcome rollout.Outcome
			metric  string
			status  string
		}{
			{rollout.Completed, "flagger_canary_successes_total", "completed"},
			{rollout.SkippedAnalysis, "flagger_canary_successes_total", "skipped"},
			{rollout.Undone, "flagger_canary_failures_total", "completed"},
		} {
			g, registry := someGauges()
			canary := canaryAt("podinfo", 1)
			canary.Spec.Analysis = analyses[strategy]
			g.count(canary, rollout.Report{Outcome: rollout.Open})
			g.count(canary, rollout.Report{Outcome: c.outcome})
			g.count(canary, rollout.Report{Outcome: c.outcome})
			has(t, registry, fmt.Sprintf(`%s{analysis_status=%q,deployment_strategy=%q,name="podinfo",namespace="test"} 2`,
				c.metric, c.status, strategy))
			for _, line := range series(t, registry) {
				if strings.Contains(line, "_total{analysis") && !strings.HasSuffix(line, " 2") && !strings.HasSuffix(line, " 0") {
					t.Errorf("outcome %d also counted %s", c.outcome, line)
				}
			}
		}
	}
}

func TestSeriesDisappearWithTheirCanary(t *testing.T) {
	g, registry := someGauges()
	a, b := canaryAt("a", 1), canaryAt("b", 1)
	for _, canary := range []*v1beta1.Canary{a, b} {
		g.count(canary, rollout.Report{Outcome: rollout.SkippedAnalysis})
		g.release(canary, weighted(20), rollout.State{Phase: rollout.Succeeded})
		g.release(canary, weighted(20), rollout.State{Phase: rollout.Succeeded}) // known already
		g.measured(canary, rollout.Finding{Name: "m", Verdict: rollout.Pass})
		g.took(canary, 1)
		g.count(canary, rollout.Report{Outcome: rollout.Undone})
	}
	has(t, registry, `flagger_canary_total{namespace="test"} 2`)
	g.forget(types.NamespacedName{Namespace: "test", Name: "a"})
	g.forget(types.NamespacedName{Namespace: "test", Name: "a"})
	has(t, registry, `flagger_canary_total{namespace="test"} 1`, `flagger_canary_status{name="b",namespace="test"} 1`)
	for _, line := range series(t, registry) {
		if strings.Contains(line, `="a`) {
			t.Errorf("the Canary is gone, and there is still %s", line)
		}
	}
	g.forget(types.NamespacedName{Namespace: "test", Name: "b"})
	// A probe that was under way ends now.
	g.took(b, 1)
	g.measured(b, rollout.Finding{Name: "m", Verdict: rollout.Pass})
	want := []string{`flagger_canary_total{namespace="test"} 0`, `flagger_info{mesh_provider="gatewayapi:v1",version="1.2.3"} 1`}
	if diff := cmp.Diff(want, series(t, registry)); diff != "" {
		t.Errorf("after all Canaries have gone, -want +got\n%s", diff)
	}
}

func TestSeriesFollowTheWorkload(t *testing.T) {
	g, registry := someGauges()
	idle := rollout.State{Phase: rollout.Succeeded}
	canary := canaryAt("podinfo", 1)
	g.release(canary, weighted(20), idle)
	canary.Spec.TargetRef.Name = "other"
	g.release(canary, weighted(20), idle)
	has(t, registry, `flagger_canary_total{namespace="test"} 1`, `flagger_canary_status{name="other",namespace="test"} 1`)
	for _, line := range series(t, registry) {
		if strings.Contains(line, "podinfo") {
			t.Errorf("the workload was left, and there is still %s", line)
		}
	}
}

func TestWorkloadIsHandedOver(t *testing.T) {
	g, registry := someGauges()
	idle := rollout.State{Phase: rollout.Succeeded}
	older, newer := canaryAt("older", 1), canaryAt("newer", 1)
	older.Spec.TargetRef.Name, newer.Spec.TargetRef.Name = "podinfo", "podinfo"
	g.release(older, weighted(20), idle)
	g.release(newer, weighted(20), idle) // seen before the end of the older one
	g.forget(types.NamespacedName{Namespace: "test", Name: "older"})
	has(t, registry, `flagger_canary_total{namespace="test"} 1`, `flagger_canary_status{name="podinfo",namespace="test"} 1`,
		`flagger_canary_weight{namespace="test",workload="podinfo-primary"} 100`)
}
