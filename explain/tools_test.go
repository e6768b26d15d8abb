package explain_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/explain"
	"github.com/serinhq/serin/rollout"
)

// Worlds are few, and enough to reach every kind of status.
func worlds(plan rollout.Plan, now time.Time) []rollout.Observation {
	var all []rollout.Observation
	ready := rollout.Health{Ready: true, Serving: true}
	answers := func(v rollout.Verdict) map[rollout.Probe]rollout.Answer {
		found := map[rollout.Probe]rollout.Answer{}
		for _, probe := range []rollout.Probe{rollout.ConfirmRollout, rollout.PreRollout, rollout.Checks,
			rollout.ConfirmTrafficIncrease, rollout.ConfirmPromotion, rollout.PostRollout, rollout.Online} {
			found[probe] = rollout.Answer{Verdict: v, Findings: []rollout.Finding{{Source: rollout.FromHook, Name: "hook", Verdict: v, Err: "no"}}}
		}
		return found
	}
	for _, target := range []rollout.Revision{"v1", "v2", "v3"} {
		for _, primary := range []rollout.Health{ready, {Reason: "primary not ready"}, {Dead: true, Reason: "primary dead"}} {
			for _, side := range []rollout.Health{ready, {Reason: "canary not ready"}} {
				for _, wait := range []time.Duration{0, plan.Interval, plan.Deadline + plan.Interval} {
					for _, v := range []rollout.Verdict{rollout.Pass, rollout.Fail, rollout.Unknown} {
						o := rollout.Observation{Now: now.Add(wait), Target: target, Copied: target, Primary: primary, Canary: side,
							Routed: primary.Ready, Parked: true, Answers: answers(v)}
						all = append(all, o)
					}
				}
			}
		}
	}
	for _, verb := range []rollout.Verb{rollout.Pause, rollout.Abort, rollout.Promote, rollout.Retry} {
		all = append(all, rollout.Observation{Now: now, Target: "v2", Copied: "v1", Primary: ready, Canary: ready, Routed: true,
			Wishes: []rollout.Wish{{Verb: verb, Revision: "v2"}}})
	}
	return append(all, rollout.Observation{Now: now, Target: "v2", Primary: ready, Canary: ready, Routed: true, Deleted: true})
}

// reach calls visit with every status that can be reached, as written, from a
// Canary that nobody has looked at.
func reach(t *testing.T, analysis string, annotations map[string]string, visit func(c *v1beta1.Canary, plan rollout.Plan)) {
	t.Helper()
	c, plan := canary(t, analysis)
	c.Annotations, c.Generation, plan.Threshold = annotations, 3, 2
	seen := map[string]bool{}
	for queue := []*v1beta1.Canary{c}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		visit(at, plan)
		before := at.Status.State()
		for _, o := range worlds(plan, later(before.Since)) {
			after, reports := rollout.Next(plan, before, o)
			key := after
			key.Since = time.Time{} // when does not matter to what
			news := fmt.Sprint(key)
			if after == before {
				news += fmt.Sprint(reports)
			}
			if seen[news] {
				continue
			}
			seen[news] = true
			next := at.DeepCopy()
			take(next, plan, o, "")
			if next.Status.ObservedGeneration = next.Generation; after == before {
				visit(next, plan) // it stands still, and leads nowhere new
				continue
			}
			queue = append(queue, next)
		}
	}
	if len(seen) < 20 {
		t.Fatalf("only %d situations were reached", len(seen))
	}
}

// later is a time at which a release can begin.
func later(since time.Time) time.Time {
	if since.Before(epoch) {
		return epoch
	}
	return since
}

// stored is a Canary as the API server holds it.
func stored(t *testing.T, c *v1beta1.Canary) map[string]any {
	t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(c)
	if err != nil {
		t.Fatal(err)
	}
	object["apiVersion"], object["kind"] = "flagger.app/v1beta1", "Canary"
	return object
}

// What is told is there in every status, within its bounds, and says the same
// after a stay in the API server.
func TestAccountOfEveryStatus(t *testing.T) {
	shorter := strings.NewReplacer("bake: 10m", "bake: 1m", "duration: 3m", "duration: 1m").Replace(ramp)
	for _, analysis := range []string{shorter, "iterations: 1"} {
		reach(t, analysis, nil, func(c *v1beta1.Canary, plan rollout.Plan) {
			a, state := c.Status.Account(), c.Status.State()
			if c.Status.Rollout != nil {
				healthy(t, c)
			}
			e := explain.Explain(c, plan, epoch.Add(time.Hour))
			if e.Sentence == "" || e.Then == "" {
				t.Errorf("nothing is said of %+v", state)
			}
			if v1beta1.Releasing(state) && (a.WaitsFor == "" || a.Started.IsZero()) {
				t.Errorf("a release without what it waits for, or since when: %+v tells %+v", state, a)
			}
			if len(a.History) > v1beta1.MostHistory {
				t.Errorf("%d releases in the history", len(a.History))
			}
			text, err := json.Marshal(stored(t, c))
			if err != nil {
				t.Fatal(err)
			}
			var object map[string]any
			if err := json.Unmarshal(text, &object); err != nil {
				t.Fatal(err)
			}
			back, err := v1beta1.Decode(object)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := fmt.Sprint(explain.Explain(back, plan, epoch.Add(time.Hour))), fmt.Sprint(e); got != want {
				t.Errorf("from storage:\n%s\nbefore:\n%s", got, want)
			}
		})
	}
}

