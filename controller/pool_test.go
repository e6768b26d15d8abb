package controller

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/serinhq/serin/rollout"
)

const interval = 10 * time.Second

func named(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "test", Name: name}
}

// about is a question whose only news is its step.
func about(step int) question { return question{probe: rollout.Checks, revision: "a", step: step} }

func passes(context.Context) rollout.Answer { return rollout.Answer{Verdict: rollout.Pass} }

// stubborn waits for its context to end, and answers nevertheless.
func stubborn(ctx context.Context) rollout.Answer {
	<-ctx.Done()
	return rollout.Answer{Verdict: rollout.Fail}
}

// woken notes whom a pool has woken, in order.
type woken struct{ keys chan string }

func newWoken() woken { return woken{make(chan string, 100)} }

func (w woken) wake(key types.NamespacedName) { w.keys <- key.Name }

func (w woken) all() []string {
	var names []string
	for len(w.keys) > 0 {
		names = append(names, <-w.keys)
	}
	return names
}

func TestAnswerHoldsForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWoken()
		p := newPool(1, time.Now, w.wake)
		key := named("podinfo")
		if _, _, ok := p.answer(key, about(1), interval); ok {
			t.Fatal("there is an answer before anybody asked")
		}
		p.ask(t.Context(), key, about(1), func(context.Context) rollout.Answer {
			time.Sleep(3 * time.Second)
			return rollout.Answer{Verdict: rollout.Pass, Findings: []rollout.Finding{{Name: "gate"}}}
		})
		synctest.Wait()
		if _, _, ok := p.answer(key, about(1), interval); ok || len(w.all()) > 0 {
			t.Fatal("there is an answer before the probe ended")
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		came := time.Now()
		if got := w.all(); !slices.Equal(got, []string{"podinfo"}) {
			t.Errorf("the answer woke %q", got)
		}
		time.Sleep(interval - 1)
		answer, until, ok := p.answer(key, about(1), interval)
		if !ok || answer.Verdict != rollout.Pass || len(answer.Findings) != 1 {
			t.Errorf("just before its end the answer is %+v, holds: %t", answer, ok)
		}
		if !until.Equal(came.Add(interval)) {
			t.Errorf("the answer holds until %v, want %v", until, came.Add(interval))
		}
		time.Sleep(time.Nanosecond)
		if _, _, ok := p.answer(key, about(1), interval); ok {
			t.Error("the answer holds for longer than it may")
		}
		if _, _, ok := p.answer(key, about(1), time.Minute); !ok {
			t.Error("an answer that may be a minute old does not hold after ten seconds")
		}
	})
}

func TestAnswerIsForItsQuestionOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(1, time.Now, newWoken().wake)
		asked := question{probe: rollout.Checks, revision: "a", step: 1, attempt: 1, since: time.Now()}
		p.ask(t.Context(), named("podinfo"), asked, passes)
		synctest.Wait()
		for reason, other := range map[string]question{
			"another probe":    {rollout.PreRollout, "a", 1, 1, asked.since},
			"another revision": {rollout.Checks, "b", 1, 1, asked.since},
			"another step":     {rollout.Checks, "a", 2, 1, asked.since},
			"another attempt":  {rollout.Checks, "a", 1, 2, asked.since},
			"a later entry":    {rollout.Checks, "a", 1, 1, asked.since.Add(1)},
		} {
			if _, _, ok := p.answer(named("podinfo"), other, interval); ok {
				t.Errorf("the answer was used for %s", reason)
			}
		}
		if _, _, ok := p.answer(named("other"), asked, interval); ok {
			t.Error("the answer was used for another Canary")
		}
		if _, _, ok := p.answer(named("podinfo"), asked, interval); !ok {
			t.Error("the answer was lost")
		}
	})
}

func TestQuestionUnderWayIsNotAskedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(4, time.Now, newWoken().wake)
		var asked atomic.Int32
		run := func(context.Context) rollout.Answer {
			asked.Add(1)
			time.Sleep(time.Second)
			return rollout.Answer{}
		}
		for range 3 {
			p.ask(t.Context(), named("podinfo"), about(1), run)
			synctest.Wait()
		}
		if got := asked.Load(); got != 1 {
			t.Errorf("the question was asked %d times while it was under way", got)
		}
		time.Sleep(time.Second + interval)
		p.ask(t.Context(), named("podinfo"), about(1), run)
		p.wait()
		if got := asked.Load(); got != 2 {
			t.Errorf("the question was asked %d times in all, want a second time after its answer", got)
		}
	})
}

func TestChangedQuestionGivesUpTheOlder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWoken()
		p := newPool(2, time.Now, w.wake)
		key := named("podinfo")
		p.ask(t.Context(), key, about(1), stubborn)
		synctest.Wait()
		p.ask(t.Context(), key, about(2), passes)
		synctest.Wait()
		if _, _, ok := p.answer(key, about(1), interval); ok {
			t.Error("the answer to the older question is used")
		}
		if answer, _, ok := p.answer(key, about(2), interval); !ok || answer.Verdict != rollout.Pass {
			t.Errorf("the answer to the newer question is %+v, there: %t", answer, ok)
		}
		if got := w.all(); len(got) != 1 {
			t.Errorf("woken %d times, want for the newer question only", len(got))
		}
		p.wait() // the older one has ended
	})
}

