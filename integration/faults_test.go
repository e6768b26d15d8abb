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

// whatFails chooses how much is tried: a sample of the trials and scripts, or "all",
// in which every release dies behind every write.
var whatFails = flag.String("faults", "sample", "which faults to try: sample or all")

// A trial is one release with one outcome.
type trial struct {
	name     string
	of       subject
	provider string
	skip     bool
	analysis string
	bad      bool
	sampled  bool         // also tried in the sample
	steer    func(*world) // what a person does on the way
}

func (c trial) end() string {
	if c.bad {
		return "Failed"
	}
	return "Succeeded"
}

const onSuccessRate = "metrics:\n- {name: request-success-rate, thresholdRange: {min: 99}}\n"

// trials are the strategies and what they may release, each with a good and a bad end.
func trials() []trial {
	ramp := "maxWeight: 40\nstepWeight: 20\n" + onSuccessRate
	audience := "match:\n- headers: {x-canary: {exact: always}}\n"
	all := both([]trial{
		{name: "weighted", analysis: ramp},
		{name: "weighted there and back", analysis: "maxWeight: 40\nstepWeight: 40\nstepWeightPromotion: 20\n" + onSuccessRate},
		{name: "blue-green", analysis: "iterations: 2\nmirror: true\n" + onSuccessRate},
		{name: "A-B", analysis: "iterations: 2\n" + audience + onSuccessRate},
		{name: "skip", skip: true, analysis: "maxWeight: 40\nstepWeight: 20\n"},
		{name: "kubernetes", provider: "kubernetes", analysis: "iterations: 2\n" + onSuccessRate},
	})
	for i := range all {
		all[i].of, all[i].sampled = aDeployment(), true
	}
	all = append(all, both([]trial{
		{name: "DaemonSet", of: aDaemonSet(), analysis: ramp},
		{name: "StatefulSet", of: aStatefulSet(), analysis: ramp},
		{name: "Service", of: aService(), analysis: ramp},
		{name: "HorizontalPodAutoscaler", of: aScaledDeployment(), analysis: ramp},
		{name: "ConfigMap", of: aConfiguration(), analysis: ramp},
	})...)
	stages := "steps:\n- {weight: 20, pause: first}\n- {weight: 40, pause: second}\n" + onSuccessRate
	return append(all,
		trial{name: "steered", of: aDeployment(), analysis: stages, steer: steered},
		trial{name: "steered", of: aDeployment(), analysis: stages, steer: stopped, bad: true})
}