// kstatus itself says what Flux and kubectl will think. Without the annotation a
// Canary is settled when its spec was seen, as with Flagger; with it, it follows
// its release.
func TestKstatus(t *testing.T) {
	want := func(phase rollout.Phase) status.Status {
		switch phase {
		case rollout.Initialized, rollout.Succeeded:
			return status.CurrentStatus
		case rollout.Failed:
			return status.FailedStatus
		case rollout.New, rollout.Initializing, rollout.Waiting, rollout.Progressing, rollout.WaitingPromotion,
			rollout.Promoting, rollout.Finalising, rollout.Terminating:
		}
		return status.InProgressStatus
	}
	follow := map[string]string{v1beta1.HealthAnnotation: v1beta1.FollowRelease}
	for _, tt := range []struct {
		name        string
		annotations map[string]string
		want        func(rollout.Phase) status.Status
	}{
		{"by default", nil, func(rollout.Phase) status.Status { return status.CurrentStatus }},
		{"follows the release", follow, want},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reach(t, short, tt.annotations, func(c *v1beta1.Canary, _ rollout.Plan) {
				if c.Status.Rollout == nil {
					return // nobody has looked at it
				}
				healthy(t, c)
				got, err := status.Compute(&unstructured.Unstructured{Object: stored(t, c)})
				if err != nil || got.Status != tt.want(c.Status.Phase) {
					t.Errorf("phase %s is %v (%v), want %s; conditions %+v", c.Status.Phase, got, err, tt.want(c.Status.Phase), c.Status.Conditions)
				}
			})
		})
	}
}

// A spec that is refused is told, whether or not the release is followed.
func TestKstatusOfARefusedSpec(t *testing.T) {
	for annotation, want := range map[string]status.Status{"": status.CurrentStatus, v1beta1.FollowRelease: status.FailedStatus} {
		c, _ := canary(t, short)
		c.Annotations = map[string]string{v1beta1.HealthAnnotation: annotation}
		c.Status.SetCondition(v1beta1.Condition{Type: v1beta1.Accepted, Status: metav1.ConditionFalse, Reason: "InvalidSpec", Message: "spec.provider"}, epoch)
		c.Attend(epoch)
		got, err := status.Compute(&unstructured.Unstructured{Object: stored(t, c)})
		if err != nil || got.Status != want {
			t.Errorf("with %q: %v (%v), want %s", annotation, got, err, want)
		}
		if first := c.Status.Conditions[0].Type; first != v1beta1.Promoted {
			t.Errorf("with %q the first condition is %s", annotation, first)
		}
		if _, err := argo(stored(t, c)); err != nil {
			t.Errorf("with %q: Argo CD: %v", annotation, err)
		}
	}
}

// healthy checks what Argo CD shows of a status. Its health check of this kind reads
// phase, canaryWeight and the message of every condition, and ends in an error when
// one of them is missing.
func healthy(t *testing.T, c *v1beta1.Canary) {
	t.Helper()
	health, err := argo(stored(t, c))
	if bad := health == "Degraded"; err != nil || bad != (c.Status.Phase == rollout.Failed) {
		t.Errorf("phase %s: Argo CD shows %q, %v; status %+v", c.Status.Phase, health, err, c.Status)
	}
}

// argo computes what Argo CD shows, with an error where its script would end in one.
func argo(object map[string]any) (health string, err error) {
	status, ok := object["status"].(map[string]any)
	if !ok || len(status) == 0 {
		return "Unknown", nil
	}
	if _, err := strconv.Atoi(fmt.Sprint(status["canaryWeight"])); err != nil {
		return "", fmt.Errorf("canaryWeight %v is no number", status["canaryWeight"])
	}
	conditions, ok := status["conditions"].([]any)
	if !ok {
		return "", fmt.Errorf("conditions are %v", status["conditions"])
	}
	for _, condition := range conditions {
		if text, ok := condition.(map[string]any)["message"].(string); !ok || text == "" {
			return "", fmt.Errorf("condition %v has no message", condition)
		}
	}
	phase, ok := status["phase"].(string)
	if !ok {
		return "", fmt.Errorf("phase is %v", status["phase"])
	}
	switch rollout.Phase(phase) {
	case rollout.Failed:
		return "Degraded", nil
	case rollout.Succeeded, rollout.Initialized:
		return "Healthy", nil
	case rollout.Progressing, rollout.Promoting, rollout.Finalising:
		return "Progressing", nil
	case rollout.New, rollout.Initializing, rollout.Waiting, rollout.WaitingPromotion, rollout.Terminating:
	}
	return "Unknown", nil
}
