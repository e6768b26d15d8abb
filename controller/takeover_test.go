package controller

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// Hashes of Flagger cannot be compared with revisions. Reading its status must
// neither start a release nor let one that is under way lose its place.
func TestAdopt(t *testing.T) {
	const old, older, ours, primarys = "5498f4fcd6", "7c8d9f6b5d", "s1-target", "s1-primary"
	at := func(minute int) metav1.Time { return metav1.NewTime(time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC)) }
	for _, c := range []struct {
		name   string
		phase  rollout.Phase
		weight int // in status
		route  int // percent on the live canary
		copied rollout.Revision
		rolled int // minute in which the pods changed last; Flagger looked in minute 5

		revision, promoted rollout.Revision
		step, share        int
		serving            rollout.Side
	}{
		{"at rest", rollout.Succeeded, 0, 0, ours, 0, ours, ours, 0, 0, rollout.OnPrimary},
		{"just initialized", rollout.Initialized, 0, 0, ours, 0, ours, ours, 0, 0, rollout.OnPrimary},
		{"pushed while nobody looked", rollout.Succeeded, 0, 0, primarys, 0, primarys, primarys, 0, 0, rollout.OnPrimary},
		{"the primary is gone", rollout.Succeeded, 0, 0, "", 0, ours, ours, 0, 0, rollout.OnPrimary},
		{"not to be tried again", rollout.Failed, 0, 0, primarys, 0, ours, primarys, 0, 0, rollout.OnPrimary},
		{"a failed promotion", rollout.Failed, 100, 100, ours, 0, ours, older, 0, 1000, rollout.OnCanary},
		{"before approval", rollout.Waiting, 0, 0, primarys, 0, ours, primarys, 0, 0, rollout.OnPrimary},
		{"a step", rollout.Progressing, 40, 40, primarys, 4, ours, primarys, math.MaxInt32, 400, rollout.OnPrimary},
		{"the route is the truth", rollout.Progressing, 20, 40, primarys, 4, ours, primarys, math.MaxInt32, 400, rollout.OnPrimary},
		{"pods that changed after the last look", rollout.Progressing, 40, 40, primarys, 6, old, primarys, math.MaxInt32, 400, rollout.OnPrimary},
		{"copied and not yet said", rollout.Progressing, 40, 40, ours, 4, ours, older, math.MaxInt32, 400, rollout.OnPrimary},
		{"status hides the weight", rollout.WaitingPromotion, 0, 60, primarys, 4, ours, primarys, math.MaxInt32, 600, rollout.OnPrimary},
		{"on the way home", rollout.Promoting, 60, 30, ours, 4, ours, older, 0, 300, rollout.OnPrimary},
		{"overtaken", rollout.Promoting, 60, 60, primarys, 4, primarys, older, 0, 600, rollout.OnPrimary},
		{"at home", rollout.Finalising, 0, 0, ours, 4, ours, older, 0, 0, rollout.OnPrimary},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := &appsv1.Deployment{}
			target.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, LastUpdateTime: at(c.rolled)}}
			pods, err := workload.Of(target)
			if err != nil {
				t.Fatal(err)
			}
			v := &view{canary: &v1beta1.Canary{}, target: pods, plan: rollout.Plan{Strategy: rollout.Canary}}
			v.canary.Status = v1beta1.CanaryStatus{Phase: c.phase, CanaryWeight: c.weight, Iterations: -1,
				LastAppliedSpec: old, LastPromotedSpec: older, LastTransitionTime: at(5)}
			v.seen.Target, v.seen.Copied = ours, c.copied
			v.provider.Parse = func([]router.Object) (rollout.Route, bool, error) {
				return rollout.Split(rollout.Percent(c.route)), true, nil
			}
			want := rollout.State{Phase: c.phase, Revision: c.revision, Promoted: c.promoted, Step: c.step, Weight: c.share,
				Serving: c.serving, Since: at(5).Time}
			if diff := cmp.Diff(want, v.adopt(v.canary.Status.State())); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// What Serin itself has written is never read in another light.
func TestAdoptLeavesOursAlone(t *testing.T) {
	for name, status := range map[string]v1beta1.CanaryStatus{
		"our own status":         {Phase: rollout.Succeeded, LastAppliedSpec: "s1-a", LastPromotedSpec: "s1-a", Rollout: &v1beta1.Rollout{}},
		"ours, without a memory": {Phase: rollout.Succeeded, LastAppliedSpec: "s1-a", LastPromotedSpec: "s1-a"},
		"nothing promoted yet":   {Phase: rollout.Initializing, LastAppliedSpec: "5498f4fcd6"},
	} {
		v := &view{canary: &v1beta1.Canary{Status: status}}
		v.seen.Target, v.seen.Copied = "s1-b", "s1-b"
		if got, want := v.adopt(status.State()), status.State(); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}
