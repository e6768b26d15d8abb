package hook

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serinhq/serin/rollout"
)

// reply is what a receiver does with one attempt.
type reply struct {
	status int    // 0 hangs up without an answer, -1 never answers
	body   string // of the answer
	after  string // Retry-After
}

func TestCallRetries(t *testing.T) {
	const hung = "POST http://hook.test giving up after "
	for _, c := range []struct {
		name    string
		hook    Hook
		replies []reply // the last one is repeated
		took    time.Duration
		asked   int
		want    rollout.Finding
	}{
		{
			name: "without retries there is one attempt", replies: []reply{{status: 500, body: "no"}},
			asked: 1, want: rollout.Finding{Verdict: rollout.Fail, Value: 500, Err: "no"},
		},
		{
			name: "one retry after one 500", hook: Hook{Retries: 1}, replies: []reply{{status: 500}, {status: 200}},
			asked: 2, took: time.Second, want: rollout.Finding{Verdict: rollout.Pass, Value: 200},
		},
		{
			name: "pauses double up to 30 s; the last body is kept", hook: Hook{Retries: 7}, replies: []reply{{status: 502, body: "first"}, {status: 500, body: "last"}},
			asked: 8, took: (1 + 2 + 4 + 8 + 16 + 30 + 30) * time.Second, want: rollout.Finding{Verdict: rollout.Fail, Value: 500, Err: "last"},
		},
		{
			name: "a refusal stands", hook: Hook{Retries: 3}, replies: []reply{{status: 403, body: "Forbidden"}},
			asked: 1, want: rollout.Finding{Verdict: rollout.Fail, Value: 403, Err: "Forbidden"},
		},
		{
			name: "501 will not change", hook: Hook{Retries: 3}, replies: []reply{{status: 501, body: "never"}},
			asked: 1, want: rollout.Finding{Verdict: rollout.Fail, Value: 501, Err: "never"},
		},
		{
			name: "429 is asked again", hook: Hook{Retries: 1}, replies: []reply{{status: 429}, {status: 204}},
			asked: 2, took: time.Second, want: rollout.Finding{Verdict: rollout.Pass, Value: 204},
		},
		{
			name: "Retry-After in seconds", hook: Hook{Retries: 1}, replies: []reply{{status: 429, after: "7"}, {status: 200}},
			asked: 2, took: 7 * time.Second, want: rollout.Finding{Verdict: rollout.Pass, Value: 200},
		},
		{
			// A bubble starts at midnight of 1 January 2000.
			name: "Retry-After as a date", hook: Hook{Retries: 1}, replies: []reply{{status: 503, after: "Sat, 01 Jan 2000 00:00:45 GMT"}, {status: 200}},
			asked: 2, took: 45 * time.Second, want: rollout.Finding{Verdict: rollout.Pass, Value: 200},
		},
		{
			name: "Retry-After in the past", hook: Hook{Retries: 1}, replies: []reply{{status: 503, after: "Fri, 31 Dec 1999 23:59:00 GMT"}, {status: 200}},
			asked: 2, want: rollout.Finding{Verdict: rollout.Pass, Value: 200},
		},
		{
			name: "Retry-After that says nothing", hook: Hook{Retries: 1}, replies: []reply{{status: 503, after: "soon"}, {status: 200}},
			asked: 2, took: time.Second, want: rollout.Finding{Verdict: rollout.Pass, Value: 200},
		},
		{
			name: "Retry-After means nothing with a 500", hook: Hook{Retries: 1}, replies: []reply{{status: 500, after: "60"}, {status: 200}},
			asked: 2, took: time.Second, want: rollout.Finding{Verdict: rollout.Pass, Value: 200},
		},
		{
			name: "the line is dead: no status, so it is no refusal", hook: Hook{Retries: 2}, replies: []reply{{}},
			asked: 3, took: 3 * time.Second, want: rollout.Finding{Verdict: rollout.Fail, Err: hung + "3 attempt(s): EOF"},
		},
		{
			name: "the line was dead once", hook: Hook{Retries: 2}, replies: []reply{{}, {status: 200}},
			asked: 2, took: time.Second, want: rollout.Finding{Verdict: rollout.Pass, Value: 200},
		},
		{
			name: "an attempt ends after 10 s", hook: Hook{Retries: 1}, replies: []reply{{status: -1}},
			asked: 2, took: 21 * time.Second, want: rollout.Finding{Verdict: rollout.Fail, Err: hung + "2 attempt(s): no answer within 10s"},
		},
		{
			name: "or when the hook says", hook: Hook{Timeout: 3 * time.Second}, replies: []reply{{status: -1}},
			asked: 1, took: 3 * time.Second, want: rollout.Finding{Verdict: rollout.Fail, Err: hung + "1 attempt(s): no answer within 3s"},
		},
		{
			name: "each attempt has the whole time", hook: Hook{Retries: 1, Timeout: 3 * time.Second}, replies: []reply{{status: -1}, {status: 200}},
			asked: 2, took: 4 * time.Second, want: rollout.Finding{Verdict: rollout.Pass, Value: 200},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int32
				caller := bubble(t, c.replies, &asked)
				c.hook.URL = "http://hook.test"
				start := time.Now()
				got := caller.Call(t.Context(), c.hook, Payload{})
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
				if took := time.Since(start); took != c.took || int(asked.Load()) != c.asked {
					t.Errorf("%d attempts in %s, want %d in %s", asked.Load(), took, c.asked, c.took)
				}
			})
		})
	}
}

