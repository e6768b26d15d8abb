package v1beta1

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/serinhq/serin/rollout"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)

func mustCompile(t testing.TB, analysis string) rollout.Plan {
	t.Helper()
	plan, errs := Compile(parse(t, withAnalysis(analysis)), gateway())
	if len(errs) > 0 {
		t.Fatalf("refused: %v", errs.ToAggregate())
	}
	return plan
}

// restored is a status after a stay in the API server.
func restored(t testing.TB, status CanaryStatus) CanaryStatus {
	t.Helper()
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&status)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"status": fields})
	if err != nil {
		t.Fatal(err)
	}
	var obj map[string]any
	if err := json.Unmarshal(text, &obj); err != nil {
		t.Fatal(err)
	}
	canary, err := Decode(obj)
	if err != nil {
		t.Fatal(err)
	}
	return canary.Status
}

func FuzzStateRoundTrip(f *testing.F) {
	f.Add("Progressing", "current", "promoted", 2, 40, 1, 3, int64(1767323045000000006), false, true, false, uint8(5))
	f.Add("Failed", "", "", -1, 1000, -1, math.MaxInt32, int64(0), true, false, true, uint8(7))
	f.Add("\xff", "a\x00b", "é", 0, 0, 0, 0, int64(-1), false, false, false, uint8(0))
	plan := mustCompile(f, "stepWeight: 20\nmaxWeight: 50")
	f.Fuzz(func(t *testing.T, phase, revision, promoted string, step, weight, attempt, failures int, nanos int64, onCanary, paused, skipped bool, pending uint8) {
		state := rollout.State{
			Phase: rollout.Phase(strings.ToValidUTF8(phase, "")), Revision: rollout.Revision(strings.ToValidUTF8(revision, "")),
			Promoted: rollout.Revision(strings.ToValidUTF8(promoted, "")),
			Step:     step, Weight: weight, Attempt: attempt, Failures: failures,
			Since: time.Unix(0, nanos).UTC(), Paused: paused, Skipped: skipped,
			Pending: rollout.Effects(pending) & (rollout.Draining | rollout.Parking | rollout.Hooking),
		}
		if onCanary {
			state.Serving = rollout.OnCanary
		}
		for _, n := range []int{step, weight, attempt, failures} {
			if n > 1<<53 || n < -1<<53 {
				return // no JSON number keeps it
			}
		}
		var status CanaryStatus
		status.Store(state, plan, epoch)
		if got := status.State(); got != state {
			t.Errorf("in memory %+v, want %+v", got, state)
		}
		back := restored(t, status)
		if got := back.State(); got != state {
			t.Errorf("from storage %+v, want %+v", got, state)
		}
	})
}

func TestStoreFields(t *testing.T) {
	weighted, green := "stepWeight: 20\nmaxWeight: 50", "iterations: 3"
	ab := green + "\nmatch: [{headers: {x: {exact: insider}}}]"
	released := func(phase rollout.Phase, step, weight int) rollout.State {
		return rollout.State{Phase: phase, Revision: "current", Promoted: "promoted", Step: step, Weight: rollout.Percent(weight), Failures: 2, Since: epoch}
	}
	failedPromotion := released(rollout.Failed, 0, 100)
	failedPromotion.Serving = rollout.OnCanary
	tests := []struct {
		name, analysis string
		state          rollout.State
		weight, rounds int
		status, text   string
	}{
		{"nothing seen yet", weighted, rollout.State{}, 0, 0, "Unknown", "New Deployment detected, starting initialization."},
		{"initializing", weighted, rollout.State{Phase: rollout.Initializing, Revision: "current"}, 0, 0, "Unknown", "New Deployment detected, starting initialization."},
		{"initialized", weighted, released(rollout.Initialized, 0, 0), 0, 0, "True", "Deployment initialization completed."},
		{"waiting", weighted, released(rollout.Waiting, 0, 0), 0, 0, "Unknown", "Waiting for approval."},
		{"a weight", weighted, released(rollout.Progressing, 2, 40), 40, 0, "Unknown", "New revision detected, progressing canary analysis."},
		{"the weight stays while promotion waits", weighted, released(rollout.WaitingPromotion, 3, 60), 60, 0, "Unknown", "Waiting for approval."},
		{"promoting", weighted, released(rollout.Promoting, 0, 60), 60, 0, "Unknown", "Canary analysis completed, starting primary rolling update."},
		{"finalising", weighted, released(rollout.Finalising, 0, 0), 0, 0, "Unknown", "Canary analysis completed, routing all traffic to primary."},
		{"succeeded", weighted, released(rollout.Succeeded, 0, 0), 0, 0, "True", "Canary analysis completed successfully, promotion finished."},
		{"failed", weighted, released(rollout.Failed, 0, 0), 0, 0, "False", "Canary analysis failed, Deployment scaled to zero."},
		{"failed promotion", weighted, failedPromotion, 100, 0, "False", "Promotion failed, primary not ready: the canary keeps all traffic."},
		{"failed initialization", weighted, rollout.State{Phase: rollout.Failed, Revision: "current", Serving: rollout.OnCanary}, 0, 0, "False",
			"Deployment initialization failed, its own pods keep the traffic."},
		{"blue/green iteration", green, released(rollout.Progressing, 2, 0), 0, 2, "Unknown", "New revision detected, progressing canary analysis."},
		{"blue/green switch counts as one more", green, released(rollout.Progressing, 4, 100), 100, 4, "Unknown", "New revision detected, progressing canary analysis."},
		{"A/B shows no weight", ab, released(rollout.Progressing, 3, 0), 0, 3, "Unknown", "New revision detected, progressing canary analysis."},
		{"A/B after a failed promotion", ab, failedPromotion, 100, 0, "False", "Promotion failed, primary not ready: the canary keeps all traffic."},
		{"terminating", weighted, released(rollout.Terminating, 0, 0), 0, 0, "Unknown", "The Canary is being deleted, Deployment gets its traffic back."},
		{"a phase of another version", weighted, released("Dancing", 0, 0), 0, 0, "Unknown", "New Deployment detected, starting initialization."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var status CanaryStatus
			status.Store(tt.state, mustCompile(t, tt.analysis), epoch)
			c := status.Conditions[0]
			got := []any{status.CanaryWeight, status.Iterations, status.FailedChecks, c.Type, string(c.Status), c.Message}
			want := []any{tt.weight, tt.rounds, tt.state.Failures, "Promoted", tt.status, tt.text}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			if reason := string(tt.state.Phase); reason != "" && c.Reason != reason {
				t.Errorf("reason %s, want %s", c.Reason, reason)
			}
		})
	}
}

