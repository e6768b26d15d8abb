package v1beta1

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/serinhq/serin/rollout"
)

// gateway can do everything; plain cannot route.
func gateway() Features {
	return Features{Provider: "gatewayapi:v1", Available: []string{"gatewayapi:v1", "kubernetes"}, Metrics: "gatewayapi:v1",
		Routes: true, Weight: true, Mirror: true, Match: true, Scoped: true, Affinity: true, Parents: true,
		Fields: []string{"gatewayRefs", "hosts", "match"}}
}

func plain() Features {
	return Features{Provider: "kubernetes", Available: []string{"gatewayapi:v1", "kubernetes"}, Metrics: "kubernetes"}
}

// parse reads a Canary as it would be stored.
func parse(t testing.TB, text string) *Canary {
	t.Helper()
	canary, err := Decode(object(t, text))
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	return canary
}

func object(t testing.TB, text string) map[string]any {
	t.Helper()
	var obj map[string]any
	if err := yaml.Unmarshal([]byte(text), &obj); err != nil {
		t.Fatalf("yaml: %v", err)
	}
	return obj
}

// withSpec is a canary that is right but for what is added to spec and analysis.
func withSpec(spec string) string {
	return `
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: podinfo, namespace: test}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: podinfo}
  service: {port: 9898, gatewayRefs: [{name: public}]}
` + indent(spec, 2)
}

func withAnalysis(analysis string) string {
	return withSpec("analysis:\n  interval: 30s\n  threshold: 5\n" + indent(analysis, 2))
}

func indent(text string, by int) string {
	pad := strings.Repeat(" ", by)
	return pad + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+pad) + "\n"
}

// tell writes the steps of a plan, one line each.
func tell(plan rollout.Plan) []string {
	enter := map[rollout.Entry]string{rollout.Arrive: "arrive", rollout.Advance: "advance", rollout.Switch: "switch", rollout.Settle: "settle",
		rollout.Warm: "warm", rollout.Stay: "stay", rollout.Bake: "bake"}
	var lines []string
	for _, s := range plan.Steps {
		line := fmt.Sprintf("%s %s", enter[s.Enter], tellRoute(s.Route))
		if s.Hold > 0 {
			line += " hold " + s.Hold.String()
		}
		if s.Check != "" {
			line += " check " + string(s.Check)
		}
		for _, gate := range s.Gates {
			line += " gate " + string(gate)
		}
		lines = append(lines, line)
	}
	for _, r := range plan.Back {
		lines = append(lines, "back "+tellRoute(r))
	}
	return lines
}

func tellRoute(r rollout.Route) string {
	text := fmt.Sprintf("%v/%v", float64(r.Primary)/10, float64(r.Canary)/10)
	if r.Mirror > 0 {
		text += fmt.Sprintf(" mirror %v", float64(r.Mirror)/10)
	}
	if r.Match {
		text += " match"
	}
	return text
}

const allGates = `
webhooks:
- {name: a, type: confirm-rollout, url: http://tester/}
- {name: b, type: pre-rollout, url: http://tester/}
- {name: c, type: confirm-traffic-increase, url: http://tester/}
- {name: d, type: confirm-promotion, url: http://tester/}
- {name: e, type: rollback, url: http://tester/}
- {name: f, type: post-rollout, url: http://tester/}
`

