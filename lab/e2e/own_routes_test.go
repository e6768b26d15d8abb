package e2e

import (
	"context"
	_ "embed"
	"errors"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/serinhq/serin/lab/await"
	"github.com/serinhq/serin/lab/demo"
	"github.com/serinhq/serin/lab/priority"
	"github.com/serinhq/serin/lab/traffic"
)

//go:embed own.yaml
var ownTemplate string

//go:embed grpc.yaml
var grpcTemplate string

// foreign is the release that answers where the user's routes lead to another service.
const foreign = "9.9.9"

// Releases in routes that their users keep: the shares are what was asked for, all else in
// the object does what it did, no request is lost, and afterwards it is as it was. Beside
// them one by a GRPCRoute of Serin's own, followed by the calls.
//
// With 300 requests a second two points are 3.7 standard deviations of a step of 28 s at
// 60 %, see traffic.SampleError; more would take the processors from the case beside.
func TestRoutesOfTheUsers(t *testing.T) {
	if err := priority.Raise(); err != nil { // a client that waits for a processor loses requests itself
		t.Fatal(err)
	}
	s := site{t, raise(t, "e2e-own-routes")}
	s.operator()
	s.kubectl("", "create", "namespace", demo.Namespace)
	const (
		judged   = "metrics: [{name: request-success-rate, thresholdRange: {min: 99}, interval: 10s}]"
		measured = "{interval: 30s, threshold: 1, stepWeights: [20, 60], " + judged + "}"
		short    = "{interval: 10s, threshold: 1, stepWeights: [20, 60], " + judged + "}"
		// The pods count requests of HTTP only; Envoy counts calls as well.
		answered = `envoy_cluster_upstream_rq{envoy_cluster_name=~"demo_called-canary_.+"`
		calls    = "{interval: 30s, threshold: 1, stepWeights: [20, 60], metrics: [{name: answers, interval: 10s, thresholdRange: {min: 99}, " +
			`query: '100 * sum(rate(` + answered + `, envoy_response_code!~"5.*"}[10s])) / sum(rate(` + answered + `}[10s]))'}]}`
	)
	for _, w := range []way{
		{Name: "my-route", Provider: "gatewayapi:v1", Analysis: measured, rate: 300, travel: dividedWay},
		{Name: "my-bad-route", Provider: "gatewayapi:v1", Analysis: short, rate: 100, travel: givenUpWay},
		{Name: "my-proxy", Provider: "contour", Analysis: measured, rate: 300, travel: dividedWay},
		{Name: "called", Provider: "gatewayapi:v1", Analysis: calls, rate: 300, travel: calledWay, manifest: grpcTemplate, wire: newGRPCWire},
	} {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			w.Kind = "Deployment"
			if w.manifest == "" {
				w.manifest = ownTemplate
			}
			traveller{site{t, s.Site}, w}.journey()
		})
	}
}

// dividedWay: the shares of a good release in both rules of the user's route.
func dividedWay(w traveller) {
	w.kubectl("", "-n", demo.Namespace, "rollout", "status", "deployment/foreign", "--timeout=60s")
	before := w.mine()
	const few = 100
	load, books := w.watched(w.config(w.rate))
	both, bothBooks := w.watched(w.shared(few))
	w.release("2.0.0")
	for _, weight := range []int{20, 60} {
		w.weight(weight)
		w.filtered()
		pass(w.T, time.Second)
		span := both.Mark()
		w.divides(load, weight)
		both.Mark()
		const rest = 0.75 // what the user's weights leave to the service
		drawn(w.T, span.Tally(), "2.0.0", rest*float64(weight))
		drawn(w.T, span.Tally(), foreign, 25)
	}
	w.ends("Succeeded", "2.0.0")
	w.isAgain(before)
	w.filtered()
	books()
	bothBooks()
}

// givenUpWay: a bad release in the user's route is undone.
func givenUpWay(w traveller) {
	before := w.mine()
	load, books := w.watched(w.config(w.rate))
	w.release(bad)
	w.ends("Failed", "1.0.0")
	w.isAgain(before)
	books()
	tally := load.Total()
	if tally.Releases[bad].Total == 0 {
		w.Errorf("%s had no traffic, so that nothing was undone", bad)
	}
	w.Logf("%.2f %% of %d requests met %s", tally.Share(bad), tally.Answered(), bad)
}

// calledWay: calls follow the weights of a release, and of one that is aborted home.
func calledWay(w traveller) {
	load, books := w.watched(w.config(w.rate))
	w.release("2.0.0")
	for _, weight := range []int{20, 60} {
		w.divides(load, weight)
	}
	w.ends("Succeeded", "2.0.0")
	revision := w.release("3.0.0")
	w.weight(20)
	w.ask("abort", revision)
	w.ends("Failed", "2.0.0")
	books()
}

// shared are requests to the rule in which the service has another one beside it.
func (w traveller) shared(rate int) traffic.Config {
	config := w.config(rate)
	config.Header.Set("X-Shared", "yes")
	if w.Provider != "contour" { // an HTTPProxy has one host
		config.Header.Set("Host", w.Name+".shop.test")
	}
	return config
}

// mine is the user's route: all that the user wrote of it.
func (w traveller) mine() string {
	w.Helper()
	resource := "httproutes.gateway.networking.k8s.io"
	if w.Provider == "contour" {
		resource = "httpproxies.projectcontour.io"
	}
	return w.kubectl("", "-n", demo.Namespace, "get", resource, w.Name+"-mine",
		"-o", "jsonpath={.metadata.annotations} {.metadata.labels} {.spec}")
}

// isAgain waits until the user's route is what it was, to the byte.
func (w traveller) isAgain(before string) {
	w.Helper()
	now := ""
	err := await.Condition(w.Context(), patience, "the route as its user wrote it", func(context.Context) error {
		if now = w.mine(); now != before {
			return errors.New("it differs")
		}
		return nil
	})
	if err != nil {
		w.Errorf("%v: the route is\n%s\nand was\n%s", err, now, before)
	}
}

// filtered: the route does to answers what its user wants.
func (w traveller) filtered() {
	w.Helper()
	config := w.config(1)
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, config.URL, nil)
	if err != nil {
		w.Fatal(err)
	}
	req.Header, req.Host = config.Header, config.Header.Get("Host")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		w.Error(err)
	}
	if got := resp.Header.Get("X-Mine"); got != "yes" {
		w.Errorf("%s with X-Mine %q: the filter of the user's rule does not act", resp.Status, got)
	}
}

// drawn compares a share of few requests with what was asked. Each is drawn, so that the
// count scatters: four standard deviations are allowed.
func drawn(t *testing.T, tally traffic.Tally, release string, want float64) {
	t.Helper()
	const sigmas = 4
	slack := traffic.SampleError(want, tally.Answered(), time.Second, sigmas)
	got := tally.Share(release)
	t.Logf("where others are beside it: asked for %g %%, measured %.2f %% of %d answers by %s", want, got, tally.Answered(), release)
	if tally.Answered() == 0 || math.Abs(got-want) > slack {
		t.Errorf("%s answered %.2f %%, want %g give or take %.2f", release, got, want, slack)
	}
}
