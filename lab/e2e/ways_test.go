package e2e

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/serinhq/serin/lab/cluster"
	"github.com/serinhq/serin/lab/demo"
	"github.com/serinhq/serin/lab/traffic"
)

//go:embed ways.yaml
var waysTemplate string

// A way is one workload, its Canary, and what happens to it under traffic.
type way struct {
	Name, Kind string
	Claim      string // the page comes from a ConfigMap or Secret
	Scaler     bool
	Revert     bool
	Analysis   string

	manifest string // waysTemplate if empty
	Provider string // in a manifest that asks for it
	Pods     int    // of each side, in a manifest that asks for it; two if zero
	mirrored int    // percent of the requests that are copied; 100 if zero
	rate     int    // requests a second; traffic.DefaultRate if zero
	host     string // of the requests; after the name if empty
	// node connects each request anew from the node's network; through the gateway if nil.
	node func(ctx context.Context, network, address string) (net.Conn, error)
	wire func() http.RoundTripper // carries the requests; HTTP/1.1 if nil

	// Filled in when it is written.
	Version, Image, GatewayName, GatewayNamespace string
	Page, Prometheus                              string
	Replicas                                      bool // only at first: then they are Serin's

	travel func(w traveller)
}

// steps is two weights of ten seconds each.
const steps = "{interval: 10s, threshold: 2, stepWeights: [20, 60]}"

// manual holds where a person is needed, and keeps the former revision ready afterwards.
const manual = "{interval: 10s, threshold: 2, steps: [{weight: 50, pause: look}], bake: 2m}"

// Releases of every kind, of configuration alone, and steered by people: no request
// fails because the traffic is moved.
func TestEveryWayUnderTraffic(t *testing.T) {
	s := site{t, raise(t, "e2e-ways")}
	s.install(demo.Tale())
	promoted := func(w traveller) { w.release("2.0.0"); w.ends("Succeeded", "2.0.0") }
	for _, w := range []way{
		{Name: "daemon", Kind: "DaemonSet", Analysis: steps, travel: promoted},
		{Name: "stateful", Kind: "StatefulSet", Analysis: steps, travel: promoted},
		{Name: "scaled", Kind: "Deployment", Scaler: true, Analysis: steps, travel: promoted},
		{Name: "configured", Kind: "Deployment", Claim: "ConfigMap", Analysis: steps, travel: promoted},
		{Name: "secretive", Kind: "Deployment", Claim: "Secret", Analysis: steps, travel: promoted},
		{Name: "steered", Kind: "Deployment", Analysis: manual, travel: steeredWay},
		{Name: "undone", Kind: "Deployment", Analysis: manual, travel: undoneWay},
		{Name: "given-back", Kind: "Deployment", Analysis: steps, Revert: true, travel: givenBackWay},
	} {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			journey := traveller{site{t, s.Site}, w}
			journey.write("1.0.0", true)
			journey.phase("Initialized")
			requests := journey.load()
			w.travel(journey)
			tally := requests()
			if failed := tally.Failed(); failed > 0 {
				t.Errorf("%d of %d requests were answered by no release: %s", failed, tally.Sent, tally.Lost)
			}
			t.Logf("%d requests, answered by %v", tally.Sent, tally.Names())
			journey.over()
		})
	}
}

// traveller is a way on a site, on the test of its own.
type traveller struct {
	site
	way
}

// journey is the whole of a way: the first release, what is tried with it, and the end.
func (w traveller) journey() {
	w.Helper()
	w.write("1.0.0", true)
	w.phase("Initialized")
	w.travel(w)
	w.over()
}

// steeredWay: paused, aborted, retried, resumed, and promoted without the rest.
func steeredWay(w traveller) {
	revision := w.release("2.0.0")
	w.weight(50)
	w.ask("pause", revision)
	w.until("the pause", func(c canaryStatus) bool { return c.Rollout.Held })
	w.ask("abort", revision)
	w.ends("Failed", "1.0.0")
	w.ask("retry", revision)
	w.weight(50)
	w.ask("pause", revision+" again")
	w.until("the second pause", func(c canaryStatus) bool { return c.Rollout.Held })
	w.ask("resume", revision)
	w.until("the release to go on", func(c canaryStatus) bool { return !c.Rollout.Held })
	w.ask("promote", revision)
	w.ends("Succeeded", "2.0.0")
}

// undoneWay: all traffic is on the new revision, and one word takes it back.
func undoneWay(w traveller) {
	revision := w.release("2.0.0")
	w.weight(50)
	w.ask("approve", revision+" look")
	w.weight(100)
	asked := time.Now()
	w.ask("undo", revision)
	w.ends("Failed", "1.0.0")
	w.Logf("undone %s after it was asked", time.Since(asked).Round(100*time.Millisecond))
}

