package controller

import (
	"testing"
	"time"
)

// Only what somebody else wrote makes an operator wait, and only one that may have lost
// its lease.
func TestOvertakenOperatorWaits(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		reason        string
		elected       bool
		known, newest int64
		after, want   time.Duration
	}{
		{"its first look at a Canary", true, -1, 7, 0, 0},
		{"its own transition", true, 7, 7, 0, 0},
		{"somebody else's", true, 7, 8, 0, afterOthers},
		{"the same, a while later", true, 7, 8, 2 * time.Second, afterOthers - 2*time.Second},
		{"the same, later than a lost lease is noticed", true, 7, 8, afterOthers, 0},
		{"a cache that is behind", true, 7, 6, 0, 0},
		{"the only operator, to whom an answer was lost", false, 7, 8, 0, 0},
	} {
		now := began
		r := &reconciler{options: Options{LeaderElection: c.elected, Now: func() time.Time { return now }}}
		m := &memo{transition: c.known}
		r.overtaken(canaryAt("podinfo", c.newest), m)
		now = began.Add(c.after)
		if got := max(r.overtaken(canaryAt("podinfo", c.newest), m), 0); got != c.want {
			t.Errorf("%s: it waits %s, want %s", c.reason, got, c.want)
		}
	}
}
