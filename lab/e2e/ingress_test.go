package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/serinhq/serin/lab/cluster"
	"github.com/serinhq/serin/lab/priority"
)

// Releases by an Ingress with the annotations of ingress-nginx. That is not in the lab;
// Traefik reads the same annotations, in code of its own, and divides as they say. One
// after another: shares need the whole machine's traffic.
func TestIngressReleases(t *testing.T) {
	if err := priority.Raise(); err != nil { // a client that waits for a processor loses requests itself
		t.Fatal(err)
	}
	s := site{t, raiseWith(t, cluster.Options{Name: "e2e-ingress", Kubectl: true, Traefik: true})}
	s.operator()
	through := s.Site
	through.Gateway = s.Traefik
	const rate = 150
	const tested = "{interval: 10s, threshold: 1, iterations: 2, match: [{headers: %s}]}"
	for _, c := range []struct {
		name, analysis string
		travel         func(traveller)
	}{
		{"weighted", "{interval: 10s, threshold: 1, stepWeights: [20, 60], metrics: " + fewErrors("weighted") + "}", weightedWay},
		{"tenths", "{interval: 10s, threshold: 1, steps: [{weight: 12.5}]}", tenthsWay},
		{"by-header", fmt.Sprintf(tested, "{x-canary: {exact: insider}}"), chosenWay("X-Canary", "insider", "always")},
		{"by-pattern", fmt.Sprintf(tested, "{x-canary: {prefix: inside}}"), chosenWay("X-Canary", "insider", "an insider")},
		{"by-cookie", fmt.Sprintf(tested, "{cookie: {exact: tester}}"), chosenWay("Cookie", "a=b; tester=always", "a=always; tester=never")},
	} {
		t.Run(c.name, func(t *testing.T) {
			journey := traveller{site{t, through}, way{
				Name: c.name, Kind: "Deployment", Provider: "nginx", Analysis: c.analysis, manifest: traefikTemplate, rate: rate,
			}}
			journey.write("1.0.0", true)
			journey.phase("Initialized")
			c.travel(journey)
			journey.over()
		})
	}
}

// fewErrors is a metric: what the pods of a canary answer with 5xx, as they count it
// themselves, since Traefik's metrics have other names than those of ingress-nginx.
func fewErrors(name string) string {
	const total = `sum(rate(http_request_duration_seconds_count{kubernetes_namespace="demo", kubernetes_pod_name=~"%s-[0-9a-f]+-.+"%s}[5s]))`
	return `[{name: errors, interval: 5s, thresholdRange: {max: 1}, query: '100 * (` +
		fmt.Sprintf(total, name, `, status=~"5.."`) + ` or vector(0)) / ` + fmt.Sprintf(total, name, "") + `'}]`
}

// tenthsWay: a share that is no whole percent needs a total of its own.
func tenthsWay(w traveller) {
	load, books := w.watched(w.config(w.rate))
	w.release("2.0.0")
	w.until("the first share", func(c canaryStatus) bool { return c.Phase == "Progressing" && c.CanaryWeight > 0 })
	pass(w.T, time.Second)
	span := load.Mark()
	w.until("the end of the step", func(c canaryStatus) bool { return c.Phase != "Progressing" })
	load.Mark()
	within(w.T, span.Tally(), "2.0.0", 12.5)
	w.ends("Succeeded", "2.0.0")
	books()
}