// An older asking that answers late, although it was given up, must not
// replace the newer one, whichever ends first.
func TestLateAnswerIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWoken()
		p := newPool(2, time.Now, w.wake)
		key := named("podinfo")
		p.ask(t.Context(), key, about(1), func(context.Context) rollout.Answer {
			time.Sleep(time.Minute) // deaf to its context
			return rollout.Answer{Verdict: rollout.Fail}
		})
		synctest.Wait()
		p.ask(t.Context(), key, about(2), passes)
		p.wait()
		if answer, _, ok := p.answer(key, about(2), 2*time.Minute); !ok || answer.Verdict != rollout.Pass {
			t.Errorf("the answer is %+v, there: %t", answer, ok)
		}
		if got := w.all(); len(got) != 1 {
			t.Errorf("woken %d times, want once", len(got))
		}
	})
}

func TestSlotsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWoken()
		p := newPool(2, time.Now, w.wake)
		var now, most atomic.Int32
		names := []string{"a", "b", "c", "d", "e"}
		for _, name := range names {
			p.ask(t.Context(), named(name), about(1), func(context.Context) rollout.Answer {
				most.Store(max(most.Load(), now.Add(1)))
				time.Sleep(time.Second)
				now.Add(-1)
				return rollout.Answer{}
			})
		}
		synctest.Wait()
		if got := now.Load(); got != 2 {
			t.Errorf("%d probes are under way, want 2", got)
		}
		p.wait()
		if got := most.Load(); got != 2 {
			t.Errorf("%d probes were under way at once, want 2", got)
		}
		got := w.all()
		slices.Sort(got)
		if !slices.Equal(got, names) {
			t.Errorf("woken: %q, want each of %q once", got, names)
		}
	})
}

// A receiver that blocks, or a worker that is slow to listen, must not keep the
// others from answering: the caller of wake holds no lock.
func TestWakeFindsTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p *pool
		seen := make(chan bool, 1)
		p = newPool(1, time.Now, func(key types.NamespacedName) {
			_, _, ok := p.answer(key, about(1), interval)
			seen <- ok
		})
		p.ask(t.Context(), named("podinfo"), about(1), passes)
		if !<-seen {
			t.Error("woken before the answer could be read")
		}
	})
}

func TestKeepGivesUpTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWoken()
		p := newPool(8, time.Now, w.wake)
		key := named("podinfo")
		rollback := question{probe: rollout.RollbackHook}
		ended := make(chan string, 3)
		until := func(name string) func(context.Context) rollout.Answer {
			return func(ctx context.Context) rollout.Answer {
				<-ctx.Done()
				ended <- name
				return rollout.Answer{}
			}
		}
		p.ask(t.Context(), key, about(1), until("checks"))
		p.ask(t.Context(), key, rollback, until("rollback"))
		p.ask(t.Context(), named("other"), about(1), until("other"))
		synctest.Wait()
		p.keep(key, map[rollout.Probe]bool{rollout.RollbackHook: true})
		synctest.Wait()
		if len(ended) != 1 || <-ended != "checks" {
			t.Error("want only the checks to be given up")
		}
		p.keep(key, nil)
		synctest.Wait()
		if len(ended) != 1 || <-ended != "rollback" {
			t.Error("want the rollback hook to be given up, and nothing of the other Canary")
		}
		p.keep(named("other"), nil)
		p.wait()
		if got := w.all(); len(got) > 0 {
			t.Errorf("what was given up has woken %q", got)
		}
		if len(p.entries) > 0 {
			t.Errorf("the pool still remembers %v", p.entries)
		}
	})
}

func TestWaitingForASlotCanBeGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(1, time.Now, newWoken().wake)
		p.ask(t.Context(), named("first"), about(1), stubborn)
		synctest.Wait()
		p.ask(t.Context(), named("second"), about(1), func(context.Context) rollout.Answer {
			t.Error("the second probe ran without a slot")
			return rollout.Answer{}
		})
		synctest.Wait()
		p.keep(named("second"), nil)
		synctest.Wait()
		p.keep(named("first"), nil)
		p.wait()
	})
}

func TestWaitReturnsAfterTheContextEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWoken()
		p := newPool(1, time.Now, w.wake)
		ctx, cancel := context.WithCancel(t.Context())
		for _, name := range []string{"under way", "waiting"} {
			p.ask(ctx, named(name), about(1), stubborn)
		}
		synctest.Wait()
		cancel()
		p.wait()
		if got := w.all(); len(got) > 0 {
			t.Errorf("the end of the process has woken %q", got)
		}
	})
}

// A probe that panics is an answer that is not known, and says why.
func TestProbeThatPanicsHurtsNobody(t *testing.T) {
	answer := guarded(t.Context(), func(context.Context) rollout.Answer { panic("index out of range") })
	if answer.Verdict != rollout.Unknown || len(answer.Findings) != 1 || !strings.Contains(answer.Findings[0].Err, "index out of range") {
		t.Errorf("the answer is %+v", answer)
	}
}
