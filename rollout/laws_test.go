package rollout

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const interval = 10 * time.Second

// plans cover every strategy and every kind of gate.
func plans() map[string]Plan {
	base := Plan{
		Subject:  Subject{Name: "podinfo", Namespace: "test", Target: "podinfo", Kind: "Deployment", Metrics: "gatewayapi:v1"},
		Strategy: Canary, Interval: interval, Deadline: time.Minute, Drain: 2 * time.Second, Threshold: 2, Routes: true,
	}
	step := func(r Route, enter Entry, gates ...Probe) Step {
		return Step{Route: r, Hold: interval, Check: Checks, Gates: gates, Enter: enter}
	}
	arrival := Step{Route: home}

	weighted := base
	weighted.Steps = []Step{arrival, step(Split(Percent(20)), Advance), step(Split(Percent(40)), Advance)}

	gated := base
	gated.Confirm, gated.Rollback, gated.After = true, true, true
	gated.Steps = []Step{
		{Route: home, Check: PreRollout, Gates: []Probe{ConfirmTrafficIncrease}},
		step(Split(Percent(50)), Advance, Approval, ConfirmTrafficIncrease, ConfirmPromotion),
	}
	gated.Steps[1].Name = "legal"
	gated.Back = []Route{Split(Percent(25)), Split(0)}

	// All that is new beside the reference: a warm-up, a stage of two looks, a bake, a cookie.
	baked := base
	baked.Cookie = "side"
	baked.Steps = []Step{arrival, {Route: home, Hold: interval, Enter: Warm}, step(Split(5), Advance), step(Split(5), Stay),
		step(Split(Full), Bake), step(Split(Full), Stay)}
	baked.Back = []Route{Split(Percent(25)), Split(2), Split(0)}

	// An audience is divided: the share of all users is 0 all along.
	audience := base
	audience.Steps = []Step{arrival, step(Route{Primary: Percent(50), Canary: Percent(50), Match: true}, Advance)}
	audience.Back = []Route{{Primary: Percent(75), Canary: Percent(25), Match: true}, Split(0)}

	green := base
	green.Strategy = BlueGreen
	green.Steps = []Step{arrival, step(Route{Primary: Full, Mirror: Full}, Advance, ConfirmPromotion), step(Split(Percent(100)), Switch, ConfirmPromotion)}

	ab := base
	ab.Strategy, ab.Rollback = ABTesting, true
	ab.Steps = []Step{arrival, step(Route{Canary: Full, Match: true}, Advance), step(Route{Canary: Full, Match: true}, Advance)}

	skip := base
	skip.Steps, skip.Skip, skip.After = []Step{arrival}, true, true

	plain := base
	plain.Strategy, plain.Routes, plain.Threshold = BlueGreen, false, 1
	plain.Steps = []Step{arrival, step(home, Advance), step(home, Settle)}

	return map[string]Plan{"weighted": weighted, "gated": gated, "blue-green": green, "a/b": ab, "skip": skip, "plain": plain, "baked": baked,
		"audience": audience}
}

// observations returns everything the world could show to a state.
func observations(plan Plan, state State) []Observation {
	healths := []Health{{Ready: true, Serving: true}, {Serving: true, Reason: "rolling"}, {Reason: "no pods"}, {Dead: true, Reason: "deadline"}}
	answers := answersTo(plan, state)
	targets, copies := []Revision{"", "promoted", "current", "newer"}, []Revision{"", "promoted", "current"}
	// What a person said is one more dimension: the worlds around it are fewer.
	if state.Held || state.Opened != 0 || state.Phase == Terminating {
		healths, targets, copies = healths[:1:1], targets[1:], copies[2:]
		healths = append(healths, Health{Dead: true, Serving: true, Reason: "deadline"})
	}
	var all []Observation
	for _, target := range targets {
		for _, copied := range copies {
			if target == "" && copied != "current" {
				continue // nothing can be read: what the primary is made from is one more unknown
			}
			for _, primary := range healths {
				for _, canary := range healths {
					for _, wait := range []time.Duration{0, interval, interval + plan.Deadline} {
						for _, flag := range []bool{true, false} {
							for _, a := range answers {
								all = append(all, Observation{Now: epoch.Add(wait), Target: target, Copied: copied,
									Primary: primary, Canary: canary, Routed: flag, Parked: flag, Answers: a})
							}
						}
					}
				}
			}
		}
	}
	return append(all, orders(plan, state)...)
}

