package controller

import (
	"testing"
	"time"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
)

// A reconcile that takes long may end when that is past which was not due when it
// was decided. The next look must come at once: an idle Canary has no other timer.
func TestTimerThatFellDueMeanwhileIsSet(t *testing.T) {
	since := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	plan := rollout.Plan{Steps: []rollout.Step{{Route: rollout.Split(0)}}, Drain: 2 * time.Second, Interval: 10 * time.Second,
		Deadline: time.Minute, Threshold: 1}
	state := rollout.State{Phase: rollout.Succeeded, Revision: "current", Promoted: "current", Pending: rollout.Draining | rollout.Parking, Since: since}
	for _, c := range []struct {
		name     string
		decided  time.Duration // after since
		finished time.Duration
		pace     int
		want     time.Duration
	}{
		{"a wait begins", 0, 500 * time.Millisecond, 0, 1500 * time.Millisecond},
		{"a wait on a faster clock", 0, 500 * time.Millisecond, 10, 150 * time.Millisecond},
		{"over before it was waited for", 1900 * time.Millisecond, 2100 * time.Millisecond, 0, time.Millisecond},
		{"nothing to wait for", 2100 * time.Millisecond, 2200 * time.Millisecond, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := func() time.Time { return since.Add(c.finished) }
			r := &reconciler{options: Options{Now: now, Pace: c.pace}, probes: newPool(1, now, nil)}
			v := &view{canary: &v1beta1.Canary{}, plan: plan}
			v.seen.Now = since.Add(c.decided)
			if got := r.ask(v, state).RequeueAfter; got != c.want {
				t.Errorf("looks again in %s, want %s", got, c.want)
			}
		})
	}
}
