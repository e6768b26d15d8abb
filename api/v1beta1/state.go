package v1beta1

import (
	"math"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serinhq/serin/rollout"
)

// effect spells one thing that a release has begun.
type effect struct {
	set  rollout.Effects
	word string
}

// effects lists all of them in the order in which they are written.
func effects() []effect {
	return []effect{
		{rollout.Draining, "draining"},
		{rollout.Parking, "parking"},
		{rollout.Hooking, "hooking"},
	}
}

// onCanary is the word in status.rollout.serving for a canary that holds the traffic.
const onCanary = "canary"

// State reads what a release remembers. It never fails: words it does not know
// are dropped, and what makes no sense is left for rollout.Next to bring back
// to a safe state.
func (s *CanaryStatus) State() rollout.State {
	state := rollout.State{
		Phase:    s.Phase,
		Revision: rollout.Revision(s.LastAppliedSpec),
		Promoted: rollout.Revision(s.LastPromotedSpec),
		Failures: s.FailedChecks,
	}
	if s.Rollout == nil {
		return s.inherited(state)
	}
	stored := *s.Rollout
	state.Step = stored.Step
	state.Weight = stored.Weight
	state.Attempt = stored.Attempt
	state.Paused = stored.Paused
	state.Skipped = stored.Skipped
	if stored.Serving == onCanary {
		state.Serving = rollout.OnCanary
	}
	if since, err := time.Parse(time.RFC3339Nano, stored.Since); err == nil {
		state.Since = since.UTC()
	}
	for _, e := range effects() {
		if slices.Contains(stored.Pending, e.word) {
			state.Pending |= e.set
		}
	}
	return state
}

// inherited reads a status that the reference wrote. It counts iterations or
// else shows the weight; the furthest step with no more than that weight is
// where the release stands. It marks a failed promotion, after which the canary
// keeps the traffic, by the weight alone.
func (s *CanaryStatus) inherited(state rollout.State) rollout.State {
	state.Since = s.LastTransitionTime.UTC()
	switch s.Phase {
	case rollout.New, rollout.Initializing, rollout.Initialized, rollout.Waiting, rollout.Finalising, rollout.Succeeded:
	case rollout.Progressing, rollout.WaitingPromotion:
		state.Step, state.Weight = max(s.Iterations, 0), s.CanaryWeight
		if s.CanaryWeight > 0 {
			state.Step = math.MaxInt32
		}
	case rollout.Promoting:
		state.Weight = s.CanaryWeight
	case rollout.Failed:
		if s.CanaryWeight == 100 {
			state.Serving, state.Weight = rollout.OnCanary, 100
		}
	}
	return state
}

// Store writes state and all that follows from it: counters, weight, times and
// the condition Promoted. Every call counts as one transition and empties the
// outbox. now is the time of the observation that led to state.
func (s *CanaryStatus) Store(state rollout.State, plan rollout.Plan, now time.Time) {
	if s.Phase != state.Phase || s.LastTransitionTime.IsZero() {
		s.LastTransitionTime = metav1.NewTime(now)
	}
	s.Phase = state.Phase
	s.LastAppliedSpec = string(state.Revision)
	s.LastPromotedSpec = string(state.Promoted)
	s.FailedChecks = state.Failures
	s.CanaryWeight = canaryWeight(state, plan)
	s.Iterations = iterations(state, plan)
	s.Rollout = &Rollout{
		Transition: s.Transition() + 1,
		Step:       state.Step,
		Weight:     state.Weight,
		Attempt:    state.Attempt,
		Since:      instant(state.Since),
		Paused:     state.Paused,
		Skipped:    state.Skipped,
		Pending:    words(state.Pending),
	}
	if state.Serving == rollout.OnCanary {
		s.Rollout.Serving = onCanary
	}
	s.SetCondition(promoted(state, plan), now)
}

// Transition is the number of transitions written so far.
func (s *CanaryStatus) Transition() int64 {
	if s.Rollout == nil {
		return 0
	}
	return s.Rollout.Transition
}

// canaryWeight is the share shown to people.
func canaryWeight(state rollout.State, plan rollout.Plan) int {
	if plan.Strategy == rollout.ABTesting && state.Serving != rollout.OnCanary {
		return 0
	}
	return rollout.Want(plan, state).Route.Canary
}

// iterations counts the iterations begun, as the reference shows them: the
// switch to the canary is one more.
func iterations(state rollout.State, plan rollout.Plan) int {
	under := state.Phase == rollout.Progressing || state.Phase == rollout.WaitingPromotion
	if !under || plan.Strategy == rollout.Canary {
		return 0
	}
	return max(0, min(state.Step, len(plan.Steps)-1))
}

func words(pending rollout.Effects) []string {
	var out []string
	for _, e := range effects() {
		if pending.Has(e.set) {
			out = append(out, e.word)
		}
	}
	return out
}

// instant writes a time without loss; the zero time is empty.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