// orders are what people ask for, in every world that a person could be looking at.
func orders(plan Plan, state State) []Observation {
	var all []Observation
	see := func(change func(o *Observation)) {
		for _, target := range []Revision{"promoted", "current", "newer"} {
			for _, copied := range []Revision{"promoted", "current"} {
				for _, primary := range []Health{{Ready: true, Serving: true}, {Dead: true}} {
					for _, canary := range []Health{{Ready: true, Serving: true}, {Serving: true}, {}} {
						o := Observation{Now: epoch.Add(plan.Deadline), Target: target, Copied: copied, Primary: primary, Canary: canary,
							Routed: true, Parked: true, Token: "t"}
						change(&o)
						all = append(all, o)
					}
				}
			}
		}
	}
	for _, verb := range []Verb{Abort, Undo, Promote, Pause, Resume, Deny, Retry, "dance"} {
		for _, revision := range []Revision{"promoted", "current", "newer"} {
			see(func(o *Observation) {
				o.Wishes = []Wish{{Verb: verb, Revision: revision, Gate: ConfirmPromotion}}
			})
		}
	}
	for _, gate := range gateBits {
		if state.Opened != 0 {
			break // one gate at a time; that they do not touch each other is plain
		}
		see(func(o *Observation) {
			o.Wishes = []Wish{{Verb: Approve, Revision: "current", Gate: gate, Name: "legal"}}
		})
	}
	see(func(o *Observation) { o.Queued = "no place" })
	see(func(o *Observation) { o.Deleted = true })
	return all
}

// answersTo returns the answers a shell can have: it asks a chain in order and
// goes on only behind a Pass, and watches beside it.
func answersTo(plan Plan, state State) []map[Probe]Answer {
	asks := Needs(plan, state, "newer")
	chains := []map[Probe]Answer{{}}
	passed := map[Probe]Answer{}
	for _, ask := range asks.Chain {
		for _, verdict := range []Verdict{Fail, Pass} {
			next := maps.Clone(passed)
			next[ask.Probe] = Answer{Verdict: verdict}
			chains = append(chains, next)
		}
		passed[ask.Probe] = Answer{Verdict: Pass}
	}
	all := slices.Clone(chains)
	for _, ask := range asks.Watch {
		for _, c := range chains {
			next := maps.Clone(c)
			next[ask.Probe] = Answer{Verdict: Pass}
			all = append(all, next)
		}
	}
	return all
}

// rebase forgets absolute time and the names of revisions, so that the walk is
// finite: what matters is which of them are equal.
func rebase(s State) State {
	if s.Phase != New {
		s.Since = epoch
	}
	switch {
	case s.Revision == "":
	case s.Revision == s.Promoted:
		s.Revision, s.Promoted = "promoted", "promoted"
	case s.Promoted != "":
		s.Revision, s.Promoted = "current", "promoted"
	default:
		s.Revision = "current"
	}
	return s
}

// walk visits every reachable state of the plan under every observation.
func walk(plan Plan, visit func(from, to State, seen Observation)) (states []State, transitions int) {
	known := map[State]bool{{}: true}
	states = []State{{}}
	for i := 0; i < len(states); i++ {
		from := states[i]
		for _, seen := range observations(plan, from) {
			to, _ := Next(plan, from, seen)
			transitions++
			if visit != nil {
				visit(from, to, seen)
			}
			if to = rebase(to); !known[to] {
				known[to] = true
				states = append(states, to)
			}
		}
	}
	return states, transitions
}

// exposure is the share of users that may see the canary.
func exposure(d Desired) int {
	if !d.Expose {
		return 0
	}
	return d.Route.Canary
}

// A law looks at one transition and returns what is wrong with it.
type law func(plan Plan, from, to State, seen Observation) string

var laws = map[string]law{
	"1 the share grows only after every check passed":      lawGrow,
	"2 nothing routes to pods that are not ready":          lawReady,
	"3 abort works in one decision":                        lawAbort,
	"4 a new revision sends traffic home first":            lawHome,
	"5 the primary changes only after the last gate":       lawPrimary,
	"6 weights sum to 100, decisions repeat":               lawRepeat,
	"8 the last healthy copy is never scaled down":         lawLastCopy,
	"8 what is wanted never exceeds what the state grants": lawGrant,
}

func TestLaws(t *testing.T) {
	var states, transitions atomic.Int64
	t.Cleanup(func() { t.Logf("walked %d states and %d transitions", states.Load(), transitions.Load()) })
	for name, plan := range plans() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken := map[string]string{}
			s, n := walk(plan, func(from, to State, seen Observation) {
				for name, law := range laws {
					if fault := law(plan, from, to, seen); fault != "" && broken[name] == "" {
						broken[name] = fmt.Sprintf("%s\n  from %+v\n  seen %+v\n  to   %+v", fault, from, seen, to)
					}
				}
			})
			for name, fault := range broken {
				t.Errorf("law %s: %s", name, fault)
			}
			t.Logf("%d states, %d transitions", len(s), n)
			states.Add(int64(len(s)))
			transitions.Add(int64(n))
		})
	}
}

