package e2e

import (
	"context"
	_ "embed"
	"testing"
	"time"

	"github.com/serinhq/serin/lab/await"
	"github.com/serinhq/serin/lab/demo"
	"github.com/serinhq/serin/lab/traffic"
)

//go:embed istio.yaml
var istioTemplate string

// Releases by Serin through a gateway of Istio: what the clients see at each step is what
// was asked for, and no request fails because traffic is moved. One after another: shares
// need the whole machine's traffic.
func TestIstioReleases(t *testing.T) {
	s := site{t, raiseWith(t, istioLab("e2e-istio-ways"))}
	s.operator()
	s.kubectl("", "create", "namespace", demo.Namespace)
	const judged = `[{name: errors, interval: 5s, thresholdRange: {max: 1}, query: '` +
		`100 * (sum(rate(http_request_duration_seconds_count{kubernetes_namespace="demo", kubernetes_pod_name=~"weighted-[0-9a-f]+-.+", status=~"5.."}[5s]))` +
		` or vector(0)) / sum(rate(http_request_duration_seconds_count{kubernetes_namespace="demo", kubernetes_pod_name=~"weighted-[0-9a-f]+-.+"}[5s]))'}]`
	for _, w := range []way{
		// Steps of 20 s, because with these two points are sure, see traffic.SampleError.
		{Name: "weighted", Analysis: "{interval: 20s, threshold: 1, stepWeights: [20, 60], metrics: " + judged + "}", travel: weightedWay},
		{Name: "tested", Analysis: "{interval: 10s, threshold: 2, iterations: 2, match: [{headers: {x-canary: {exact: insider}}}]}", travel: testedWay},
		{Name: "copied", Analysis: "{interval: 15s, threshold: 2, iterations: 2, mirror: true, mirrorWeight: 50}", travel: copiedWay},
		{Name: "sticky", Analysis: kept, rate: newcomers, travel: stickyWay},
	} {
		t.Run(w.Name, func(t *testing.T) {
			w.Kind, w.manifest = "Deployment", istioTemplate
			traveller{site{t, s.Site}, w}.journey()
		})
	}
}

// weightedWay: the shares of a good release, and a bad one undone.
func weightedWay(w traveller) {
	load, books := w.watched(w.config(w.rate))
	w.release("2.0.0")
	for _, weight := range []int{20, 60} {
		w.divides(load, weight)
	}
	w.ends("Succeeded", "2.0.0")
	w.release(bad)
	w.ends("Failed", "2.0.0")
	books()
}

// divides measures the share of the new release from the beginning of a step to its end.
func (w traveller) divides(load *traffic.Load, weight int) {
	w.Helper()
	w.dividesWhile(load, weight, func() {})
}

// dividesWhile is divides, with something to do in the step.
func (w traveller) dividesWhile(load *traffic.Load, weight int, act func()) {
	w.Helper()
	w.weight(weight)
	// The status is written before the routes, and the gateway follows a moment later.
	pass(w.T, time.Second)
	span := load.Mark()
	act()
	w.until("the end of the step", func(c canaryStatus) bool { return c.CanaryWeight != weight || c.Phase != "Progressing" })
	load.Mark()
	within(w.T, span.Tally(), "2.0.0", float64(weight))
}

// testedWay: the canary for those who have the header, the primary for all others.
func testedWay(w traveller) {
	const rate = 100
	insiders := w.config(rate)
	insiders.Header = insiders.Header.Clone()
	insiders.Header.Set("X-Canary", "insider")
	theirs, theirBooks := w.watched(insiders)
	others, otherBooks := w.watched(w.config(rate))
	w.release("2.0.0")
	w.routed(func(rules []rule) bool { return rules[0].to(w.Name+"-canary") == 100 })
	pass(w.T, time.Second)
	tested, spared := theirs.Mark(), others.Mark()
	w.until("the end of the test", func(c canaryStatus) bool { return c.Phase != "Progressing" })
	theirs.Mark()
	others.Mark()
	within(w.T, tested.Tally(), "2.0.0", 100)
	within(w.T, spared.Tally(), "1.0.0", 100)
	w.ends("Succeeded", "2.0.0")
	theirBooks()
	otherBooks()
}

// copiedWay: the canary gets copies of half of the requests, which the users do not notice.
func copiedWay(w traveller) {
	w.release("2.0.0")
	w.routed(func(rules []rule) bool { return rules[0].Mirror.Host == w.Name+"-canary" })
	pass(w.T, time.Second)
	count := func() int { return served(w.T, w.kubectl, demo.Namespace, "app="+w.Name) }
	before := count()
	load, books := w.watched(w.config(traffic.DefaultRate))
	span := load.Mark()
	pass(w.T, 4*time.Second)
	load.Stop()
	within(w.T, span.Tally(), "1.0.0", 100)
	copies(w.T, span.Tally().Answered(), 50, func() int { return count() - before })
	books()
	w.ends("Succeeded", "2.0.0")
}

// watched sends requests until the returned function is called, which closes the books:
// none may have been lost, whatever happened meanwhile.
func (w traveller) watched(config traffic.Config) (*traffic.Load, func()) {
	w.Helper()
	err := await.Condition(w.Context(), patience, "an answer through the gateway", func(ctx context.Context) error {
		_, err := traffic.Ask(ctx, config)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	load, err := traffic.Start(w.Context(), config)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(load.Stop)
	return load, func() {
		w.Helper()
		load.Stop()
		tally := load.Total()
		if failed := tally.Failed(); failed > 0 {
			w.Errorf("%d of %d requests were answered by no release: %s", failed, tally.Sent, tally.Lost)
		}
		w.Logf("%d requests, %d lost, answered by %v", tally.Sent, tally.Failed(), tally.Names())
	}
}

// rule is what the tests read of a rule of a VirtualService.
type rule struct {
	Mirror struct{ Host string }
	Route  []struct {
		Weight      int
		Destination struct{ Host string }
	}
}

// to is the share of a host; a sole destination has all of it.
func (r rule) to(host string) int {
	for _, route := range r.Route {
		if route.Destination.Host == host {
			return route.Weight
		}
	}
	return 0
}

// routed waits until the VirtualService of the way is so.
func (w traveller) routed(so func([]rule) bool) {
	w.Helper()
	const limit = 2 * time.Minute
	type object struct{ Spec struct{ HTTP []rule } }
	follow(w.site, limit, "virtualservices.networking.istio.io", w.Name, func(o object) bool {
		return len(o.Spec.HTTP) > 0 && so(o.Spec.HTTP)
	})
}
