package v1beta1

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/serinhq/serin/rollout"
)

// Drain is how long requests under way are given before the pods they are on
// may go.
const Drain = 2 * time.Second

// Features says what the operator at hand can do for one Canary.
type Features struct {
	Provider  string   // the traffic provider in effect: Canary.Provider of the -mesh-provider
	Available []string // all providers at hand, named when Provider is none of them
	Metrics   string   // name of the metrics provider of the built-in checks, for words

	Routes   bool // the provider routes at all; false for kubernetes
	Weight   bool // it divides requests by weight
	Members  bool // it divides connections by the numbers of pods, where it does not route
	Mirror   bool // it can copy requests to the canary
	Match    bool // it can limit a route to matching requests
	Scoped   bool // it divides those by weight, too
	Affinity bool // it can keep users on the canary
	Parents  bool // it attaches routes to spec.service.gatewayRefs, and needs one
	Whole    bool // it divides by whole percents only
	Ingress  bool // it builds upon spec.ingressRef, and needs it
	RouteRef bool // it builds upon spec.routeRef, and needs it
	Borrowed bool // it divides in the object that spec.routeRef names, and makes none

	Fields        []string // of spec.service that become part of its routes
	Edits         string   // the kind that it could divide in, as Kind.group
	NoCORS        bool     // the cluster's version of its routes has no field for spec.service.corsPolicy
	Lacks         Lacks    // what the gateways at hand say they cannot do
	PrimaryCookie bool     // it can keep users on the primary, too
	TCP           bool     // it divides connections where appProtocol is tcp
	ScaledObjects bool     // the cluster has KEDA

	SameNamespaceOnly bool // -no-cross-namespace-refs
}

// Compile turns a Canary into the plan of its releases. The errors name field,
// value and remedy; they are about the spec alone, so trying again does not help.
// With errors the plan is one that does nothing and must not be followed.
func Compile(c *Canary, f Features) (rollout.Plan, field.ErrorList) {
	ignored := append(unused(c.Spec.Service, f), unanswered(c.Spec.Service, f)...)
	f = f.in(c)
	analysis, warnings := adapt(c.Analysis(), f)
	plan := rollout.Plan{
		Subject: rollout.Subject{
			Name: c.Name, Namespace: c.Namespace,
			Target: c.Spec.TargetRef.Name, Kind: c.Spec.TargetRef.Kind,
			Provider: f.Provider, Metrics: f.Metrics,
		},
		Strategy:  analysis.Strategy(),
		Steps:     []rollout.Step{{Route: rollout.Split(0)}},
		Confirm:   analysis.has(ConfirmRolloutHook),
		After:     analysis.has(PostRolloutHook),
		Interval:  analysis.Period(),
		Deadline:  c.Deadline(),
		Drain:     Drain,
		Threshold: analysis.Failures(),
		Skip:      c.Skips(),
		Suspend:   c.Spec.Suspend,
		Routes:    f.Routes,
	}
	errs := validate(c, analysis, f)
	if plan.Skip || len(errs) > 0 {
		return plan, errs
	}
	plan.Warnings = append(warnings, ignored...)
	plan.Rollback = analysis.has(RollbackHook)
	plan.Steps = steps(analysis, f)
	plan.Back = back(analysis, plan.Steps[len(plan.Steps)-1].Route)
	if affinity := analysis.SessionAffinity; affinity != nil {
		plan.Cookie, plan.PrimaryCookie = affinity.CookieName, affinity.PrimaryCookieName
	}
	return plan, nil
}

// in is what the provider can do for a weighted release of pods: those of both sides
// can stand behind one Service. Other releases of a provider without routes go as
// they do with the reference, and a Service as target has no pods.
func (f Features) in(c *Canary) Features {
	a := c.Analysis()
	if f.Members && a != nil && a.Iterations == 0 && len(a.Match) == 0 && c.Spec.TargetRef.Kind != "Service" &&
		(a.StepWeight > 0 || len(a.StepWeights) > 0 || len(a.Steps) > 0) {
		f.Routes, f.Weight = true, true
	}
	return f
}

// adapt fits an analysis to a provider that cannot route, as the reference
// does, and says so in the reference's words. A missing analysis is an empty one.
func adapt(a *CanaryAnalysis, f Features) (CanaryAnalysis, []string) {
	if a == nil {
		return CanaryAnalysis{}, nil
	}
	adapted := *a
	var warnings []string
	if _, err := time.ParseDuration(a.Interval); a.Interval != "" && err != nil {
		warnings = append(warnings, fmt.Sprintf("Analysis interval %q is not a duration such as 30s, using %s", a.Interval, DefaultInterval))
	}
	warnings = append(warnings, drifting(adapted, f)...)
	if f.Routes {
		return adapted, warnings
	}
	if len(adapted.Match) > 0 {
		adapted.Match = nil
		warnings = append(warnings, "A/B testing is not supported when using the "+f.Provider+" provider")
	}
	if adapted.Iterations == 0 {
		adapted.Iterations = 10
		warnings = append(warnings,
			"Progressive traffic is not supported when using the "+f.Provider+" provider",
			"Setting canaryAnalysis.iterations: 10")
	}
	adapted.Mirror = false
	return adapted, warnings
}

// steps is what a release goes through.
func steps(a CanaryAnalysis, f Features) []rollout.Step {
	all := arrival(a)
	switch a.Strategy() {
	case rollout.Canary:
		all = append(all, weighted(a)...)
	case rollout.BlueGreen:
		all = append(all, blueGreen(a, f)...)
	case rollout.ABTesting:
		all = append(all, abTesting(a)...)
	}
	if bake := length(a.Bake, 0); bake > 0 {
		all = append(all, stage(a, rollout.Split(rollout.Full), bake, rollout.Bake)...)
	}
	return all
}