func lawGrow(plan Plan, from, to State, seen Observation) string {
	if exposure(Want(plan, to)) <= exposure(Want(plan, from)) || to.Serving == OnCanary {
		return ""
	}
	step := plan.Steps[heal(plan, from).Step]
	switch {
	case from.Phase != Progressing && from.Phase != WaitingPromotion:
		return "grows outside the analysis"
	case step.Check != "" && seen.verdict(step.Check) != Pass && !from.Opened.Has(step.Check):
		return "the check did not pass"
	case from.Held:
		return "a person paused the release"
	case !seen.Primary.Ready || !seen.Canary.Ready || !seen.Routed:
		return "a side or the route was not ready"
	case seen.Now.Before(due(plan, from)):
		return "the step was not over"
	}
	return closed(from, step, seen)
}

// closed names a gate of the step that nobody opened.
func closed(from State, step Step, seen Observation) string {
	for _, gate := range gates(from, step) {
		if seen.verdict(gate) != Pass && !from.Opened.Has(gate) {
			return "a gate was closed: " + string(gate)
		}
	}
	return ""
}

func lawReady(plan Plan, from, to State, seen Observation) string {
	before, after := exposure(Want(plan, from)), exposure(Want(plan, to))
	switch {
	case after > before && to.Serving == OnCanary && !seen.Canary.Serving:
		return "all traffic to a canary without pods"
	case after > before && to.Serving == OnPrimary && !seen.Canary.Ready:
		return "more traffic to a canary that is not ready"
	case from.Serving == OnCanary && from.Promoted != "" && to.Serving == OnPrimary && to.Phase != New && !seen.Primary.Ready && seen.Canary.Serving:
		return "traffic returned to a primary that is not ready"
	case (from.Phase == Progressing || from.Phase == WaitingPromotion) && to.Phase == Failed &&
		!seen.Primary.Serving && seen.Canary.Serving && to.Serving != OnCanary:
		return "undone towards a primary without pods"
	}
	return ""
}

func lawAbort(plan Plan, from, to State, seen Observation) string {
	from = heal(plan, from)
	asked := from.Phase == Waiting || from.Phase == Progressing || from.Phase == WaitingPromotion ||
		from.Phase == Promoting && from.Serving == OnPrimary && seen.Copied != from.Revision
	switch {
	case seen.Deleted && to.Phase != Terminating:
		return "the Canary is deleted and nothing is given back"
	case asked && !seen.Deleted && seen.verdict(RollbackHook) == Pass && to.Phase != Failed:
		return "the rollback hook was not followed"
	case asked && len(seen.Wishes) == 1 && seen.Wishes[0].Verb == Abort && seen.Wishes[0].Revision == from.Revision && to.Phase != Failed:
		return "a person's abort was not followed"
	}
	return ""
}

func lawHome(plan Plan, from, to State, seen Observation) string {
	if to.Revision == from.Revision || from.Phase == New || to.Phase == New || to.Serving == OnCanary {
		return ""
	}
	if exposure(Want(plan, to)) > 0 || to.Phase == Progressing && to.Step != 0 {
		return "the new revision met traffic"
	}
	return ""
}

func lawPrimary(plan Plan, from, to State, seen Observation) string {
	before, after := Want(plan, from).Primary, Want(plan, to).Primary
	if after == before || after == "" || after == to.Promoted || to.Phase == Initializing {
		return ""
	}
	from = heal(plan, from)
	switch {
	case from.Phase == Failed && from.Serving == OnCanary || from.Phase == Promoting && from.Serving == OnCanary:
		return "" // a repair: the primary has no healthy copy to lose
	case from.Phase != Progressing && from.Phase != WaitingPromotion:
		return "the primary changes outside the analysis"
	case from.Step != len(plan.Steps)-1 && !from.Skipped:
		return "the primary changes before the last step"
	case from.Held:
		return "a person paused the release"
	case seen.Target != "" && seen.Target != from.Revision:
		return "a revision is promoted that was not analysed"
	}
	return closed(from, plan.Steps[from.Step], seen)
}

func lawRepeat(plan Plan, from, to State, seen Observation) string {
	again, _ := Next(plan, from, seen)
	want := Want(plan, to)
	switch {
	case again != to:
		return "the same input gave two answers"
	case want.Route.Primary+want.Route.Canary != Full:
		return "shares do not sum to Full"
	case heal(plan, to) != to:
		return fmt.Sprintf("decided an impossible state, healed to %+v", heal(plan, to))
	}
	return ""
}

