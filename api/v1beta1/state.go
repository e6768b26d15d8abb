package v1beta1

import (
	"math"
	"slices"
	"strings"
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
	state.Cookies = rollout.Cookies{
		Canary:   cookieValue(s.SessionAffinityCookie),
		Primary:  cookieValue(s.PrimarySessionAffinityCookie),
		Previous: cookieValue(s.PreviousSessionAffinityCookie),
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
	state.Held, state.Passed = stored.Held, stored.Passed
	for _, gate := range stored.Opened {
		state.Opened = state.Opened.With(rollout.Probe(gate))
	}
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
		state.Step, state.Weight = max(s.Iterations, 0), rollout.Percent(s.CanaryWeight)
		if s.CanaryWeight > 0 {
			state.Step = math.MaxInt32
		}
	case rollout.Promoting:
		state.Weight = rollout.Percent(s.CanaryWeight)
	case rollout.Failed:
		if s.CanaryWeight == 100 {
			state.Serving, state.Weight = rollout.OnCanary, rollout.Full
		}
	case rollout.Terminating:
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
	s.SessionAffinityCookie = cookie(plan.Cookie, state.Cookies.Canary)
	s.PrimarySessionAffinityCookie = cookie(plan.PrimaryCookie, state.Cookies.Primary)
	s.PreviousSessionAffinityCookie = cookie(plan.Cookie, state.Cookies.Previous)
	before := s.Rollout
	if before == nil {
		before = new(Rollout)
	}
	s.Rollout = &Rollout{
		Transition: s.Transition() + 1,
		Step:       state.Step,
		Weight:     state.Weight,
		Attempt:    state.Attempt,
		Since:      instant(state.Since),
		Paused:     state.Paused,
		Held:       state.Held,
		Skipped:    state.Skipped,
		Opened:     opened(state.Opened),
		Passed:     state.Passed,
		Pending:    words(state.Pending),
		Heard:      before.Heard,
		Wish:       before.Wish,
		Account:    before.Account,
		Configs:    before.Configs,
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
	share, unit := rollout.Want(plan, state).Route.Canary, rollout.Percent(1)
	if share > 0 && share < unit {
		return 1 // some traffic must not read as none
	}
	return share / unit
}

// iterations counts the iterations begun, as the reference shows them: the
// switch to the canary is one more.
func iterations(state rollout.State, plan rollout.Plan) int {
	under := state.Phase == rollout.Progressing || state.Phase == rollout.WaitingPromotion
	if !under || plan.Strategy == rollout.Canary {
		return 0
	}
	begun := 0
	for i := 1; i <= state.Step && i < len(plan.Steps); i++ {
		if enter := plan.Steps[i].Enter; enter == rollout.Advance || enter == rollout.Switch || enter == rollout.Settle {
			begun++
		}
	}
	return begun
}

// cookie spells a cookie as in status, empty if there is none.
func cookie(name, value string) string {
	if name == "" || value == "" {
		return ""
	}
	return name + "=" + value
}

func cookieValue(cookie string) string {
	_, value, _ := strings.Cut(cookie, "=")
	return value
}

func opened(gates rollout.Gates) []string {
	var out []string
	for _, gate := range gates.All() {
		out = append(out, string(gate))
	}
	return out
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
