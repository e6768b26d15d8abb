package traffic

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Remembered is how many of the last seconds a load can tell of.
const Remembered = 120

// Load is a running load. Its methods may be called from anywhere.
type Load struct {
	config Config
	client *http.Client
	began  time.Time
	slots  chan struct{}
	stop   context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	span    *Span
	before  []*Span // those that have ended
	seconds [Remembered]second
}

// A second holds what happened in one second since the load began, by the time at
// which it happened.
type second struct {
	number int64
	tally  Tally
}

// A Span holds what became of the requests that were sent between two marks, whenever
// they were answered.
type Span struct {
	load  *Load
	from  time.Time
	to    time.Time // zero while it is the current one
	tally Tally
}

// Start begins a load. It ends when ctx ends, on Stop, or after Config.Longest.
func Start(ctx context.Context, config Config) (*Load, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	dispatching, stop := context.WithTimeout(ctx, config.Longest)
	l := &Load{
		config: config,
		client: newClient(config),
		began:  time.Now(),
		slots:  make(chan struct{}, config.InFlight),
		stop:   stop,
		done:   make(chan struct{}),
	}
	l.span = &Span{load: l, from: l.began}
	go l.dispatch(dispatching, ctx)
	return l, nil
}

// newClient keeps as many connections as requests may be under way. An idle one is
// given up long before a gateway would (Envoy: 60 s), so that closing it never meets a
// request that was just written to it.
func newClient(config Config) *http.Client {
	const idle = 10 * time.Second
	through := config.Through
	if through == nil {
		through = &http.Transport{
			DialContext:         config.Dial,
			DisableKeepAlives:   config.Fresh,
			MaxIdleConns:        config.InFlight,
			MaxIdleConnsPerHost: config.InFlight,
			MaxConnsPerHost:     config.InFlight,
			IdleConnTimeout:     idle,
			DisableCompression:  true,
		}
	}
	return &http.Client{
		Timeout:       config.Timeout,
		Transport:     through,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// dispatch begins each request when it is due, until the first context ends, and then
// waits for those under way, which only the second one cuts short.
func (l *Load) dispatch(ctx, requests context.Context) {
	defer close(l.done)
	defer l.client.CloseIdleConnections()
	var underWay sync.WaitGroup
	defer underWay.Wait()
	defer l.stop()
	// Finer than the distance of two requests at the highest rates would only cost CPU.
	const pace = 2 * time.Millisecond
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	gap := time.Second / time.Duration(l.config.Rate)
	for due := l.began; ; {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			for ; !due.After(now); due = due.Add(gap) {
				l.begin(requests, due, &underWay)
			}
		}
	}
}

func (l *Load) begin(ctx context.Context, due time.Time, underWay *sync.WaitGroup) {
	select {
	case l.slots <- struct{}{}:
	default:
		l.note(due, func(t *Tally) { t.Unsent++ })
		return
	}
	span := l.note(due, func(t *Tally) { t.Sent++ })
	underWay.Go(func() {
		defer func() { <-l.slots }()
		if result, ok := l.ask(ctx, due); ok {
			l.settle(span, result)
		}
	})
}

// note changes the current span and the second of the given time.
func (l *Load) note(at time.Time, change func(*Tally)) *Span {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.span.tally)
	change(l.secondOf(at))
	return l.span
}

func (l *Load) settle(span *Span, result outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	span.tally.count(result)
	l.secondOf(result.at).count(result)
}

// secondOf is called with the lock held.
func (l *Load) secondOf(at time.Time) *Tally {
	number := int64(at.Sub(l.began) / time.Second)
	s := &l.seconds[number%Remembered]
	if s.number != number {
		*s = second{number: number}
	}
	return &s.tally
}

// Mark ends the current span and begins the next, which it returns: requests sent from
// now on belong to it.
func (l *Load) Mark() *Span {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.span.to = now
	l.before = append(l.before, l.span)
	l.span = &Span{load: l, from: now}
	return l.span
}

// Total is what is known by now of all requests of the load.
func (l *Load) Total() Tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := l.span.tally.clone()
	for _, span := range l.before {
		sum = sum.Plus(span.tally)
	}
	return sum
}

// Tally is what is known of the span's requests by now.
func (s *Span) Tally() Tally {
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	return s.tally.clone()
}

// Length is how long the span has lasted.
func (s *Span) Length() time.Duration {
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	if s.to.IsZero() {
		return time.Since(s.from)
	}
	return s.to.Sub(s.from)
}

// Recent is what happened in the given number of last whole seconds, at most
// Remembered minus one.
func (l *Load) Recent(seconds int) Tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := int64(time.Since(l.began) / time.Second)
	var sum Tally
	for number := max(now-int64(seconds), 0); number < now; number++ {
		if s := l.seconds[number%Remembered]; s.number == number {
			sum = sum.Plus(s.tally)
		}
	}
	return sum
}

// Stop sends nothing more and returns when all that was sent has come to an end, at
// most Config.Timeout later.
func (l *Load) Stop() {
	l.stop()
	<-l.done
}

// Done is closed when the load has ended and all its requests with it.
func (l *Load) Done() <-chan struct{} { return l.done }
