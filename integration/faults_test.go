package integration

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// whatFails chooses how much is tried: a sample of the scripts, or "all", which walks
// over every write of every release and takes an hour.
var whatFails = flag.String("faults", "sample", "which faults to try: sample or all")

// A trial is one release with one outcome.
type trial struct {
	name     string
	provider string
	skip     bool
	analysis string
	bad      bool
}

func (c trial) end() string {
	if c.bad {
		return "Failed"
	}
	return "Succeeded"
}

// trials are the strategies, each with a good and a bad end.
func trials() []trial {
	metrics := "metrics:\n- {name: request-success-rate, thresholdRange: {min: 99}}\n"
	audience := "match:\n- headers: {x-canary: {exact: always}}\n"
	strategies := []trial{
		{name: "weighted", analysis: "maxWeight: 40\nstepWeight: 20\n" + metrics},
		{name: "weighted there and back", analysis: "maxWeight: 40\nstepWeight: 40\nstepWeightPromotion: 20\n" + metrics},
		{name: "blue-green", analysis: "iterations: 2\nmirror: true\n" + metrics},
		{name: "A-B", analysis: "iterations: 2\n" + audience + metrics},
		{name: "skip", skip: true, analysis: "maxWeight: 40\nstepWeight: 20\n"},
		{name: "kubernetes", provider: "kubernetes", analysis: "iterations: 2\n" + metrics},
	}
	var all []trial
	for _, s := range strategies {
		for _, bad := range []bool{false, true} {
			s.bad = bad
			all = append(all, s)
		}
	}
	return all
}

// everywhere are the scripts that break each request of a release in one run.
func everywhere() []script {
	every := func(int) bool { return true }
	all := []script{{name: "dies behind every write", dies: every}}
	for _, f := range []fault{conflict, tooMany, broken, unreachable, lost, expired, dropped} {
		all = append(all, script{name: "every request meets once " + string(f), faults: []fault{f}})
	}
	return all
}

// mixed has every fault in one run, so that each request meets some.
func mixed(turn int) script {
	faults := []fault{conflict, lost, broken, dropped, unreachable, tooMany, expired}
	turn %= len(faults)
	return script{name: fmt.Sprintf("every request meets one of all faults, from the %d.", turn+1),
		faults: slices.Concat(faults[turn:], faults[:turn])}
}

// scripts for the trial of that index, which needed so many writes undisturbed. The
// sample lets each trial die or meet faults; together they see all of both.
func scripts(index, writes int) []script {
	if *whatFails != "all" {
		if index == 0 {
			return []script{everywhere()[0], mixed(0)}
		}
		if index%4 == 1 || index%4 == 2 {
			return []script{mixed(index)}
		}
		return everywhere()[:1]
	}
	all := everywhere()
	for n := 1; n <= writes; n++ {
		all = append(all, script{name: fmt.Sprintf("dies behind write %d", n), dies: func(m int) bool { return m == n }})
	}
	return all
}

// A release ends as it would have, on the same way, and says and calls the same,
// whatever happens to the operator and its requests; and at every resourceVersion
// on the way the world is as it should be.
func TestFaultsChangeNothing(t *testing.T) {
	t.Parallel()
	for index, c := range trials() {
		t.Run(fmt.Sprintf("%s/%s", c.name, c.end()), func(t *testing.T) {
			t.Parallel()
			want, writes := c.run(t, script{name: "undisturbed"})
			for _, s := range scripts(index, writes) {
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					got, _ := c.run(t, s)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("what became of the release, -undisturbed +disturbed\n%s", diff)
					}
				})
			}
		})
	}
}

// An outcome is what must not depend on faults.
type outcome struct {
	Phase, Primary string
	Weight, Failed int
	Ways           string   // that the route went
	Events         []string // in order, without those about waiting
	Calls          []string // of hooks, each key once
}

