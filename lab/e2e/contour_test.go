package e2e

import (
	_ "embed"
	"testing"

	"github.com/serinhq/serin/lab/demo"
	"github.com/serinhq/serin/lab/priority"
	"github.com/serinhq/serin/lab/traffic"
)

//go:embed released.yaml
var releasedTemplate string

// Contour carries releases by HTTPProxies that the user's own one includes, and by
// HTTPRoutes those that the other tests do not let through it: by audience, and with
// cookies. One after another: shares need the whole machine's traffic.
func TestContourReleases(t *testing.T) {
	if err := priority.Raise(); err != nil { // a client that waits for a processor loses requests itself
		t.Fatal(err)
	}
	s := site{t, raise(t, "e2e-contour")}
	s.operator()
	s.kubectl("", "create", "namespace", demo.Namespace)
	const (
		rate     = 100
		judged   = "metrics: [{name: request-success-rate, thresholdRange: {min: 99}, interval: 10s}]"
		audience = `match: [{headers: {x-canary: {exact: insider}}}, {headers: {cookie: {regex: "^(.*; *)?canary=always(;.*)?$"}}}]`
	)
	for _, w := range []way{
		// Steps of 20 s, because with these two points are sure, see traffic.SampleError.
		{Name: "weighted", Provider: "contour", Analysis: "{interval: 20s, threshold: 1, stepWeights: [20, 60], " + judged + "}", travel: weightedWay},
		{Name: "tested", Provider: "contour", Analysis: "{interval: 10s, threshold: 1, iterations: 2, " + audience + ", " + judged + "}", rate: rate, travel: audienceWay},
		{Name: "scoped", Provider: "contour", Analysis: "{interval: 20s, threshold: 1, stepWeights: [20, 60], " + audience + ", " + judged + "}", travel: scopedWay},
		{Name: "copied", Provider: "contour", Analysis: "{interval: 15s, threshold: 1, stepWeights: [50], mirror: true, " + judged + "}", rate: rate, travel: mirrorWay},
		{Name: "half-copied", Provider: "contour", Analysis: "{interval: 15s, threshold: 1, stepWeights: [50], mirror: true, mirrorWeight: 50, " + judged + "}",
			rate: rate, mirrored: 50, travel: mirrorWay},
		{Name: "route-tested", Provider: "gatewayapi:v1", Analysis: "{interval: 10s, threshold: 1, iterations: 2, " + audience + ", " + judged + "}", rate: rate, travel: audienceWay},
		{Name: "route-sticky", Provider: "gatewayapi:v1", Analysis: kept, rate: newcomers, travel: stickyWay},
	} {
		t.Run(w.Name, func(t *testing.T) {
			w.Kind, w.manifest = "Deployment", releasedTemplate
			traveller{site{t, s.Site}, w}.journey()
		})
	}
}

// audienceWay: users with the header or the cookie have the new release, and nobody else,
// however alike they are.
func audienceWay(w traveller) {
	users := []struct{ header, value, release string }{
		{"X-Canary", "insider", "2.0.0"},
		{"Cookie", "theme=dark; canary=always; lang=en", "2.0.0"},
		{"X-Canary", "insiders", "1.0.0"},
		{"Cookie", "canary=always-not", "1.0.0"},
		{"Accept", "*/*", "1.0.0"},
	}
	var loads []*traffic.Load
	var books []func()
	for _, user := range users {
		config := w.config(w.rate)
		config.Header.Set(user.header, user.value)
		load, end := w.watched(config)
		loads, books = append(loads, load), append(books, end)
	}
	w.release("2.0.0")
	w.until("the first iteration", func(c canaryStatus) bool { return c.Phase == "Progressing" && c.Iterations > 0 })
	pass(w.T, settling)
	var spans []*traffic.Span
	for _, load := range loads {
		spans = append(spans, load.Mark())
	}
	pass(w.T, middle)
	for i, user := range users {
		w.Logf("%s: %s", user.header, user.value)
		all(w.T, spans[i].Tally(), user.release)
	}
	w.ends("Succeeded", "2.0.0")
	for _, end := range books {
		end()
	}
}

// scopedWay: weights hold among those who match, and everybody else stays where they were.
func scopedWay(w traveller) {
	config := w.config(w.rate)
	config.Header.Set("X-Canary", "insider")
	insiders, theirBooks := w.watched(config)
	const few = 50
	others, otherBooks := w.watched(w.config(few))
	w.release("2.0.0")
	for _, weight := range []int{20, 60} {
		spared := others.Mark()
		w.divides(insiders, weight)
		all(w.T, spared.Tally(), "1.0.0")
	}
	w.ends("Succeeded", "2.0.0")
	theirBooks()
	otherBooks()
}
