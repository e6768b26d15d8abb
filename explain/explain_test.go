package explain_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/explain"
	"github.com/serinhq/serin/internal/golden"
	"github.com/serinhq/serin/rollout"
)

var epoch = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)

const (
	ramp = `
steps: [{weight: 20}, {weight: 50, duration: 3m, pause: legal}]
bake: 10m
initialDelay: 30s
metrics:
- {name: request-success-rate, thresholdRange: {min: 99}}
- {name: request-duration, thresholdRange: {max: 500}}
webhooks:
- {name: open, type: confirm-rollout, url: "http://gate/"}
- {name: more, type: confirm-traffic-increase, url: "http://gate/"}
- {name: release, type: confirm-promotion, url: "http://gate/"}
- {name: report, type: post-rollout, url: "http://gate/"}`
	short = "stepWeight: 50\nmaxWeight: 50\nstepWeightPromotion: 25"
	green = "iterations: 3\nmirror: true"
	ab    = "iterations: 3\nmatch: [{headers: {x: {exact: insider}}}]"
)

func canary(t testing.TB, analysis string) (*v1beta1.Canary, rollout.Plan) {
	t.Helper()
	text := `
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: podinfo, namespace: test}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: podinfo}
  service: {port: 80, gatewayRefs: [{name: public}]}
  analysis:
    interval: 1m
    threshold: 10
    ` + strings.ReplaceAll(strings.TrimSpace(analysis), "\n", "\n    ")
	var obj map[string]any
	if err := yaml.Unmarshal([]byte(text), &obj); err != nil {
		t.Fatal(err)
	}
	c, err := v1beta1.Decode(obj)
	if err != nil {
		t.Fatal(err)
	}
	plan, errs := v1beta1.Compile(c, v1beta1.Features{Provider: "gatewayapi:v1", Available: []string{"gatewayapi:v1"},
		Metrics: "gatewayapi:v1", Routes: true, Weight: true, Mirror: true, Match: true, Scoped: true, Affinity: true, Parents: true,
		Fields: []string{"gatewayRefs"}})
	if len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}
	return c, plan
}

// take decides once and writes status as the operator does.
func take(c *v1beta1.Canary, plan rollout.Plan, seen rollout.Observation, pods string) {
	before := c.Status.State()
	after, reports := rollout.Next(plan, before, seen)
	if after == before {
		turn := explain.Turn{Plan: plan, State: after, Seen: seen, Entered: c.Status.Posted(), Remarks: reports, Pods: pods, Stood: true}
		c.Status.Tell(explain.Account(c, before, turn))
		return
	}
	c.Status.Store(after, plan, seen.Now)
	c.Status.Post(reports)
	c.Status.Tell(explain.Account(c, before, explain.Turn{Plan: plan, State: after, Seen: seen, Entered: reports}))
	c.Attend(seen.Now)
}

type situation struct {
	name, analysis string
	state          rollout.State
	see            func(o *rollout.Observation)
	change         func(c *v1beta1.Canary, plan *rollout.Plan) // before the decision
	pods           string
}

func at(phase rollout.Phase, step int) rollout.State {
	return rollout.State{Phase: phase, Revision: "v2", Promoted: "v1", Step: step, Weight: rollout.Full, Since: epoch}
}

func resting(phase rollout.Phase) rollout.State {
	return rollout.State{Phase: phase, Revision: "v1", Promoted: "v1", Since: epoch}
}

var (
	unready = rollout.Health{Serving: true, Reason: "podinfo-primary.test not ready: waiting for rollout to finish: 1 of 2 (readyThreshold 100%) updated replicas are available"}
	young   = rollout.Health{Reason: "canary deployment podinfo.test not ready: waiting for rollout to finish: 0 of 2 (readyThreshold 100%) updated replicas are available"}
	good    = rollout.Finding{Source: rollout.FromSuccessRate, Name: "request-success-rate", Verdict: rollout.Pass, Value: 99.87}
	bad     = rollout.Finding{Source: rollout.FromSuccessRate, Name: "request-success-rate", Verdict: rollout.Fail, Value: 69.17, Limit: 99, Bound: rollout.BelowMin}
	quick   = rollout.Finding{Source: rollout.FromDuration, Name: "request-duration", Verdict: rollout.Pass, Value: 41}
	silent  = rollout.Finding{Source: rollout.FromDuration, Name: "request-duration", NoData: true, Err: "no values found"}
)

