package controller

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
)

// gauges are the metrics of the operator, under the reference's names. Series
// disappear with their Canary. The label name is that of the workload.
type gauges struct {
	total     *prometheus.GaugeVec
	status    *prometheus.GaugeVec
	weight    *prometheus.GaugeVec
	duration  *prometheus.HistogramVec
	analysis  *prometheus.GaugeVec
	successes *prometheus.CounterVec
	failures  *prometheus.CounterVec
	drifts    *prometheus.CounterVec

	mu    sync.Mutex
	known map[types.NamespacedName]string // target by Canary
}

func newGauges(registry *prometheus.Registry, options Options) *gauges {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help},
			[]string{"name", "namespace", "deployment_strategy", "analysis_status"})
	}
	g := &gauges{
		known:  map[types.NamespacedName]string{},
		total:  gauge("flagger_canary_total", "Canaries in a namespace.", "namespace"),
		status: gauge("flagger_canary_status", "State of the last release: 0 in progress, 1 at rest or promoted, 2 failed.", "name", "namespace"),
		weight: gauge("flagger_canary_weight", "Percent of the traffic on a workload.", "workload", "namespace"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "flagger_canary_duration_seconds", Help: "Seconds one look at the checks of a release took."}, []string{"name", "namespace"}),
		analysis:  gauge("flagger_canary_metric_analysis", "Last value of a metric of the analysis; durations in seconds.", "name", "namespace", "metric"),
		successes: counter("flagger_canary_successes_total", "Releases that were promoted."),
		failures:  counter("flagger_canary_failures_total", "Releases that were undone, and promotions that failed."),
	}
	g.drifts = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "serin_drift_corrections_total", Help: "Objects that somebody else changed or deleted, and that were set back."},
		[]string{"name", "namespace", "kind"})
	info := gauge("flagger_info", "Version of the operator and its default traffic provider.", "version", "mesh_provider")
	info.WithLabelValues(options.Version, options.MeshProvider).Set(1)
	registry.MustRegister(info, g.total, g.status, g.weight, g.duration, g.analysis, g.successes, g.failures, g.drifts,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return g
}

// release shows where a Canary is.
func (g *gauges) release(canary *v1beta1.Canary, plan rollout.Plan, state rollout.State) {
	target, namespace := canary.Spec.TargetRef.Name, canary.Namespace
	g.know(canary)
	g.status.WithLabelValues(target, namespace).Set(statusValue(state.Phase))
	share := rollout.Want(plan, state).Route.Canary
	percent := float64(share) / float64(rollout.Percent(1))
	g.weight.WithLabelValues(target+"-primary", namespace).Set(100 - percent)
	g.weight.WithLabelValues(target, namespace).Set(percent)
}

func statusValue(phase rollout.Phase) float64 {
	switch phase {
	case rollout.Progressing:
		return 0
	case rollout.Failed:
		return 2
	case rollout.New, rollout.Initializing, rollout.Initialized, rollout.Waiting, rollout.WaitingPromotion,
		rollout.Promoting, rollout.Finalising, rollout.Succeeded, rollout.Terminating:
		return 1
	}
	return 1
}

// know counts a Canary, and gives its counters a start at zero: a rate sees no
// first release that comes out of nowhere.
func (g *gauges) know(canary *v1beta1.Canary) {
	g.mu.Lock()
	defer g.mu.Unlock()
	key, target := types.NamespacedName{Namespace: canary.Namespace, Name: canary.Name}, canary.Spec.TargetRef.Name
	old, known := g.known[key]
	if known && old == target {
		return
	}
	g.known[key] = target
	if known {
		g.drop(old, canary.Namespace)
	} else {
		g.total.WithLabelValues(canary.Namespace).Inc()
	}
	for _, counter := range []*prometheus.CounterVec{g.successes, g.failures} {
		counter.WithLabelValues(target, canary.Namespace, strategy(canary), "completed")
	}
}

// knows reports whether the Canary is there: a probe may outlive it, and must
// not bring its series back. The caller holds the lock.
func (g *gauges) knows(canary *v1beta1.Canary) bool {
	target, ok := g.known[types.NamespacedName{Namespace: canary.Namespace, Name: canary.Name}]
	return ok && target == canary.Spec.TargetRef.Name
}

// count adds the outcome of a release when it is said.
func (g *gauges) count(canary *v1beta1.Canary, report rollout.Report) {
	g.know(canary)
	labels := func(status string) []string {
		return []string{canary.Spec.TargetRef.Name, canary.Namespace, strategy(canary), status}
	}
	switch report.Outcome {
	case rollout.Completed:
		g.successes.WithLabelValues(labels("completed")...).Inc()
	case rollout.SkippedAnalysis:
		g.successes.WithLabelValues(labels("skipped")...).Inc()
	case rollout.Undone:
		g.failures.WithLabelValues(labels("completed")...).Inc()
	case rollout.Open:
	}
}

// correct counts an object of a kind that was set back.
func (g *gauges) correct(canary *v1beta1.Canary, kind string) {
	g.know(canary)
	g.drifts.WithLabelValues(canary.Spec.TargetRef.Name, canary.Namespace, kind).Inc()
}

// strategy is the label of a Canary, from its spec alone.
func strategy(canary *v1beta1.Canary) string {
	a := canary.Analysis()
	switch {
	case a == nil || a.Iterations == 0:
		return string(rollout.Canary)
	case len(a.Match) > 0:
		return string(rollout.ABTesting)
	default:
		return string(rollout.BlueGreen)
	}
}

// measured keeps the last value of a metric.
func (g *gauges) measured(canary *v1beta1.Canary, f rollout.Finding) {
	if f.Verdict == rollout.Unknown {
		return
	}
	value := f.Value
	if f.Source == rollout.FromDuration {
		value /= 1000
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.knows(canary) {
		return
	}
	g.analysis.WithLabelValues(canary.Spec.TargetRef.Name, canary.Namespace, f.Name).Set(value)
}

// took observes how long a look at the checks took, in seconds.
func (g *gauges) took(canary *v1beta1.Canary, seconds float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.knows(canary) {
		return
	}
	g.duration.WithLabelValues(canary.Spec.TargetRef.Name, canary.Namespace).Observe(seconds)
}

// forget removes the series of a Canary.
func (g *gauges) forget(key types.NamespacedName) {
	g.mu.Lock()
	defer g.mu.Unlock()
	target, ok := g.known[key]
	if !ok {
		return
	}
	delete(g.known, key)
	g.total.WithLabelValues(key.Namespace).Dec()
	g.drop(target, key.Namespace)
}

// drop removes the series of a workload, unless another Canary has it now. The
// caller holds the lock.
func (g *gauges) drop(target, namespace string) {
	for key, other := range g.known {
		if key.Namespace == namespace && other == target {
			return
		}
	}
	of := prometheus.Labels{"name": target, "namespace": namespace}
	for _, vec := range []interface {
		DeletePartialMatch(prometheus.Labels) int
	}{g.status, g.duration, g.analysis, g.successes, g.failures, g.drifts} {
		vec.DeletePartialMatch(of)
	}
	g.weight.DeleteLabelValues(target, namespace)
	g.weight.DeleteLabelValues(target+"-primary", namespace)
}