func TestCompileSteps(t *testing.T) {
	tests := []struct {
		name     string
		analysis string
		features Features
		want     []string
	}{
		{"a last step beyond maxWeight is taken as it is", "stepWeight: 20\nmaxWeight: 50", gateway(), []string{
			"arrive 100/0",
			"advance 80/20 hold 30s check checks",
			"advance 60/40 hold 30s check checks",
			"advance 40/60 hold 30s check checks",
		}},
		{"stages of their own length, in tenths of a percent, with a pause and a bake", "initialDelay: 20s\nbake: 45s\nsteps:\n- {weight: 0.5, duration: 1m10s}\n- {weight: 25, pause: legal}", gateway(), []string{
			"arrive 100/0",
			"warm 100/0 hold 20s",
			"advance 99.5/0.5 hold 30s check checks",
			"stay 99.5/0.5 hold 30s check checks",
			"stay 99.5/0.5 hold 10s check checks",
			"advance 75/25 hold 30s check checks gate approval",
			"bake 0/100 hold 30s check checks",
			"stay 0/100 hold 15s check checks",
		}},
		{"steps of fifty up to the default of 100", "stepWeight: 50", gateway(), []string{
			"arrive 100/0", "advance 50/50 hold 30s check checks", "advance 0/100 hold 30s check checks",
		}},
		{"nothing goes beyond 100", "stepWeight: 60\nmaxWeight: 100", gateway(), []string{
			"arrive 100/0", "advance 40/60 hold 30s check checks", "advance 0/100 hold 30s check checks",
		}},
		{"a step greater than everything", "stepWeight: 2147483647\nmaxWeight: 30", gateway(), []string{
			"arrive 100/0", "advance 0/100 hold 30s check checks",
		}},
		{"a ladder is taken as given, maxWeight is not used", "stepWeights: [1, 2, 10, 80]\nmaxWeight: 5", gateway(), []string{
			"arrive 100/0",
			"advance 99/1 hold 30s check checks",
			"advance 98/2 hold 30s check checks",
			"advance 90/10 hold 30s check checks",
			"advance 20/80 hold 30s check checks",
		}},
		{"a ladder ends at 100", "stepWeights: [10, 80, 120, 200]", gateway(), []string{
			"arrive 100/0",
			"advance 90/10 hold 30s check checks",
			"advance 20/80 hold 30s check checks",
			"advance 0/100 hold 30s check checks",
		}},
		{"hooks become checks and gates", "stepWeight: 50\nstepWeightPromotion: 50" + allGates, gateway(), []string{
			"arrive 100/0 check pre-rollout gate confirm-traffic-increase",
			"advance 50/50 hold 30s check checks gate confirm-traffic-increase",
			"advance 0/100 hold 30s check checks gate confirm-traffic-increase gate confirm-promotion",
			"back 50/50", "back 100/0",
		}},
		{"the way back ends at home", "stepWeight: 50\nmaxWeight: 50\nstepWeightPromotion: 40", gateway(), []string{
			"arrive 100/0", "advance 50/50 hold 30s check checks", "back 90/10", "back 100/0",
		}},
		{"mirroring comes before the first weight, and leaving it asks no gate again",
			"stepWeight: 100\nmirror: true\nmirrorWeight: 20" + allGates, gateway(), []string{
				"arrive 100/0 check pre-rollout gate confirm-traffic-increase",
				"advance 100/0 mirror 20 hold 30s check checks",
				"advance 0/100 hold 30s check checks gate confirm-traffic-increase gate confirm-promotion",
			}},
		{"weights for matching requests only", "stepWeight: 100\nmirror: true\nstepWeightPromotion: 60\nmatch: [{headers: {x: {exact: insider}}}]", gateway(), []string{
			"arrive 100/0",
			"advance 100/0 mirror 100 match hold 30s check checks",
			"advance 0/100 match hold 30s check checks",
			"back 60/40 match", "back 100/0",
		}},
		{"blue/green confirms before and after the switch", "iterations: 2\nmirror: true" + allGates, gateway(), []string{
			"arrive 100/0 check pre-rollout",
			"advance 100/0 mirror 100 hold 30s check checks",
			"advance 100/0 mirror 100 hold 30s check checks gate confirm-promotion",
			"switch 0/100 hold 30s check checks gate confirm-promotion",
		}},
		{"A/B testing ignores weights", "iterations: 2\nmaxWeight: 50\nmatch: [{headers: {x: {exact: insider}}}]" + allGates, gateway(), []string{
			"arrive 100/0 check pre-rollout",
			"advance 0/100 match hold 30s check checks",
			"advance 0/100 match hold 30s check checks gate confirm-promotion",
		}},
		{"a provider that cannot route settles instead of switching", "iterations: 1\nmirror: true\nstepWeightPromotion: 10" + allGates, plain(), []string{
			"arrive 100/0 check pre-rollout",
			"advance 100/0 hold 30s check checks gate confirm-promotion",
			"settle 100/0 hold 30s check checks gate confirm-promotion",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan, errs := Compile(parse(t, withAnalysis(tt.analysis)), tt.features)
			if len(errs) > 0 {
				t.Fatalf("refused: %v", errs.ToAggregate())
			}
			if diff := cmp.Diff(tt.want, tell(plan)); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompilePlan(t *testing.T) {
	subject := rollout.Subject{Name: "podinfo", Namespace: "test", Target: "podinfo", Kind: "Deployment",
		Provider: "gatewayapi:v1", Metrics: "gatewayapi:v1"}
	arrival := []rollout.Step{{Route: rollout.Split(0)}}
	tests := []struct {
		name string
		text string
		want rollout.Plan // without steps
	}{
		{"all that is given", withSpec(`
progressDeadlineSeconds: 60
suspend: true
analysis:
  interval: 1m30s
  threshold: 5
  stepWeight: 100
` + indent(allGates, 2)), rollout.Plan{
			Subject: subject, Strategy: rollout.Canary, Confirm: true, Rollback: true, After: true, Suspend: true, Routes: true,
			Interval: 90 * time.Second, Deadline: time.Minute, Drain: 2 * time.Second, Threshold: 5}},
		{"defaults; short intervals are raised, a threshold below 1 is 1", withSpec(`
canaryAnalysis: {interval: 500ms, threshold: -3, stepWeight: 100}
`), rollout.Plan{
			Subject: subject, Strategy: rollout.Canary, Routes: true,
			Interval: 10 * time.Second, Deadline: 10 * time.Minute, Drain: 2 * time.Second, Threshold: 1}},
		{"an interval that is no duration is a minute, as in the reference, and is warned about", withSpec(`
analysis: {interval: 5mins, threshold: 1, stepWeight: 100}
`), rollout.Plan{
			Subject: subject, Strategy: rollout.Canary, Routes: true,
			Warnings: []string{`Analysis interval "5mins" is not a duration such as 30s, using 1m0s`},
			Interval: time.Minute, Deadline: 10 * time.Minute, Drain: 2 * time.Second, Threshold: 1}},
		{"skipped: the analysis may be nonsense, its gates around the release stay", withSpec(`
skipAnalysis: true
analysis:
  interval: 30s
  threshold: 1
  stepWeights: [5, 5]
  metrics: [{name: unknown}]
` + indent(allGates, 2)), rollout.Plan{
			Subject: subject, Strategy: rollout.Canary, Confirm: true, After: true, Skip: true, Routes: true, Steps: arrival,
			Interval: 30 * time.Second, Deadline: 10 * time.Minute, Drain: 2 * time.Second, Threshold: 1}},
		{"no analysis means skipped", withSpec(""), rollout.Plan{
			Subject: subject, Strategy: rollout.Canary, Skip: true, Routes: true, Steps: arrival,
			Interval: time.Minute, Deadline: 10 * time.Minute, Drain: 2 * time.Second, Threshold: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan, errs := Compile(parse(t, tt.text), gateway())
			if len(errs) > 0 {
				t.Fatalf("refused: %v", errs.ToAggregate())
			}
			if tt.want.Steps == nil {
				plan.Steps = nil
			}
			if diff := cmp.Diff(tt.want, plan); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

// A provider that cannot route turns every strategy into blue/green and says so
// in the words of the reference.
func TestCompileWithoutRoutes(t *testing.T) {
	const (
		noAB       = "A/B testing is not supported when using the kubernetes provider"
		noWeights  = "Progressive traffic is not supported when using the kubernetes provider"
		iterations = "Setting canaryAnalysis.iterations: 10"
	)
	tests := []struct {
		name, analysis string
		iterations     int
		want           []string
	}{
		{"weights", "stepWeight: 10", 10, []string{noWeights, iterations}},
		{"matching weights", "stepWeight: 10\nmatch: [{headers: {x: {exact: insider}}}]", 10, []string{noAB, noWeights, iterations}},
		{"A/B", "iterations: 3\nmatch: [{headers: {x: {exact: insider}}}]", 3, []string{noAB}},
		{"no iterations", "iterations: 0", 10, []string{noWeights, iterations}},
		{"blue/green", "iterations: 3\nmirror: true", 3, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan, errs := Compile(parse(t, withAnalysis(tt.analysis)), plain())
			if len(errs) > 0 {
				t.Fatalf("refused: %v", errs.ToAggregate())
			}
			if diff := cmp.Diff(tt.want, plan.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if plan.Strategy != rollout.BlueGreen || len(plan.Steps) != tt.iterations+2 {
				t.Errorf("strategy %s with %d steps, want blue-green with %d", plan.Strategy, len(plan.Steps), tt.iterations+2)
			}
		})
	}
}

// Whatever the numbers are, a plan that is not refused has an end, rises, and
// never gives the canary more than everything.
func FuzzCompile(f *testing.F) {
	f.Add(0, 20, 50, 10, 1, 5, 10, "30s", true, uint8(255))
	f.Add(3, 0, 0, 0, 0, 0, 0, "", false, uint8(0))
	f.Add(-1, math.MaxInt, math.MinInt, math.MaxInt, 120, 110, 100, "9999999h", true, uint8(0x5a))
	f.Fuzz(func(t *testing.T, iterations, step, most, promotion, first, second, mirror int, interval string, copies bool, bits uint8) {
		flag := func(i int) bool { return bits&(1<<i) != 0 }
		canary := parse(t, withAnalysis("stepWeight: 1"))
		canary.Spec.SkipAnalysis = flag(0)
		a := canary.Spec.Analysis
		a.Iterations, a.StepWeight, a.MaxWeight, a.StepWeightPromotion = iterations, step, most, promotion
		a.Interval, a.Mirror, a.MirrorWeight = interval, copies, &mirror
		if flag(1) {
			a.StepWeights = []int{first, second}
		}
		if flag(2) {
			a.Match = []AnalysisMatch{{}}
		}
		features := gateway()
		features.Routes, features.Weight, features.Mirror, features.Match = flag(3), flag(4), flag(5), flag(6)
		plan, errs := Compile(canary, features)
		if len(errs) > 0 && len(plan.Steps) != 1 {
			t.Fatalf("refused with %d steps", len(plan.Steps))
		}
		before := 0
		for i, s := range plan.Steps {
			switch r := s.Route; {
			case r.Primary+r.Canary != rollout.Full || r.Canary < 0 || r.Canary > rollout.Full || r.Mirror < 0 || r.Mirror > rollout.Full:
				t.Fatalf("step %d routes %+v", i, r)
			case plan.Strategy == rollout.Canary && i > 0 && r.Mirror == 0 && r.Canary <= before:
				t.Fatalf("step %d does not rise: %v", i, tell(plan))
			case !features.Routes && r != rollout.Split(0):
				t.Fatalf("step %d routes %+v with a provider that cannot", i, r)
			default:
				before = r.Canary
			}
		}
		for i, r := range plan.Back {
			if last := i == len(plan.Back)-1; (r.Canary == 0) != last {
				t.Fatalf("the way back ends at home and only there: %v", tell(plan))
			}
		}
	})
}