// both has each of them with a good and a bad end.
func both(some []trial) []trial {
	var all []trial
	for _, c := range some {
		for _, bad := range []bool{false, true} {
			c.bad = bad
			all = append(all, c)
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

// apart is the distance of deaths in one run: with so many runs, one dies behind every
// write, and lives long enough in between to do what a shorter life would not.
const apart = 3

// scripts for the trial of that index. The sample lets each trial die or meet faults;
// together they see all of both.
func (c trial) scripts(index int) []script {
	if *whatFails != "all" {
		switch {
		case index == 0:
			return []script{everywhere()[0], mixed(0), robbed(1)}
		case index%4 == 1 || index%4 == 2:
			return []script{mixed(index)}
		}
		return everywhere()[:1]
	}
	all := append(everywhere(), robbed(1), robbed(2))
	for first := range apart {
		all = append(all, script{name: fmt.Sprintf("dies behind writes %d, %d and so on", first+1, first+1+apart),
			dies: func(n int) bool { return n%apart == (first+1)%apart }})
	}
	if index < 2 {
		all = append(all, cutOff())
	}
	return all
}

// A release ends as it would have, on the same way, and says and calls the same,
// whatever happens to the operator and its requests; and at every resourceVersion
// on the way the world is as it should be.
func TestFaultsChangeNothing(t *testing.T) {
	t.Parallel()
	for index, c := range trials() {
		if *whatFails != "all" && !c.sampled {
			continue
		}
		t.Run(fmt.Sprintf("%s/%s", c.name, c.end()), func(t *testing.T) {
			t.Parallel()
			want := c.run(t, script{name: "undisturbed"})
			for _, s := range c.scripts(index) {
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					got := c.run(t, s)
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
	Remarks        []string // each once
	Calls          []string // of hooks, each key once
}

// run lets a release happen and tells what became of it.
func (c trial) run(t *testing.T, s script) outcome {
	t.Helper()
	w := newWorld(t)
	w.kind = c.of.kind
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
	c.of.prepare(w)
	c.of.push(w, "1")
	w.must(apply(w.ctx, plane.client, w.parse(c.canary(w))))
	w.phase("Initialized")
	switch {
	case c.bad && c.skip:
		w.pods.breakImage("app:2")
	case c.bad && c.steer == nil:
		w.metrics.set(50, 20)
	}
	c.of.push(w, "2")
	if c.steer != nil {
		c.steer(w)
	}
	w.phase(c.end())
	w.spoken(h)
	w.delivered()
	w.stop()

	all, _ := h.versions()
	for _, sin := range sins(w.kind, all) {
		t.Error(sin)
	}
	w.deliveries()
	status := w.status().Status
	return outcome{
		Phase: string(status.Phase), Primary: c.of.runs(w), Weight: status.CanaryWeight, Failed: status.FailedChecks,
		Ways: ways(all), Events: happened(w.events()), Remarks: remarked(w.events()), Calls: w.calls(),
	}
}

// canary is the object; its deadline is on a clock that hurries.
func (c trial) canary(w *world) string {
	provider := c.provider
	if provider == "" {
		provider = "gatewayapi:v1"
	}
	deadline := 7200 // six minutes of the machine's, for lost leases
	if c.skip {
		deadline = 600 // a bad one waits for it
	}
	version, scaler := "apps/v1", ""
	if c.of.kind == "Service" {
		version = "v1"
	}
	if c.of.ref != "" {
		scaler = "  autoscalerRef: " + c.of.ref + "\n"
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
  targetRef: {apiVersion: %s, kind: %s, name: podinfo}
%s  progressDeadlineSeconds: %d
  service:
    port: 80
    targetPort: 9898
    gatewayRefs: [{name: public}]
  analysis:
    interval: 10s
    threshold: 1
`, provider, c.skip, version, c.of.kind, scaler, deadline) + indent(c.analysis+hooks)
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

// happened leaves out what depends on the speed of the machine, and what the operator
// says about single requests, done or failed.
func happened(events []string) []string {
	return slices.DeleteFunc(slices.Clone(events), func(e string) bool {
		return remark(e) || strings.Contains(e, " not ready") || strings.HasSuffix(e, " not found") ||
			strings.Contains(e, " waiting for approval ") || strings.Contains(e, "metrics providers are available") ||
			strings.HasPrefix(e, "apply ") || strings.HasPrefix(e, "scale ") || strings.HasPrefix(e, "take over ") ||
			strings.HasSuffix(e, " synced") || strings.Contains(e, "by the test")
	})
}

// remarked are the events that are said once or twice: by each operator that sees what
// they say, under the transition that it knows.
func remarked(events []string) []string {
	found := slices.DeleteFunc(slices.Clone(events), func(e string) bool { return !remark(e) })
	slices.Sort(found)
	return slices.Compact(found)
}

// remark tells them: that the analysis starts is said while the pre-rollout hook is
// asked, if somebody looks then, and when it has passed.
func remark(event string) bool {
	return strings.HasPrefix(event, "Starting canary analysis") || strings.HasSuffix(event, " has changed")
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

// delivered waits until the event hook was told all that is said once. A remark is
// not made again when its reason is gone.
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
	for _, message := range w.toldOf() {
		told[message]++
	}
	return slices.DeleteFunc(happened(w.events()), func(e string) bool {
		told[e]--
		return told[e] >= 0
	})
}

// toldOf are the texts that the event hook got, by their keys: one that comes again
// is known by it.
func (w *world) toldOf() map[string]string {
	w.t.Helper()
	byKey := map[string]string{}
	for _, c := range w.hooks.to("event") {
		message := strings.ReplaceAll(c.Metadata["eventMessage"], w.namespace, "NS")
		if other, ok := byKey[c.Key]; ok && other != message {
			w.t.Errorf("the key %s was used for %q and for %q", c.Key, other, message)
		}
		byKey[c.Key] = message
	}
	return byKey
}

// deliveries of events are none but those that happened, each under one key.
func (w *world) deliveries() {
	w.t.Helper()
	left := map[string]int{}
	for _, e := range w.events() {
		left[e]++
	}
	for _, message := range w.toldOf() {
		if left[message]--; left[message] < 0 {
			w.t.Errorf("the event hook was told under more keys than it happened: %q", message)
		}
	}
}
