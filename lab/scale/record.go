package main

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// canary is what the record reads of a Canary.
type canary struct {
	Metadata meta
	Status   struct {
		Phase            string
		CanaryWeight     int
		LastPromotedSpec string
		Rollout          struct {
			Transition int64
			Since      time.Time
			Pending    []string
			Outbox     []struct{ Message string }
		}
	}
}

// A story is what was seen of one Canary.
type story struct {
	pushed   time.Time // when the write of its new revision had been answered
	noticed  time.Time // when status was Progressing
	promoted time.Time
	ended    time.Time
	verdict  string // the last phase
	steps    int    // weights it went through
	late     []time.Duration

	released bool // its new revision was, or is being, written
	rests    bool
	last     canary
}

// record follows all Canaries. A moment in it is the one at which a watch showed a
// status, so that the way through the API server is part of every duration.
type record struct {
	interval time.Duration
	now      func() time.Time

	mu      sync.Mutex
	total   int
	stories map[string]*story
	due     map[string]bool // events that status has announced
}

func newRecord(interval time.Duration) *record {
	return &record{interval: interval, now: time.Now, stories: map[string]*story{}, due: map[string]bool{}}
}

// Replace implements kube.Follower.
func (r *record) Replace(all []canary) {
	for _, c := range all {
		r.Change("ADDED", c)
	}
}

// Change implements kube.Follower.
func (r *record) Change(kind string, c canary) {
	if kind == "DELETED" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.announce(c)
	s := r.at(c.Metadata.Namespace + "/" + c.Metadata.Name)
	if s.released {
		s.see(c, r.now(), r.interval)
	}
	s.rests = c.Status.Phase == "Initialized" && len(c.Status.Rollout.Pending) == 0
	s.last = c
}

// see takes in a status of a Canary whose new revision was written.
func (s *story) see(c canary, now time.Time, interval time.Duration) {
	phase, weight, before := c.Status.Phase, c.Status.CanaryWeight, s.last.Status
	measured := before.Phase == "Progressing" && before.CanaryWeight > 0
	left := phase != "Progressing" || weight != before.CanaryWeight
	if s.noticed.IsZero() {
		if phase != "Progressing" {
			return // of before
		}
		s.noticed = now
	}
	if measured && left {
		s.late = append(s.late, now.Sub(before.Rollout.Since.Add(interval)))
	}
	if phase == "Progressing" && weight > 0 && weight != before.CanaryWeight {
		s.steps++
	}
	if phase == "Succeeded" && s.promoted.IsZero() {
		s.promoted = now
	}
	s.verdict = phase
	if over := phase == "Succeeded" || phase == "Failed"; over && len(c.Status.Rollout.Pending) == 0 && s.ended.IsZero() {
		s.ended = now
	}
}

// announce notes the events of a transition. One that repeats another of the same
// transition is not written again.
func (r *record) announce(c canary) {
	said := map[string]bool{}
	for i, report := range c.Status.Rollout.Outbox {
		if said[report.Message] {
			continue
		}
		said[report.Message] = true
		r.due[fmt.Sprintf("%s/%s.%08x%02x", c.Metadata.Namespace, c.Metadata.Name, c.Status.Rollout.Transition, i)] = true
	}
}

func (r *record) at(key string) *story {
	if r.stories[key] == nil {
		r.stories[key] = &story{}
	}
	return r.stories[key]
}

func (r *record) expect(total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total = total
}

// push says that a new revision is being written, pushed that it was.
func (r *record) push(s subject) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at(s.key()).released = true
}

func (r *record) pushed(s subject, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at(s.key()).pushed = at
}

// of returns a copy of what was seen of a subject.
func (r *record) of(s subject) story {
	r.mu.Lock()
	defer r.mu.Unlock()
	return *r.at(s.key())
}

// rested is nil once every Canary waits for its first release.
func (r *record) rested() error {
	return r.reached(r.total, func(s *story) bool { return s.rests })
}

// ended is nil once so many releases have ended.
func (r *record) ended(want int) error {
	return r.reached(want, func(s *story) bool { return !s.ended.IsZero() })
}

func (r *record) reached(want int, has func(*story) bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := 0
	for _, s := range r.stories {
		if has(s) {
			got++
		}
	}
	if got < want {
		return fmt.Errorf("%d of %d", got, want)
	}
	return nil
}

// missing counts the announced events that are not among the given ones.
func (r *record) missing(written map[string]bool) (missing, due int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name := range r.due {
		if !written[name] {
			missing++
		}
	}
	return missing, len(r.due)
}

// right reports whether a release ended as it should.
func (s story) right(of subject) bool {
	if of.bad {
		return s.verdict == "Failed" && s.steps == 1
	}
	const steps = 3 // 20, 40, 60
	return s.verdict == "Succeeded" && s.steps == steps
}

// quantile of durations; 0 of none.
func quantile(all []time.Duration, share float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}
