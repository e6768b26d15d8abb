package controller

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
)

// outcomes are the metrics that every Canary has: where it is, and how its releases ended.
// They are made when they are asked for; kept as series of the library those of a Canary at
// rest would weigh more than its Services.
type outcomes struct {
	status, weight, successes, failures *prometheus.Desc

	mu    sync.Mutex
	known map[types.NamespacedName]*outcome // by workload
}

// outcome is that of a workload.
type outcome struct {
	placed          bool
	status, percent float64
	endings         []ended
}

// ending is a way in which releases end.
type ending struct {
	undone           bool
	strategy, status string
}

// ended is how often.
type ended struct {
	ending
	times float64
}

func newOutcomes() *outcomes {
	counter := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, []string{"name", "namespace", "deployment_strategy", "analysis_status"}, nil)
	}
	return &outcomes{
		known: map[types.NamespacedName]*outcome{},
		status: prometheus.NewDesc("flagger_canary_status", "State of the last release: 0 in progress, 1 at rest or promoted, 2 failed.",
			[]string{"name", "namespace"}, nil),
		weight:    prometheus.NewDesc("flagger_canary_weight", "Percent of the traffic on a workload.", []string{"workload", "namespace"}, nil),
		successes: counter("flagger_canary_successes_total", "Releases that were promoted."),
		failures:  counter("flagger_canary_failures_total", "Releases that were undone, and promotions that failed."),
	}
}

// place sets the state of a workload's release and the canary's share of its traffic.
func (o *outcomes) place(workload types.NamespacedName, status, percent float64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	of := o.of(workload)
	of.placed, of.status, of.percent = true, status, percent
}

// add counts endings; none makes the series begin at zero.
func (o *outcomes) add(workload types.NamespacedName, way ending, times float64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	of := o.of(workload)
	for i := range of.endings {
		if of.endings[i].ending == way {
			of.endings[i].times += times
			return
		}
	}
	of.endings = append(of.endings, ended{way, times})
}

// of a workload. The caller holds the lock.
func (o *outcomes) of(workload types.NamespacedName) *outcome {
	of, ok := o.known[workload]
	if !ok {
		of = &outcome{}
		o.known[workload] = of
	}
	return of
}

func (o *outcomes) forget(workload types.NamespacedName) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.known, workload)
}

// Describe implements prometheus.Collector.
func (o *outcomes) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{o.status, o.weight, o.successes, o.failures} {
		out <- desc
	}
}

// Collect implements prometheus.Collector.
func (o *outcomes) Collect(out chan<- prometheus.Metric) {
	o.mu.Lock()
	defer o.mu.Unlock()
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for workload, of := range o.known {
		if of.placed {
			gauge(o.status, of.status, workload.Name, workload.Namespace)
			gauge(o.weight, 100-of.percent, workload.Name+"-primary", workload.Namespace)
			gauge(o.weight, of.percent, workload.Name, workload.Namespace)
		}
		for _, e := range of.endings {
			desc := o.successes
			if e.undone {
				desc = o.failures
			}
			out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, e.times, workload.Name, workload.Namespace, e.strategy, e.status)
		}
	}
}
