package controller

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
)

// TestDeadlineOfADaemonSet: it counts from the look that first found the pods
// wanting in a step, whatever is written meanwhile.
func TestDeadlineOfADaemonSet(t *testing.T) {
	begin := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	v := &view{canary: &v1beta1.Canary{}, plan: rollout.Plan{Deadline: time.Minute, Steps: []rollout.Step{{Route: rollout.Split(0)}}},
		memo: newMemory().of(types.NamespacedName{}, "")}
	since := begin
	for _, look := range []struct {
		name      string
		after     time.Duration // from the beginning
		available int32
		step      bool // a step begins with this look
		dead      bool
	}{
		{"an old step with all its pods", time.Hour, 2, false, false},
		{"a pod goes: the hour before does not count", time.Hour + time.Second, 1, false, false},
		{"it stays away until the deadline", time.Hour + 61*time.Second, 1, false, false},
		{"and beyond it", time.Hour + 62*time.Second, 1, false, true},
		{"a new step gives it all of the time again", time.Hour + 63*time.Second, 1, true, false},
		{"which ends too", time.Hour + 125*time.Second, 1, false, true},
		{"it is back", time.Hour + 126*time.Second, 2, false, false},
		{"and goes once more", time.Hour + 127*time.Second, 1, false, false},
	} {
		v.seen.Now = begin.Add(look.after)
		if look.step {
			since = v.seen.Now
		}
		v.canary.Status.Store(rollout.State{Phase: rollout.Progressing, Revision: "b", Promoted: "a", Since: since}, v.plan, v.seen.Now)
		d := &appsv1.DaemonSet{}
		d.Status = appsv1.DaemonSetStatus{DesiredNumberScheduled: 2, UpdatedNumberScheduled: 2, NumberAvailable: look.available}
		pods, err := workload.Of(d)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.health(pods, rollout.OnCanary, 100); got.Dead != look.dead {
			t.Errorf("%s: %+v", look.name, got)
		}
	}
}
