package e2e

import (
	"testing"

	"github.com/serinhq/serin/lab/cluster"
	"github.com/serinhq/serin/lab/priority"
)

// Envoy Gateway carries releases as its users have it: it reads the routes, and deploys the
// Envoy that serves them. The clients see the shares that were asked for, lose no request,
// keep their side, and are home again after a bad release. One after another: shares need
// the whole machine's traffic.
func TestEnvoyGatewayReleases(t *testing.T) {
	if err := priority.Raise(); err != nil { // a client that waits for a processor loses requests itself
		t.Fatal(err)
	}
	s := site{t, raiseWith(t, cluster.Options{Name: "e2e-envoy-gateway", Kubectl: true, EnvoyGateway: true})}
	s.operator()
	through := s.Site
	through.Gateway, through.GatewayName = s.EnvoyGateway, cluster.EnvoyGatewayName
	const judged = "metrics: [{name: request-success-rate, thresholdRange: {min: 99}, interval: 10s}]"
	for _, w := range []way{
		// Envoy divides by chance. With steps of 20 s two points are sure, see traffic.SampleError.
		{Name: "weighted", Analysis: "{interval: 20s, threshold: 1, stepWeights: [20, 60], " + judged + "}", travel: weightedWay},
		{
			Name: "tested", rate: 150, travel: insiderWay,
			Analysis: "{interval: 10s, threshold: 1, iterations: 2, match: [{headers: {x-canary: {exact: insider}}}], " + judged + "}",
		},
		{Name: "copied", rate: 150, Analysis: "{interval: 15s, threshold: 1, stepWeights: [50], mirror: true, " + judged + "}", travel: mirrorWay},
		{Name: "sticky", rate: newcomers, Analysis: kept, travel: stickyWay},
	} {
		t.Run(w.Name, func(t *testing.T) {
			w.Kind, w.Provider, w.manifest = "Deployment", "gatewayapi:v1", traefikTemplate
			journey := traveller{site{t, through}, w}
			journey.write("1.0.0", true)
			journey.phase("Initialized")
			w.travel(journey)
			journey.over()
		})
	}
}