// givenBackWay: the Canary goes, the users stay.
func givenBackWay(w traveller) {
	w.kubectl("", "-n", demo.Namespace, "delete", "canary", w.Name, "--timeout=90s")
	w.serves("1.0.0")
	if left := w.kubectl("", "-n", demo.Namespace, "get", "deployment", w.Name, "-o", "jsonpath={.status.availableReplicas}"); left != "2" {
		w.Errorf("the workload was left with %q pods", left)
	}
}

// write applies the manifest with a version.
func (w traveller) write(version string, first bool) {
	w.Helper()
	plan := w.way
	plan.Version, plan.Replicas, plan.Image = version, first && !plan.Scaler, cluster.PodinfoImage
	plan.Pods = cmp.Or(w.Pods, 2)
	plan.GatewayName, plan.GatewayNamespace = w.Site.GatewayName, w.Site.GatewayNamespace
	plan.Page, plan.Prometheus = page(version), w.PrometheusInside
	parsed, err := template.New(w.Name).Option("missingkey=error").Parse(cmp.Or(w.manifest, waysTemplate))
	if err != nil {
		w.Fatal(err)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, plan); err != nil {
		w.Fatal(err)
	}
	w.kubectl(out.String(), "apply", "--server-side", "--force-conflicts", "-f", "-")
}

// bad is a version whose page wants a part that does not exist: every answer is a 500 that
// names it.
const bad = "6.6.6"

func page(version string) string {
	if version == bad {
		return fmt.Sprintf("{{template %q}}\n", "release "+version+", footer")
	}
	return "release " + version + ", pod x\n"
}

// over makes room: the node has two processors, and pods ask for their weight on them.
func (w traveller) over() {
	w.Helper()
	w.kubectl("", "-n", demo.Namespace, "delete", "--ignore-not-found", "--wait=false", "canary/"+w.Name, strings.ToLower(w.Kind)+"/"+w.Name)
}

// release writes a version and returns its revision once a release of it runs.
func (w traveller) release(version string) string {
	w.Helper()
	before := w.now().LastPromotedSpec
	w.write(version, false)
	revision := ""
	w.until("a release of "+version, func(c canaryStatus) bool {
		revision = c.LastAppliedSpec
		return c.Phase == "Progressing" && revision != before
	})
	return revision
}

// ask sets an annotation, as a person does.
func (w traveller) ask(verb, text string) {
	w.Helper()
	w.kubectl("", "-n", demo.Namespace, "annotate", "--overwrite", "canary", w.Name, "serin.dev/"+verb+"="+text)
}

// canaryStatus is what the ways read.
type canaryStatus struct {
	Phase, LastAppliedSpec, LastPromotedSpec string
	CanaryWeight, Iterations                 int
	Conditions                               []condition
	Rollout                                  struct {
		Held    bool
		Step    int
		Pending []string
	}
}

// condition of a Canary.
type condition struct{ Type, Status, Message string }

func (w traveller) now() (c canaryStatus) {
	w.Helper()
	w.until("a status", func(now canaryStatus) bool { c = now; return true })
	return c
}

func (w traveller) until(what string, holds func(canaryStatus) bool) {
	w.Helper()
	const limit = 4 * time.Minute
	follow(w.site, limit, "canary", w.Name, func(c struct{ Status canaryStatus }) bool { return holds(c.Status) })
}

func (w traveller) phase(phase string) {
	w.Helper()
	w.until(phase, func(c canaryStatus) bool { return c.Phase == phase && len(c.Rollout.Pending) == 0 })
}

func (w traveller) weight(weight int) {
	w.Helper()
	w.until(fmt.Sprintf("%d %%", weight), func(c canaryStatus) bool { return c.CanaryWeight == weight })
}

// ends waits for the end of a release, and looks who serves then.
func (w traveller) ends(phase, version string) {
	w.Helper()
	w.phase(phase)
	w.serves(version)
}

// serves asks until the next answers all come from a version: with the status the
// traffic has moved already.
func (w traveller) serves(version string) {
	w.Helper()
	const few = 20
	for range few {
		got, err := traffic.Ask(w.Context(), w.config(1))
		if err != nil || got != version {
			w.Errorf("%s answers, want %s (%v)", got, version, err)
			return
		}
	}
}

func (w traveller) config(rate int) traffic.Config {
	story := demo.Tale()
	story.Rate = rate
	const longest = 15 * time.Minute
	there := w.Site
	there.Host = cmp.Or(w.host, strings.ToLower(w.Name)+".lab.test")
	config := story.Load(there, longest)
	config.Dial, config.Fresh = w.node, w.node != nil
	if w.wire != nil {
		config.Through = w.wire()
	}
	return config
}

// load sends requests to the way's own host until it is asked for the tally.
func (w traveller) load() func() traffic.Tally {
	w.Helper()
	return w.flow(w.config(100))
}