func checks(v rollout.Verdict, findings ...rollout.Finding) map[rollout.Probe]rollout.Answer {
	return map[rollout.Probe]rollout.Answer{rollout.Checks: {Verdict: v, Findings: findings}}
}

func closed(probe rollout.Probe, name string) map[rollout.Probe]rollout.Answer {
	all := checks(rollout.Pass, good, quick)
	all[rollout.ConfirmTrafficIncrease] = rollout.Answer{Verdict: rollout.Pass}
	all[probe] = rollout.Answer{Verdict: rollout.Fail, Findings: []rollout.Finding{{Name: name, Verdict: rollout.Fail}}}
	return all
}

func situations() []situation {
	answers := func(a map[rollout.Probe]rollout.Answer) func(*rollout.Observation) {
		return func(o *rollout.Observation) { o.Answers = a }
	}
	worn := at(rollout.Progressing, 2)
	worn.Failures = 9
	aside, hooking, skipped, paused := at(rollout.Promoting, 0), at(rollout.Succeeded, 0), at(rollout.Progressing, 0), at(rollout.Progressing, 2)
	aside.Serving = rollout.OnCanary
	hooking.Pending, skipped.Skipped, paused.Held = rollout.Hooking, true, true
	initial := rollout.State{Phase: rollout.Initializing, Revision: "v2", Serving: rollout.OnCanary, Since: epoch}
	routing := initial
	routing.Step = 1
	leaving := at(rollout.Terminating, 1)
	ask := func(verb rollout.Verb) func(*rollout.Observation) {
		return func(o *rollout.Observation) {
			o.Wishes = []rollout.Wish{{Verb: verb, Revision: "v2", By: "alice", Why: "errors in the shop"}}
		}
	}
	return []situation{
		{name: "initializing, the primary's pods come up", analysis: short, state: initial, see: func(o *rollout.Observation) { o.Primary = unready }},
		{name: "initializing, the route is not there yet", analysis: short, state: routing, see: func(o *rollout.Observation) { o.Routed = false }},
		{name: "initialization ends", analysis: short, state: routing},
		{name: "initialization fails", analysis: short, state: initial, see: func(o *rollout.Observation) { o.Primary, o.Now = unready, epoch.Add(time.Hour) }},
		{name: "at rest after initialization", analysis: short, state: resting(rollout.Initialized), see: func(o *rollout.Observation) { o.Target = "v1" }},
		{name: "at rest after a release", analysis: short, state: resting(rollout.Succeeded), see: func(o *rollout.Observation) { o.Target = "v1" }},
		{name: "at rest, post-rollout hooks are called", analysis: ramp, state: hooking},
		{name: "a new revision, the primary is not ready", analysis: short, state: resting(rollout.Succeeded), see: func(o *rollout.Observation) { o.Primary = unready }},
		{name: "a new revision waits in the queue", analysis: short, state: resting(rollout.Succeeded), see: func(o *rollout.Observation) { o.Queued = "at most 2 at once in the cluster" }},
		{name: "confirm-rollout is closed", analysis: ramp, state: resting(rollout.Succeeded), see: answers(closed(rollout.ConfirmRollout, "open"))},
		{name: "a release starts", analysis: short, state: resting(rollout.Succeeded)},
		{name: "the canary's pods come up", analysis: short, state: at(rollout.Progressing, 0), see: func(o *rollout.Observation) { o.Canary = young }},
		{name: "the canary's pods cannot start", analysis: short, state: at(rollout.Progressing, 0), see: func(o *rollout.Observation) { o.Canary = young },
			pods: `container app of pod podinfo-7c: ImagePullBackOff: Back-off pulling image "app:2"`},
		{name: "warm-up", analysis: ramp, state: at(rollout.Progressing, 0)},
		{name: "confirm-traffic-increase is closed", analysis: ramp, state: at(rollout.Progressing, 1), see: answers(closed(rollout.ConfirmTrafficIncrease, "more"))},
		{name: "a stage is entered, all is well", analysis: short, state: at(rollout.Progressing, 0)},
		{name: "a stage goes on, all is well", analysis: ramp, state: at(rollout.Progressing, 3), see: answers(checks(rollout.Pass, good, quick))},
		{name: "a check fails", analysis: ramp, state: at(rollout.Progressing, 2), see: answers(checks(rollout.Fail, bad, quick))},
		{name: "the last check that may fail does", analysis: ramp, state: worn, see: answers(checks(rollout.Fail, bad, quick))},
		{name: "a check has no answer", analysis: ramp, state: at(rollout.Progressing, 2), see: answers(checks(rollout.Unknown, good, silent))},
		{name: "a check has no answer for too long", analysis: ramp, state: at(rollout.Progressing, 2), see: func(o *rollout.Observation) {
			o.Answers, o.Now = checks(rollout.Unknown, good, silent), epoch.Add(time.Hour)
		}},
		{name: "the route is not accepted", analysis: ramp, state: at(rollout.Progressing, 2), see: func(o *rollout.Observation) { o.Routed = false }},
		{name: "the primary loses pods during a stage", analysis: ramp, state: at(rollout.Progressing, 2), see: func(o *rollout.Observation) { o.Primary = unready }},
		{name: "the canary loses all pods", analysis: ramp, state: at(rollout.Progressing, 2), see: func(o *rollout.Observation) { o.Canary = young }},
		{name: "a stage needs an approval", analysis: ramp, state: at(rollout.Progressing, 5), see: answers(checks(rollout.Pass, good, quick))},
		{name: "the bake", analysis: ramp, state: at(rollout.Progressing, 7), see: answers(checks(rollout.Pass, good, quick))},
		{name: "confirm-promotion is closed", analysis: strings.ReplaceAll(ramp, ", pause: legal", ""), state: at(rollout.Progressing, 5), see: answers(closed(rollout.ConfirmPromotion, "release"))},
		{name: "paused by a person", analysis: ramp, state: at(rollout.Progressing, 2), see: ask(rollout.Pause), change: func(c *v1beta1.Canary, _ *rollout.Plan) {
			c.Status.Rollout.Wish = &v1beta1.Wish{What: "pause", By: "alice", Why: "errors in the shop"}
		}},
		{name: "paused by a person, a check fails", analysis: ramp, state: paused, see: answers(checks(rollout.Fail, bad, quick))},
		{name: "aborted by a person", analysis: ramp, state: at(rollout.Progressing, 2), see: ask(rollout.Abort)},
		{name: "suspended", analysis: short, state: at(rollout.Progressing, 1), change: func(c *v1beta1.Canary, p *rollout.Plan) { c.Spec.Suspend, p.Suspend = true, true }},
		{name: "without analysis", analysis: short, state: skipped, see: func(o *rollout.Observation) { o.Canary = young }},
		{name: "another revision comes", analysis: short, state: at(rollout.Progressing, 1), see: func(o *rollout.Observation) { o.Target = "v3" }},
		{name: "the workload goes back", analysis: short, state: at(rollout.Progressing, 1), see: func(o *rollout.Observation) { o.Target = "v1" }},
		{name: "blue/green iteration", analysis: green, state: at(rollout.Progressing, 1), see: answers(checks(rollout.Pass))},
		{name: "blue/green switch", analysis: green, state: at(rollout.Progressing, 3), see: answers(checks(rollout.Pass))},
		{name: "A/B iteration", analysis: ab, state: at(rollout.Progressing, 1), see: answers(checks(rollout.Pass))},
		{name: "the promotion begins", analysis: short, state: at(rollout.Progressing, 1), see: answers(checks(rollout.Pass))},
		{name: "promoting, the primary is not ready", analysis: short, state: at(rollout.Promoting, 0), see: func(o *rollout.Observation) { o.Primary = unready }},
		{name: "promoting, the canary has all traffic", analysis: short, state: aside, see: func(o *rollout.Observation) { o.Primary = rollout.Health{Reason: unready.Reason} }},
		{name: "promoting, stepwise back", analysis: short, state: at(rollout.Promoting, 0)},
		{name: "the promotion fails, the canary serves", analysis: short, state: at(rollout.Promoting, 0), see: func(o *rollout.Observation) { o.Primary, o.Now = unready, epoch.Add(time.Hour) }},
		{name: "finalising", analysis: short, state: at(rollout.Promoting, 2)},
		{name: "a release succeeds", analysis: short, state: at(rollout.Finalising, 0)},
		{name: "being removed, pods come up", analysis: short, state: at(rollout.Terminating, 0), see: func(o *rollout.Observation) { o.Deleted, o.Canary = true, young }},
		{name: "being removed, requests end", analysis: short, state: leaving, see: func(o *rollout.Observation) { o.Deleted, o.Now = true, epoch }},
	}
}

