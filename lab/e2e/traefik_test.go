package e2e

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/serinhq/serin/lab/await"
	"github.com/serinhq/serin/lab/cluster"
	"github.com/serinhq/serin/lab/demo"
	"github.com/serinhq/serin/lab/priority"
	"github.com/serinhq/serin/lab/traffic"
)

//go:embed traefik.yaml
var traefikTemplate string

// A second data plane carries releases as the first does: the clients see the shares that
// were asked for, lose no request, and are home again after a bad release. One after
// another: shares need the whole machine's traffic.
//
// Copies of requests to an HTTPRoute are made by Contour: see mirrorless and refusedWay.
func TestTraefikReleases(t *testing.T) {
	if err := priority.Raise(); err != nil { // a client that waits for a processor loses requests itself
		t.Fatal(err)
	}
	s := site{t, raiseWith(t, cluster.Options{Name: "e2e-traefik", Kubectl: true, Traefik: true})}
	s.operator()
	through := s.Site
	through.Gateway, through.GatewayName = s.Traefik, cluster.TraefikName
	mirrorless(site{t, through})
	// Traefik divides by turns, not by chance: a share needs no more requests to be exact.
	const rate = 150
	const judged = "metrics: [{name: request-success-rate, thresholdRange: {min: 99}, interval: 10s}]"
	for _, c := range []struct {
		name, provider, analysis string
		there                    demo.Site
		rate                     int
		travel                   func(traveller)
	}{
		{"weighted", "gatewayapi:v1", "{interval: 10s, threshold: 1, stepWeights: [20, 60], " + judged + "}", through, rate, weightedWay},
		{"tested", "gatewayapi:v1", "{interval: 10s, threshold: 1, iterations: 2, match: [{headers: {x-canary: {exact: insider}}}], " + judged + "}", through, rate, insiderWay},
		{"refused", "gatewayapi:v1", "{interval: 10s, threshold: 1, stepWeights: [50]}", through, rate, refusedWay},
		{"copied", "gatewayapi:v1", "{interval: 15s, threshold: 1, stepWeights: [50], mirror: true, " + judged + "}", s.Site, rate, mirrorWay},
		{"sticky", "gatewayapi:v1", kept, through, newcomers, stickyWay},
		{"service", "traefik", "{interval: 10s, threshold: 1, stepWeights: [20, 60], " + judged + "}", through, rate, weightedWay},
		{"service-copied", "traefik", "{interval: 15s, threshold: 1, stepWeights: [50], mirror: true, " + judged + "}", through, rate, mirrorWay},
	} {
		t.Run(c.name, func(t *testing.T) {
			journey := traveller{site{t, c.there}, way{
				Name: c.name, Kind: "Deployment", Provider: c.provider, Analysis: c.analysis, manifest: traefikTemplate, rate: c.rate,
			}}
			journey.write("1.0.0", true)
			journey.phase("Initialized")
			c.travel(journey)
			journey.over()
		})
	}
}

// mirrorless shows that Traefik 3.7 takes a route that mirrors requests and then answers
// all of them with 500; that it does not support mirrors it says in its GatewayClass only.
// When this fails, Traefik has learnt it, and mirrorWay should lead through it.
func mirrorless(s site) {
	s.Helper()
	s.kubectl("", "create", "namespace", "test")
	s.kubectl(app("mirrored", "one")+`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: mirrored, namespace: test}
spec:
  parentRefs: [{name: `+s.GatewayName+`, namespace: `+s.GatewayNamespace+`}]
  hostnames: [mirrored.lab.test]
  rules:
  - backendRefs: [{name: mirrored, port: 80}]
    filters: [{type: RequestMirror, requestMirror: {backendRef: {name: mirrored, port: 80}}}]
`, "apply", "--server-side", "-f", "-")
	s.kubectl("", "-n", "test", "rollout", "status", "deployment/mirrored", "--timeout=60s")
	err := await.Condition(s.Context(), patience, "an answer of Traefik to a mirrored request", func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Gateway, nil)
		if err != nil {
			return err
		}
		req.Host = "mirrored.lab.test"
		if answer, err := do(req); err == nil || !strings.HasPrefix(err.Error(), "500 ") {
			return fmt.Errorf("got %q, %v, want 500", answer, err)
		}
		return nil
	})
	if err != nil {
		s.Error(err)
	}
	taken := s.kubectl("", "-n", "test", "get", "httproute", "mirrored", "-o", "jsonpath={.status.parents[*].conditions[*].status}")
	if taken != "True True" {
		s.Errorf("the conditions of the route are %q, want both True", taken)
	}
	able := s.kubectl("", "get", "gatewayclass", "traefik", "-o", "jsonpath={.status.supportedFeatures[*].name}")
	if !strings.Contains(able, "HTTPRouteMethodMatching") || strings.Contains(able, "Mirror") {
		s.Errorf("Traefik supports %s: want no mirrors among it", able)
	}
	s.kubectl("", "delete", "namespace", "test", "--wait=false")
}