// arrival is the wait for the pods of the canary, with no traffic on them yet,
// and their warm-up if one is asked.
func arrival(a CanaryAnalysis) []rollout.Step {
	all := []rollout.Step{{Route: rollout.Split(0), Enter: rollout.Arrive}}
	if delay := length(a.InitialDelay, 0); delay > 0 {
		all = append(all, rollout.Step{Route: rollout.Split(0), Enter: rollout.Warm, Hold: delay})
	}
	last := &all[len(all)-1]
	if a.has(PreRolloutHook) {
		last.Check = rollout.PreRollout
	}
	if a.Strategy() == rollout.Canary {
		last.Gates = gates(a, ConfirmTrafficIncreaseHook)
	}
	return all
}

// weighted is one stage for each weight, after one of mirrored requests if
// asked. Leaving a weight needs its gate; leaving the mirror does not, as its
// gate was passed on arrival.
func weighted(a CanaryAnalysis) []rollout.Step {
	var all []rollout.Step
	if mirror := a.mirrored(); mirror > 0 {
		all = append(all, look(a, rollout.Route{Primary: rollout.Full, Mirror: mirror, Match: len(a.Match) > 0}, rollout.Advance))
	}
	for _, rung := range ramp(a) {
		all = append(all, stage(a, split(a, rung.share), rung.lasts, rollout.Advance)...)
		last := &all[len(all)-1]
		if rung.pause != "" {
			last.Gates, last.Name = []rollout.Probe{rollout.Approval}, rung.pause
		}
		last.Gates = append(last.Gates, gates(a, ConfirmTrafficIncreaseHook)...)
	}
	last := &all[len(all)-1]
	last.Gates = append(last.Gates, gates(a, ConfirmPromotionHook)...)
	return all
}

// A rung is one stage of a ramp.
type rung struct {
	share int           // of the traffic on the canary
	lasts time.Duration // at least
	pause string        // the approval needed to leave it
}

// ramp lists the stages. Steps of a fixed size may end beyond maxWeight: 20, 40,
// 60 for steps of 20 up to 50. Nothing goes beyond 100.
func ramp(a CanaryAnalysis) []rung {
	var all []rung
	for _, step := range a.Steps {
		all = append(all, rung{tenths(step.Weight), length(step.Duration, a.Period()), step.Pause})
	}
	if len(all) > 0 {
		return all
	}
	for _, weight := range weights(a) {
		all = append(all, rung{share: rollout.Percent(weight), lasts: a.Period()})
	}
	return all
}

// weights in percent, of steps of a fixed size or from a list.
func weights(a CanaryAnalysis) []int {
	var all []int
	if a.StepWeight > 0 {
		greatest := a.MaxWeight
		if greatest == 0 {
			greatest = 100
		}
		for weight := 0; weight < greatest; all = append(all, weight) {
			weight = min(weight+min(a.StepWeight, 100), 100)
		}
		return all
	}
	for _, weight := range a.StepWeights {
		all = append(all, min(weight, 100))
		if weight >= 100 {
			break
		}
	}
	return all
}

// stage is a route that lasts so long: one look after every interval and one at
// the end.
func stage(a CanaryAnalysis, route rollout.Route, lasts time.Duration, enter rollout.Entry) []rollout.Step {
	var all []rollout.Step
	for left := lasts; left > 0; left -= a.Period() {
		step := look(a, route, enter)
		step.Hold = min(left, a.Period())
		all = append(all, step)
		enter = rollout.Stay
	}
	return all
}

// blueGreen tests the canary without users for some iterations, then with all
// of them once. Promotion is confirmed before each of the two.
func blueGreen(a CanaryAnalysis, f Features) []rollout.Step {
	var all []rollout.Step
	for range a.Iterations {
		all = append(all, look(a, rollout.Route{Primary: rollout.Full, Mirror: a.mirrored()}, rollout.Advance))
	}
	all[len(all)-1].Gates = gates(a, ConfirmPromotionHook)
	final := look(a, rollout.Split(rollout.Full), rollout.Switch)
	if !f.Routes {
		final = look(a, rollout.Split(0), rollout.Settle)
	}
	final.Gates = gates(a, ConfirmPromotionHook)
	return append(all, final)
}

// abTesting gives the canary all matching requests for some iterations.
func abTesting(a CanaryAnalysis) []rollout.Step {
	var all []rollout.Step
	for range a.Iterations {
		all = append(all, look(a, split(a, rollout.Full), rollout.Advance))
	}
	all[len(all)-1].Gates = gates(a, ConfirmPromotionHook)
	return all
}

// look is a step that lasts an interval and then asks the checks.
func look(a CanaryAnalysis, route rollout.Route, enter rollout.Entry) rollout.Step {
	return rollout.Step{Route: route, Hold: a.Period(), Check: rollout.Checks, Enter: enter}
}

// split gives the canary a share of the requests that match, or of all of them.
func split(a CanaryAnalysis, canary int) rollout.Route {
	route := rollout.Split(canary)
	route.Match = len(a.Match) > 0 && canary > 0
	return route
}

// back is the way home after promotion, from the last route of the analysis.
func back(a CanaryAnalysis, last rollout.Route) []rollout.Route {
	if a.StepWeightPromotion <= 0 {
		return nil
	}
	var routes []rollout.Route
	for weight := last.Canary; weight > 0; {
		weight = max(weight-rollout.Percent(min(a.StepWeightPromotion, 100)), 0)
		routes = append(routes, split(a, weight))
	}
	return routes
}

// gates are the given kind of gate if the analysis has hooks for it.
func gates(a CanaryAnalysis, kind HookType) []rollout.Probe {
	if !a.has(kind) {
		return nil
	}
	return []rollout.Probe{rollout.Probe(kind)}
}