// Times tell when something changed, not when it was written.
func TestStoreTimes(t *testing.T) {
	plan := mustCompile(t, "stepWeight: 20")
	at := func(minutes int) time.Time { return epoch.Add(time.Duration(minutes) * time.Minute) }
	state := rollout.State{Phase: rollout.Progressing, Revision: "current", Promoted: "promoted"}
	var status CanaryStatus
	status.Store(state, plan, at(0))
	state.Step, state.Weight = 1, 20
	status.Store(state, plan, at(1))
	if got := status.LastTransitionTime.Time; !got.Equal(at(0)) {
		t.Errorf("a step moved lastTransitionTime to %s", got)
	}
	if c := status.Conditions[0]; !c.LastUpdateTime.Equal(new(metav1.NewTime(at(0)))) {
		t.Errorf("a step moved the condition to %s", c.LastUpdateTime)
	}
	state.Phase = rollout.WaitingPromotion
	status.Store(state, plan, at(2))
	c := status.Conditions[0]
	if !status.LastTransitionTime.Time.Equal(at(2)) || !c.LastUpdateTime.Time.Equal(at(2)) || !c.LastTransitionTime.Time.Equal(at(0)) {
		t.Errorf("new reason, same status: transition %s, updated %s, condition transition %s; want minutes 2, 2, 0",
			status.LastTransitionTime, c.LastUpdateTime, c.LastTransitionTime)
	}
	state.Phase = rollout.Failed
	status.Store(state, plan, at(3))
	if c := status.Conditions[0]; !c.LastTransitionTime.Time.Equal(at(3)) {
		t.Errorf("new status: condition transition %s, want minute 3", c.LastTransitionTime)
	}
	if got := status.Transition(); got != 4 {
		t.Errorf("transition %d after 4 writes", got)
	}
}

func TestConditionsOrder(t *testing.T) {
	status := CanaryStatus{}
	status.SetCondition(Condition{Type: Accepted, Status: metav1.ConditionFalse, Reason: "Invalid"}, epoch)
	before := status
	status.SetCondition(Condition{Type: Promoted, Status: metav1.ConditionTrue, Reason: "Succeeded"}, epoch)
	if status.Conditions[0].Type != Promoted || len(before.Conditions) != 1 || before.Conditions[0].Type != Accepted {
		t.Errorf("conditions %v after %v, want Promoted in front of a new list", status.Conditions, before.Conditions)
	}
	before = status
	status.SetCondition(Condition{Type: Promoted, Status: metav1.ConditionFalse, Reason: "Failed"}, epoch)
	if got := before.Conditions[0].Reason; got != "Succeeded" {
		t.Errorf("a copy of the status changed along, to %s: copies come from a cache", got)
	}
	status.DropCondition(Accepted)
	if len(status.Conditions) != 1 || status.Conditions[0].Type != Promoted {
		t.Errorf("conditions %v, want Promoted alone", status.Conditions)
	}
}