func lawLastCopy(plan Plan, from, to State, seen Observation) string {
	if to.Phase == Terminating && Want(plan, to).Canary != Up {
		return "the workload is not given back"
	}
	if Want(plan, to).Canary == Zero && (to.Promoted == "" || to.Serving == OnCanary || to.Pending.Has(Draining)) {
		return "the serving side is scaled down"
	}
	return ""
}

func lawGrant(plan Plan, from, to State, seen Observation) string {
	if to.Phase != New && !Want(plan, to).Route.Match && exposure(Want(plan, to)) > to.Weight {
		return "the route exceeds the weight"
	}
	return ""
}

// A world answers what a release wants.
type world struct {
	target  Revision
	copied  Revision
	healthy bool
}

// observe lets the world follow Want and reports what it then looks like. In
// the sick world no pod of the target ever becomes ready.
func (w *world) observe(plan Plan, state State) Observation {
	want := Want(plan, state)
	if want.Primary == w.target {
		w.copied = w.target
	}
	verdict, ready := Pass, Health{Ready: true, Serving: true}
	canary, primary := ready, ready
	if !w.healthy {
		verdict = Fail
		canary = Health{Reason: "crash loop"}
		if w.copied == w.target || w.copied == "" {
			primary = Health{Reason: "crash loop"}
		}
	}
	answers := map[Probe]Answer{}
	for _, probe := range []Probe{ConfirmRollout, PreRollout, ConfirmTrafficIncrease, ConfirmPromotion, PostRollout, Online} {
		answers[probe] = Answer{Verdict: Pass}
	}
	answers[Checks] = Answer{Verdict: verdict}
	return Observation{Now: state.Since.Add(plan.Interval + plan.Deadline), Target: w.target, Copied: w.copied,
		Primary: primary, Canary: canary, Routed: true, Parked: want.Canary != Up, Answers: answers, Token: "t",
		Wishes: []Wish{{Verb: Resume, Revision: state.Revision}, {Verb: Approve, Revision: state.Revision, Gate: Approval, Name: "legal"}}}
}

func TestLawEveryReleaseEnds(t *testing.T) {
	for name, plan := range plans() {
		states, _ := walk(plan, nil)
		for _, healthy := range []bool{true, false} {
			end := Failed
			if healthy {
				end = Succeeded
			}
			for _, from := range states {
				if from.Phase == Terminating {
					continue // the Canary goes, see lawAbort
				}
				for _, copied := range []Revision{from.Promoted, from.Revision} {
					w := &world{target: "new", copied: copied, healthy: healthy}
					if to := settle(plan, from, w); !ended(to, end, healthy) {
						t.Fatalf("%s, healthy=%v, primary %q: from %+v the release ends at %+v, want %s", name, healthy, copied, from, to, end)
					}
				}
			}
		}
	}
}

func ended(s State, end Phase, healthy bool) bool {
	if healthy {
		return (s.Phase == end || s.Phase == Initialized) && s.Promoted == "new" && s.Pending == 0
	}
	return s.Phase == end && s.Pending&^Parking == 0
}

func settle(plan Plan, state State, w *world) State {
	for range 60 {
		state, _ = Next(plan, state, w.observe(plan, state))
	}
	return state
}

func FuzzStates(f *testing.F) {
	f.Add("Progressing", "r2", "r1", 7, -1, 300, 9, uint8(255), int8(3), true)
	f.Add("Terminating", "", "r1", 0, 0, 0, 0, uint8(0), int8(0), false)
	f.Fuzz(func(t *testing.T, phase, revision, promoted string, step, attempt, weight, failures int, pending uint8, serving int8, flag bool) {
		state := State{Phase: Phase(phase), Revision: Revision(revision), Promoted: Revision(promoted), Step: step, Attempt: attempt,
			Weight: weight, Failures: failures, Pending: Effects(pending), Serving: Side(serving), Paused: flag, Since: epoch}
		for name, plan := range plans() {
			want := Want(plan, state)
			if healed := heal(plan, state); heal(plan, healed) != healed {
				t.Fatalf("%s: healing %+v twice differs from once", name, state)
			}
			if granted := want.Route.granted(); want.Expose && granted > min(max(weight, 0), Full) && Side(serving) != OnCanary {
				t.Fatalf("%s: %+v wants %d %% on the canary, more than it had", name, state, granted)
			}
			for _, w := range []*world{{target: "new", copied: state.Promoted, healthy: true}, {target: "new", copied: state.Promoted}} {
				Next(plan, state, w.observe(plan, state))
				Needs(plan, state, "new")
				Wake(plan, state, epoch)
			}
		}
	})
}