// A step is measured in its middle: its weight is in the status before it is in the
// gateway, and the next one is in the gateway before it is seen in the status.
const (
	settling = 1500 * time.Millisecond
	middle   = 6500 * time.Millisecond
)

// insiderWay: users with the header have the new release, and nobody else.
func insiderWay(w traveller) { chosenWay("X-Canary", "insider", "")(w) }

// chosenWay: users with a header of one value have the new release, and nobody else; not
// those either who have it with another value, if one is given.
func chosenWay(header, value, another string) func(traveller) {
	return func(w traveller) {
		mine, others := w.config(w.rate), w.config(w.rate)
		mine.Header.Set(header, value)
		if another != "" {
			others.Header.Set(header, another)
		}
		insiders, theirBooks := w.watched(mine)
		outsiders, otherBooks := w.watched(others)
		w.release("2.0.0")
		w.until("the first iteration", func(c canaryStatus) bool { return c.Phase == "Progressing" && c.Iterations > 0 })
		pass(w.T, settling)
		tested, spared := insiders.Mark(), outsiders.Mark()
		pass(w.T, middle)
		all(w.T, tested.Tally(), "2.0.0")
		all(w.T, spared.Tally(), "1.0.0")
		w.ends("Succeeded", "2.0.0")
		theirBooks()
		otherBooks()
	}
}

// mirrorWay: the new release has copies of the requests, and users have none of its answers.
func mirrorWay(w traveller) {
	_, books := w.watched(w.config(w.rate))
	w.release("2.0.0")
	// The step after the arrival, with which no weight comes.
	w.until("copies", func(c canaryStatus) bool { return c.Phase == "Progressing" && c.Rollout.Step == 1 })
	books() // what is counted now is to be known to the request
	pass(w.T, settling)
	count := func() int { return served(w.T, w.kubectl, demo.Namespace, "app="+w.Name) }
	before := count()
	load, err := traffic.Start(w.Context(), w.config(w.rate))
	if err != nil {
		w.Fatal(err)
	}
	pass(w.T, middle)
	load.Stop()
	all(w.T, load.Total(), "1.0.0")
	copies(w.T, load.Total().Answered(), cmp.Or(w.mirrored, 100), func() int { return count() - before })
	_, books = w.watched(w.config(w.rate))
	w.ends("Succeeded", "2.0.0")
	books()
}

// refusedWay: a gateway that says it cannot copy requests is not asked to, and users
// notice nothing.
func refusedWay(w traveller) {
	_, books := w.watched(w.config(w.rate))
	w.kubectl("", "-n", demo.Namespace, "patch", "canary", w.Name, "--type=merge", "--patch", `{"spec": {"analysis": {"mirror": true}}}`)
	w.until("the refusal", func(c canaryStatus) bool {
		return slices.ContainsFunc(c.Conditions, func(one condition) bool {
			return one.Type == "Accepted" && one.Status == "False" &&
				strings.Contains(one.Message, "spec.analysis.mirror: Forbidden: GatewayClass traefik, ") && strings.Contains(one.Message, "HTTPRouteRequestMirror")
		})
	})
	w.serves("1.0.0")
	books()
}

// all answers were given by one release.
func all(t *testing.T, tally traffic.Tally, release string) {
	t.Helper()
	t.Logf("%.2f %% of %d answers by %s; %d failed", tally.Share(release), tally.Answered(), release, tally.Failed())
	if tally.Answered() == 0 || tally.Releases[release].Total != tally.Answered() || tally.Failed() > 0 {
		t.Errorf("want all answers by %s, got those of %v and %d failed", release, tally.Names(), tally.Failed())
	}
}