// What the reference left behind is read so that traffic stays where it is
// healthy and a release goes on from its weight, or starts again at home.
func TestStateOfTheReference(t *testing.T) {
	plan := mustCompile(t, "stepWeight: 20\nmaxWeight: 50")
	tests := []struct {
		name, status string
		want         rollout.Route
	}{
		{"progressing", "{phase: Progressing, canaryWeight: 40, lastAppliedSpec: a, lastPromotedSpec: b}", rollout.Split(rollout.Percent(40))},
		{"progressing between two steps of an edited ramp", "{phase: Progressing, canaryWeight: 55, lastAppliedSpec: a, lastPromotedSpec: b}", rollout.Split(rollout.Percent(40))},
		{"waiting for promotion, shown without weight", "{phase: WaitingPromotion, iterations: -1, lastAppliedSpec: a, lastPromotedSpec: b}", rollout.Split(0)},
		{"promoting", "{phase: Promoting, canaryWeight: 60, lastAppliedSpec: a, lastPromotedSpec: b}", rollout.Split(rollout.Percent(60))},
		{"failed", "{phase: Failed, lastAppliedSpec: a, lastPromotedSpec: b}", rollout.Split(0)},
		{"failed promotion", "{phase: Failed, canaryWeight: 100, lastAppliedSpec: a, lastPromotedSpec: b}", rollout.Split(rollout.Percent(100))},
		{"terminating", "{phase: Terminating, canaryWeight: 40, lastAppliedSpec: a, lastPromotedSpec: b}", rollout.Split(0)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			canary := parse(t, "status: "+tt.status)
			if got := rollout.Want(plan, canary.Status.State()).Route; got != tt.want {
				t.Errorf("route %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestEmptyStatusOnTheWire(t *testing.T) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&CanaryStatus{TrackedConfigs: map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"phase": "", "canaryWeight": int64(0), "failedChecks": int64(0), "iterations": int64(0), "trackedConfigs": map[string]any{}}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestOutbox(t *testing.T) {
	reports := []rollout.Report{
		{Level: rollout.Info, Message: "Initialization done! podinfo.test"},
		{Level: rollout.Warn, Message: "Canary failed! Scaling down podinfo.test", Outcome: rollout.Undone},
		{Level: rollout.Error, Message: "Error checking metric providers: x"},
		{Level: rollout.Info, Message: "done", Outcome: rollout.Completed},
		{Level: rollout.Info, Message: "skipped", Outcome: rollout.SkippedAnalysis},
	}
	var status CanaryStatus
	status.Post(reports)
	back := restored(t, status)
	if diff := cmp.Diff(reports, back.Posted()); diff != "" {
		t.Errorf("outbox (-want +got):\n%s", diff)
	}
	status.Store(rollout.State{}, rollout.Plan{Steps: make([]rollout.Step, 1)}, epoch)
	if got := status.Posted(); got != nil {
		t.Errorf("a new transition keeps the old outbox: %v", got)
	}

	many := make([]rollout.Report, MostReports+5)
	many[len(many)-1].Message = strings.Repeat("é", LongestMessage)
	status.Post(many)
	last := status.Rollout.Outbox[len(status.Rollout.Outbox)-1].Message
	if len(status.Rollout.Outbox) != MostReports || len(last) > LongestMessage || !strings.HasSuffix(last, "é...") {
		t.Errorf("%d reports, the last of %d bytes ending in %q", len(status.Rollout.Outbox), len(last), last[len(last)-5:])
	}
}

func TestOwedDeliveriesAreKeptAndBounded(t *testing.T) {
	owed := []Delivery{{ID: "uid/7/ab", Phase: rollout.Promoting, Checksum: "c", Type: "Normal", Message: "Routing all traffic to primary", Timestamp: 1767323045000}}
	var status CanaryStatus
	status.Owe(owed)
	back := restored(t, status)
	if diff := cmp.Diff(owed, back.Owed()); diff != "" {
		t.Errorf("owed (-want +got):\n%s", diff)
	}
	status.Store(rollout.State{}, rollout.Plan{Steps: make([]rollout.Step, 1)}, epoch)
	if got := status.Owed(); got != nil {
		t.Errorf("a new transition owes what the old one did: %v", got)
	}
	many := make([]Delivery, MostReports+5)
	many[len(many)-1].Message = strings.Repeat("é", LongestMessage)
	status.Owe(many)
	if last := status.Owed()[MostReports-1].Message; len(status.Owed()) != MostReports || len(last) > LongestMessage || !strings.HasSuffix(last, "é...") {
		t.Errorf("%d deliveries, the last of %d bytes", len(status.Owed()), len(last))
	}
}