// run lets a release happen and tells what became of it, and how many writes it took.
func (c trial) run(t *testing.T, s script) (outcome, int) {
	t.Helper()
	w := newWorld(t)
	h := w.remember()
	i := newInjector(s)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what went wrong:\n%s", strings.Join(i.told(), "\n"))
		}
	})
	// In the past, so that the clock stays behind the machine's for as long as a test
	// takes: times that Kubernetes notes are then never long ago.
	w.supervise(i, time.Now().Add(-24*time.Hour))
	w.push("app:1")
	w.must(apply(w.ctx, plane.client, w.parse(c.canary(w))))
	w.phase("Initialized")
	switch {
	case c.bad && c.skip:
		w.pods.breakImage("app:2")
	case c.bad:
		w.metrics.set(50, 20)
	}
	w.push("app:2")
	w.phase(c.end())
	w.spoken(h)
	if s.dies == nil {
		w.delivered()
	}
	w.stop()

	all, _ := h.versions()
	for _, sin := range sins(all) {
		t.Error(sin)
	}
	w.deliveries()
	status := w.status().Status
	return outcome{
		Phase: string(status.Phase), Primary: w.image("podinfo-primary"), Weight: status.CanaryWeight, Failed: status.FailedChecks,
		Ways: ways(all), Events: happened(w.events()), Calls: w.calls(),
	}, i.writes
}

// canary is the object; its deadline is on a clock that hurries.
func (c trial) canary(w *world) string {
	provider := c.provider
	if provider == "" {
		provider = "gatewayapi:v1"
	}
	hooks := "webhooks:\n"
	for _, kind := range []string{"pre-rollout", "rollout", "post-rollout", "event"} {
		hooks += "- {name: " + kind + ", type: " + kind + ", url: " + w.hooks.URL + "/" + kind + "}\n"
	}
	return fmt.Sprintf(`
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: podinfo}
spec:
  provider: %s
  skipAnalysis: %t
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: podinfo}
  progressDeadlineSeconds: 600
  service:
    port: 80
    targetPort: 9898
    gatewayRefs: [{name: public}]
  analysis:
    interval: 10s
    threshold: 1
`, provider, c.skip) + indent(c.analysis+hooks)
}

// spoken waits until the last transition has been said.
func (w *world) spoken(h *history) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	last := w.status().Status.Posted()
	w.must(h.until(ctx, "the events of the last transition", func(all []version) bool {
		for _, report := range last {
			if !slices.ContainsFunc(all, func(v version) bool {
				return v.GetKind() == "Event" && textAt(v.Unstructured, "message") == report.Message
			}) {
				return false
			}
		}
		return true
	}))
}

// happened leaves out what depends on the speed of the machine, and what the
// operator says about requests that failed.
func happened(events []string) []string {
	return slices.DeleteFunc(events, func(e string) bool {
		return strings.Contains(e, " not ready: ") || strings.Contains(e, "metrics providers are available") ||
			strings.HasPrefix(e, "apply ") || strings.HasPrefix(e, "scale ") || strings.HasPrefix(e, "take over ") ||
			strings.Contains(e, "made up by the test")
	})
}

// calls of hooks that are made once for each step: each key counts once, because a
// receiver knows by it that it has seen the call.
func (w *world) calls() []string {
	var all []string
	for _, path := range []string{"pre-rollout", "rollout", "post-rollout"} {
		keys := map[string]bool{}
		for _, c := range w.hooks.to(path) {
			if !keys[c.Key] {
				all = append(all, path+" in "+c.Phase)
			}
			keys[c.Key] = true
		}
	}
	return all
}

// delivered waits until the event hook was told all that is said once. An operator
// that dies between an event and its delivery takes the delivery with it; a remark
// whose answer was lost is not made again when the reason is gone.
func (w *world) delivered() {
	w.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for len(w.untold()) > 0 {
		select {
		case <-tick.C:
		case <-limit:
			w.t.Fatalf("the event hook was not told of %q", w.untold())
		}
	}
}

// untold are the events that the event hook does not know.
func (w *world) untold() []string {
	w.t.Helper()
	told := map[string]int{}
	for _, c := range w.hooks.to("event") {
		told[strings.ReplaceAll(c.Metadata["eventMessage"], w.namespace, "NS")]++
	}
	return slices.DeleteFunc(happened(w.events()), func(e string) bool {
		told[e]--
		return told[e] >= 0
	})
}

// deliveries of events are none but those that happened, and none is delivered twice.
func (w *world) deliveries() {
	w.t.Helper()
	left := map[string]int{}
	for _, e := range w.events() {
		left[e]++
	}
	keys := map[string]string{}
	for _, c := range w.hooks.to("event") {
		message := strings.ReplaceAll(c.Metadata["eventMessage"], w.namespace, "NS")
		if left[message]--; left[message] < 0 {
			w.t.Errorf("the event hook was told more often than it happened: %q", message)
		}
		if other, ok := keys[c.Key]; ok {
			w.t.Errorf("the key %s was used for %q and for %q", c.Key, other, message)
		}
		keys[c.Key] = message
	}
}
