package main

import (
	"testing"
	"time"
)

// A release is told by the statuses that a watch shows, whatever they begin with.
func TestRecord(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(s float64) time.Time { return began.Add(time.Duration(s * float64(time.Second))) }
	type seen struct {
		at     float64 // seconds
		phase  string
		weight int
		since  float64
		pend   []string
	}
	good := []seen{
		{-5, "Initialized", 0, -60, nil}, {0.2, "Progressing", 0, 0.1, nil}, {0.5, "Progressing", 20, 0.4, nil},
		{10.5, "Progressing", 40, 10.45, nil}, {20.6, "Progressing", 60, 20.5, nil}, {30.7, "Promoting", 60, 30.6, nil},
		{31, "Finalising", 0, 30.9, nil}, {33, "Succeeded", 0, 32.9, []string{"Parking"}}, {33.2, "Succeeded", 0, 32.9, nil},
	}
	bad := []seen{
		{-5, "Initialized", 0, -60, nil}, {0.2, "Progressing", 0, 0.1, nil}, {0.5, "Progressing", 20, 0.4, nil},
		{10.6, "Failed", 0, 10.5, []string{"Draining"}}, {13, "Failed", 0, 10.5, nil},
	}
	for name, c := range map[string]struct {
		of       subject
		seen     []seen
		right    bool
		late     int
		worst    time.Duration
		promoted time.Duration
	}{
		"a good release is promoted":         {subject{}, good, true, 3, 200 * time.Millisecond, 33 * time.Second},
		"a bad release is undone":            {subject{bad: true}, bad, true, 1, 200 * time.Millisecond, 0},
		"a good release is undone":           {subject{}, bad, false, 1, 200 * time.Millisecond, 0},
		"a bad release is promoted":          {subject{bad: true}, good, false, 3, 200 * time.Millisecond, 33 * time.Second},
		"a release that has not ended":       {subject{}, good[:4], false, 1, 100 * time.Millisecond, 0},
		"a new revision that is not noticed": {subject{}, good[:1], false, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRecord(10 * time.Second)
			r.push(c.of)
			r.pushed(c.of, began)
			for _, s := range c.seen {
				r.now = func() time.Time { return at(s.at) }
				var shown canary
				shown.Status.Phase, shown.Status.CanaryWeight = s.phase, s.weight
				shown.Status.Rollout.Since, shown.Status.Rollout.Pending = at(s.since), s.pend
				r.Change("MODIFIED", shown)
			}
			got := r.of(c.of)
			if got.right(c.of) != c.right {
				t.Errorf("right is %t: %+v", got.right(c.of), got)
			}
			if len(got.late) != c.late || quantile(got.late, 1) != c.worst {
				t.Errorf("late %v, want %d and at most %s", got.late, c.late, c.worst)
			}
			if !got.promoted.IsZero() && got.promoted.Sub(got.pushed) != c.promoted || got.promoted.IsZero() != (c.promoted == 0) {
				t.Errorf("promoted after %s, want %s", got.promoted.Sub(got.pushed), c.promoted)
			}
		})
	}
}

// An announced event is missing until it is written; one said twice is due once.
func TestMissingEvents(t *testing.T) {
	t.Parallel()
	r := newRecord(time.Second)
	var c canary
	c.Metadata.Namespace, c.Metadata.Name, c.Status.Rollout.Transition = "ns", "app", 10
	c.Status.Rollout.Outbox = []struct{ Message string }{{"one"}, {"two"}, {"one"}}
	r.Change("MODIFIED", c)
	if missing, due := r.missing(map[string]bool{"ns/app.0000000a00": true}); missing != 1 || due != 2 {
		t.Errorf("%d of %d are missing, want 1 of 2", missing, due)
	}
}
