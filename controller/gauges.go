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
	total    *prometheus.GaugeVec
	duration *prometheus.HistogramVec
	analysis *prometheus.GaugeVec
	drifts   *prometheus.CounterVec
	outcomes *outcomes

	mu    sync.Mutex
	known map[types.NamespacedName]string // target by Canary
}

func newGauges(registry *prometheus.Registry, options Options) *gauges {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	g := &gauges{
		known: map[types.NamespacedName]string{},
		total: gauge("flagger_canary_total", "Canaries in a namespace.", "namespace"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "flagger_canary_duration_seconds", Help: "Seconds one look at the checks of a release took."}, []string{"name", "namespace"}),
		analysis: gauge("flagger_canary_metric_analysis", "Last value of a metric of the analysis; durations in seconds.", "name", "namespace", "metric"),
		outcomes: newOutcomes(),
	}
	g.drifts = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "serin_drift_corrections_total", Help: "Objects that somebody else changed or deleted, and that were set back."},
		[]string{"name", "namespace", "kind"})
	info := gauge("flagger_info", "Version of the operator and its default traffic provider.", "version", "mesh_provider")
	info.WithLabelValues(options.Version, options.MeshProvider).Set(1)
	registry.MustRegister(info, g.total, g.outcomes, g.duration, g.analysis, g.drifts,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return g
}

// release shows where a Canary is.
func (g *gauges) release(canary *v1beta1.Canary, plan rollout.Plan, state rollout.State) {
	g.know(canary)
	share := rollout.Want(plan, state).Route.Canary
	g.outcomes.place(targetKey(canary), statusValue(state.Phase), float64(share)/float64(rollout.Percent(1)))
}

func targetKey(canary *v1beta1.Canary) types.NamespacedName {
	return types.NamespacedName{Namespace: canary.Namespace, Name: canary.Spec.TargetRef.Name}
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
	g.outcomes.add(targetKey(canary), ending{strategy: strategy(canary), status: "completed"}, 0)
	g.outcomes.add(targetKey(canary), ending{undone: true, strategy: strategy(canary), status: "completed"}, 0)
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
	of := ending{strategy: strategy(canary), status: "completed"}
	switch report.Outcome {
	case rollout.Completed:
	case rollout.SkippedAnalysis:
		of.status = "skipped"
	case rollout.Undone:
		of.undone = true
	case rollout.Open:
		return
	}
	g.outcomes.add(targetKey(canary), of, 1)
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
	}{g.duration, g.analysis, g.drifts} {
		vec.DeletePartialMatch(of)
	}
	g.outcomes.forget(types.NamespacedName{Namespace: namespace, Name: target})
}
