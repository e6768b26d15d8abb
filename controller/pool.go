package controller

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/serinhq/serin/rollout"
)

// question identifies one asking of a probe. An answer to another question is
// never used: it was about another revision, step or attempt.
type question struct {
	probe         rollout.Probe
	revision      rollout.Revision
	step, attempt int
	since         time.Time
}

// pool runs probes, a bounded number at once, and keeps their answers until
// they are too old or the question changes.
type pool struct {
	slots chan struct{}
	wake  func(types.NamespacedName) // called after each answer
	now   func() time.Time

	mu      sync.Mutex
	entries map[types.NamespacedName]map[rollout.Probe]*entry
	running sync.WaitGroup
	over    bool // nothing new is asked
}

// An entry is the newest asking of one probe.
type entry struct {
	question question
	cancel   context.CancelFunc
	done     bool
	at       time.Time // when the answer came
	answer   rollout.Answer
}

func newPool(size int, now func() time.Time, wake func(types.NamespacedName)) *pool {
	return &pool{slots: make(chan struct{}, size), now: now, wake: wake,
		entries: map[types.NamespacedName]map[rollout.Probe]*entry{}}
}

// answer returns the answer to the question if there is one that still holds at
// the given time, and when it stops holding.
func (p *pool) answer(key types.NamespacedName, q question, every time.Duration) (answer rollout.Answer, until time.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.entries[key][q.probe]
	if e == nil || !e.done || e.question != q {
		return rollout.Answer{}, time.Time{}, false
	}
	until = e.at.Add(every)
	return e.answer, until, p.now().Before(until)
}

// ask runs the probe unless the same question is under way. An older question of
// the same probe is given up, and an answer to this one is forgotten.
func (p *pool) ask(ctx context.Context, key types.NamespacedName, q question, run func(context.Context) rollout.Answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	of := p.entries[key]
	if of == nil {
		of = map[rollout.Probe]*entry{}
		p.entries[key] = of
	}
	if e := of[q.probe]; e != nil {
		if e.question == q && !e.done {
			return
		}
		e.cancel()
	}
	ctx, cancel := context.WithCancel(ctx)
	e := &entry{question: q, cancel: cancel}
	of[q.probe] = e
	p.running.Go(func() { p.run(ctx, key, e, run) })
}

func (p *pool) run(ctx context.Context, key types.NamespacedName, e *entry, run func(context.Context) rollout.Answer) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return
	}
	answer := guarded(ctx, run)
	if ctx.Err() != nil {
		return // nobody waits for it any more
	}
	p.mu.Lock()
	e.answer, e.at, e.done = answer, p.now(), true
	p.mu.Unlock()
	p.wake(key)
}

// guarded turns a panic into an answer that says so: one probe must not end the
// releases of all Canaries.
func guarded(ctx context.Context, run func(context.Context) rollout.Answer) (answer rollout.Answer) {
	defer func() {
		if fault := recover(); fault != nil {
			answer = rollout.Answer{Findings: []rollout.Finding{{Source: rollout.FromSetup,
				Err: fmt.Sprintf("a check could not be finished because of a defect of the operator, please report it: %v", fault)}}}
		}
	}()
	return run(ctx)
}

// keep gives up every asking of the Canary that is not about one of the probes.
func (p *pool) keep(key types.NamespacedName, probes map[rollout.Probe]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for probe, e := range p.entries[key] {
		if !probes[probe] {
			e.cancel()
			delete(p.entries[key], probe)
		}
	}
	if len(p.entries[key]) == 0 {
		delete(p.entries, key)
	}
}

// wait returns once every probe has ended; the context given to ask must have.
func (p *pool) wait() {
	p.mu.Lock()
	p.over = true // a worker that still ends may ask: nobody waits for the answer
	p.mu.Unlock()
	p.running.Wait()
}