// Every kind of situation, as a person reads it fifteen seconds later. Read the
// file as if you had just been woken up.
func TestSituations(t *testing.T) {
	var out strings.Builder
	written := func(name string, c *v1beta1.Canary, plan rollout.Plan, now time.Time) {
		fmt.Fprintf(&out, "## %s\n", name)
		write(&out, explain.Explain(c, plan, now), c.Status.Account())
	}
	c, plan := canary(t, short)
	written("not looked at yet", c, plan, epoch)
	c.Status.SetCondition(v1beta1.Condition{Type: v1beta1.Accepted, Status: metav1.ConditionFalse, Reason: "InvalidSpec",
		Message: `[spec.provider: Unsupported value: "istio": choose one, spec.service.port: Required value: give the port]`}, epoch)
	written("refused", c, plan, epoch)
	c, plan = canary(t, short)
	c.Status.Store(rollout.State{Phase: "Dancing", Revision: "v2", Promoted: "v1"}, plan, epoch)
	written("a phase of another version", c, plan, epoch)
	c.DeletionTimestamp = &metav1.Time{Time: epoch}
	written("being removed", c, plan, epoch)
	for _, s := range situations() {
		c, plan := canary(t, s.analysis)
		seen := rollout.Observation{Now: epoch.Add(2 * time.Minute), Target: "v2", Copied: "v2", Routed: true, Parked: true,
			Primary: rollout.Health{Ready: true, Serving: true}, Canary: rollout.Health{Ready: true, Serving: true}}
		if at := s.state; at.Phase == rollout.Progressing {
			s.state.Weight = plan.Steps[at.Step].Route.Canary
			if plan.Steps[at.Step].Route.Match {
				s.state.Weight = 0 // of all users
			}
		}
		if s.state.Phase == rollout.Finalising || s.state.Phase == rollout.Succeeded || s.state.Phase == rollout.Terminating && s.state.Step == 0 {
			s.state.Weight = 0
		}
		if s.state.Phase == rollout.Terminating && s.state.Step > 0 {
			s.state.Serving = rollout.OnCanary
		}
		c.Status.Store(s.state, plan, epoch)
		c.Status.Tell(v1beta1.Account{Started: metav1.NewTime(epoch)})
		if s.see != nil {
			s.see(&seen)
		}
		if s.change != nil {
			s.change(c, &plan)
		}
		take(c, plan, seen, s.pods)
		written(s.name, c, plan, seen.Now.Add(15*time.Second))
	}
	golden.Equal(t, "testdata/situations.txt", []byte(out.String()))
}

func write(out *strings.Builder, e explain.Explanation, a v1beta1.Account) {
	line := func(head, text string) {
		if text != "" {
			fmt.Fprintf(out, "%-9s %s\n", head, text)
		}
	}
	line("", e.Sentence)
	for _, text := range e.Because {
		line("because", text)
	}
	for _, text := range e.Not {
		line("not", text)
	}
	line("then", e.Then)
	for _, text := range e.Next {
		line("next", text)
	}
	line("left", e.Left)
	if a.Stage != nil {
		line("  stage", fmt.Sprintf("%d/%d %s", a.Stage.Number, a.Stage.Of, a.Stage.Name))
	}
	line("  waitsFor", a.WaitsFor)
	line("  until", a.Until)
	for _, past := range a.History {
		line("  past", fmt.Sprintf("%s %s %s-%s %s", past.Revision, past.Outcome, past.Started.UTC().Format(time.TimeOnly), past.Ended.UTC().Format(time.TimeOnly), past.Reason))
	}
	out.WriteString("\n")
}