func TestCallEndsWithContext(t *testing.T) {
	const cancelled = "the call was cancelled"
	for _, c := range []struct {
		name    string
		replies []reply
		end     func(context.Context) (context.Context, context.CancelFunc)
		took    time.Duration
		want    rollout.Finding
	}{
		{
			"cancelled during a pause", []reply{{status: 503, after: "3600"}}, cancelAfter(5 * time.Second),
			5 * time.Second, rollout.Finding{Verdict: rollout.Unknown, Value: 503, Err: cancelled},
		},
		{
			"cancelled during an attempt", []reply{{status: -1}}, cancelAfter(5 * time.Second),
			5 * time.Second, rollout.Finding{Verdict: rollout.Unknown, Err: cancelled},
		},
		{
			"cancelled before", []reply{{status: 200}}, cancelAfter(0),
			0, rollout.Finding{Verdict: rollout.Unknown, Err: cancelled},
		},
		{
			"no pause that is longer than the deadline", []reply{{status: 503, body: "busy", after: "3600"}}, deadlineAfter(time.Minute),
			0, rollout.Finding{Verdict: rollout.Fail, Value: 503, Err: "busy"},
		},
		{
			"the deadline in an attempt: the hook did not answer", []reply{{status: -1}}, deadlineAfter(4 * time.Second),
			4 * time.Second, rollout.Finding{Verdict: rollout.Fail, Err: "POST http://hook.test giving up after 1 attempt(s): context deadline exceeded"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int32
				caller := bubble(t, c.replies, &asked)
				ctx, cancel := c.end(t.Context())
				defer cancel()
				synctest.Wait() // for a cancellation that is due at once
				start := time.Now()
				got := caller.Call(ctx, Hook{URL: "http://hook.test", Retries: 5}, Payload{})
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
				if took := time.Since(start); took != c.took {
					t.Errorf("took %s, want %s", took, c.took)
				}
			})
		})
	}
}

func cancelAfter(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
	return func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(d, cancel)
		return ctx, cancel
	}
}

func deadlineAfter(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
	return func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, d)
	}
}

// bubble returns a caller whose every URL leads to a receiver with the given
// replies. They talk over pipes: time in a synctest bubble stands still while a
// socket is read.
func bubble(t *testing.T, replies []reply, asked *atomic.Int32) *Caller {
	line := &pipes{calls: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{ErrorLog: quiet(t), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := replies[min(int(asked.Add(1)), len(replies))-1]
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		switch now.status {
		case -1:
			<-r.Context().Done()
		case 0:
			panic(http.ErrAbortHandler)
		default:
			if now.after != "" {
				w.Header().Set("Retry-After", now.after)
			}
			w.WriteHeader(now.status)
			fmt.Fprint(w, now.body)
		}
	})}
	served := make(chan error)
	go func() { served <- server.Serve(line) }()
	caller := NewCaller()
	transport, ok := caller.verified.Transport.(*http.Transport)
	if !ok {
		t.Fatalf("transport is a %T", caller.verified.Transport)
	}
	transport.Proxy = nil
	transport.DialContext = line.dial
	t.Cleanup(func() {
		caller.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-served
	})
	return caller
}

// pipes is a network of one listener.
type pipes struct {
	calls  chan net.Conn
	closed chan struct{}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.calls <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case far := <-p.calls:
		return far, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "pipe"} }

// quiet returns a log for what servers say about connections that tests break.
func quiet(t *testing.T) *log.Logger { return log.New(t.Output(), "", 0) }
