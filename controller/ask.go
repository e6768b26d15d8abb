package controller

import (
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/serinhq/serin/rollout"
)

// question about a probe in a state. A resting Canary is asked about the
// revision that the workload wants, every other one about its own.
func (v *view) question(probe rollout.Probe, state rollout.State) question {
	q := question{probe: probe, revision: state.Revision, step: state.Step, attempt: state.Attempt, since: state.Since}
	if probe == rollout.ConfirmRollout {
		q.revision = v.seen.Target
	}
	return q
}

// answers collects what probes have found for the state.
func (r *reconciler) answers(v *view, state rollout.State) map[rollout.Probe]rollout.Answer {
	key := client.ObjectKeyFromObject(v.canary)
	found := map[rollout.Probe]rollout.Answer{}
	asks := rollout.Needs(v.plan, state, v.seen.Target)
	for _, ask := range append(asks.Chain, asks.Watch...) {
		if answer, _, ok := r.probes.answer(key, v.question(ask.Probe, state), ask.Every); ok {
			found[ask.Probe] = answer
		}
	}
	return found
}

// ask starts the probes that are due and says when to look again.
func (r *reconciler) ask(v *view, state rollout.State) reconcile.Result {
	now := r.options.clock()
	asks := rollout.Needs(v.plan, state, v.seen.Target)
	wanted := map[rollout.Probe]bool{}
	timer := timer{now: now, pace: r.options.Pace}
	// After the time at which was decided, not after now: what fell due in between was
	// not due for the decision, and nothing else would bring it up again.
	if at, ok := rollout.Wake(v.plan, state, v.seen.Now); ok {
		timer.at(at)
	}
	for _, ask := range append(asks.Chain, asks.Watch...) {
		wanted[ask.Probe] = true
	}
	r.probes.keep(client.ObjectKeyFromObject(v.canary), wanted)
	for _, ask := range asks.Chain {
		if !r.put(v, state, ask, &timer) {
			break
		}
	}
	for _, ask := range asks.Watch {
		r.put(v, state, ask, &timer)
	}
	return timer.result()
}

// put asks one probe if it is time, and reports whether it has passed.
func (r *reconciler) put(v *view, state rollout.State, ask rollout.Ask, timer *timer) bool {
	key := client.ObjectKeyFromObject(v.canary)
	q := v.question(ask.Probe, state)
	answer, until, ok := r.probes.answer(key, q, ask.Every)
	switch {
	case ok:
		timer.at(until)
		return answer.Verdict == rollout.Pass
	case ask.Ready && !(v.seen.Primary.Ready && v.seen.Canary.Ready):
		return false
	case timer.now.Before(ask.After):
		timer.at(ask.After)
		return false
	}
	r.probes.ask(r.life, key, q, r.asker.run(v, state, ask.Probe))
	return false
}

// timer finds the next time to look.
type timer struct {
	now  time.Time
	next time.Time
	pace int // of the clock that both are read from
}

func (t *timer) at(when time.Time) {
	if t.next.IsZero() || when.Before(t.next) {
		t.next = when
	}
}

func (t *timer) result() reconcile.Result {
	if t.next.IsZero() {
		return reconcile.Result{}
	}
	return reconcile.Result{RequeueAfter: max(t.next.Sub(t.now)/time.Duration(max(t.pace, 1)), time.Millisecond)}
}
