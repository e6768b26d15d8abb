package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/serinhq/serin/controller"
)

// A fault is what becomes of one request.
type fault string

// The faults. A conflict is only ever told to a write, and the last two only ever
// happen to a watch.
const (
	unharmed    fault = ""
	conflict    fault = "409"
	tooMany     fault = "429"
	broken      fault = "500"
	unreachable fault = "no connection"
	lost        fault = "no answer" // the server has done what was asked
	expired     fault = "410"
	dropped     fault = "a dropped watch"
)

// A script says what goes wrong. Both parts may be nil.
type script struct {
	name string

	// dies reports whether the operator dies behind its n-th write, from 1.
	dies func(n int) bool

	// faults are what requests meet, in turn. A write meets one each time it is made
	// and succeeds when it is repeated; a read meets one the first time.
	faults []fault
}

// injector stands between the operators of one world, one after the other, and the
// API server.
type injector struct {
	script script

	mu     sync.Mutex
	writes int            // that the server has done
	tried  map[string]int // times that a kind of request was made
	met    int            // faults so far
	log    []string       // what went wrong, in order
}

func newInjector(s script) *injector { return &injector{script: s, tried: map[string]int{}} }

// meet says what becomes of a request.
func (i *injector) meet(req *http.Request) fault {
	if len(i.script.faults) == 0 {
		return unharmed
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	key := req.Method + " " + req.URL.Path
	if watches(req) {
		key += " watch"
	}
	i.tried[key]++
	write := req.Method != http.MethodGet
	if write && i.tried[key]%2 == 0 || !write && i.tried[key] > 1 {
		return unharmed
	}
	f := suited(i.script.faults[i.met%len(i.script.faults)], req)
	i.met++
	i.log = append(i.log, string(f)+" to "+key)
	return f
}

// suited replaces a fault that cannot happen to a request.
func suited(f fault, req *http.Request) fault {
	read := req.Method == http.MethodGet
	switch {
	case watches(req) && (f == conflict || f == lost):
		return expired
	case watches(req):
		return f
	case f == expired, f == dropped, read && (f == conflict || f == lost):
		return unreachable
	}
	return f
}

func watches(req *http.Request) bool { return req.URL.Query().Get("watch") == "true" }

// wrote counts a write and reports whether the operator dies of it.
func (i *injector) wrote(req *http.Request) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.writes++
	if i.script.dies == nil || !i.script.dies(i.writes) {
		return false
	}
	i.log = append(i.log, fmt.Sprintf("death behind write %d: %s %s", i.writes, req.Method, req.URL.Path))
	return true
}

func (i *injector) told() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]string{fmt.Sprintf("%d writes", i.writes)}, i.log...)
}

// A life is one operator's way to the API server. When it ends, everything that is
// under way is cut, and nothing goes through any more.
type life struct {
	*injector
	next http.RoundTripper
	over context.Context
	end  context.CancelFunc
}

var (
	errCut  = errors.New("the operator is dead")
	errLost = fmt.Errorf("no answer came: %w", context.DeadlineExceeded)
	errAway = errors.New("connect: connection refused by the test")
)

// RoundTrip implements http.RoundTripper.
func (l *life) RoundTrip(req *http.Request) (*http.Response, error) {
	if l.over.Err() != nil {
		return nil, abandon(req, errCut)
	}
	f := l.meet(req)
	switch f {
	case unreachable:
		return nil, abandon(req, errAway)
	case conflict, tooMany, broken, expired:
		if err := abandon(req, nil); err != nil {
			return nil, err
		}
		return trouble(req, f), nil
	case unharmed, lost, dropped:
	}
	resp, err := l.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	dies := req.Method != http.MethodGet && resp.StatusCode < http.StatusMultipleChoices && l.wrote(req)
	switch {
	case dies:
		l.end()
		return nil, errors.Join(errCut, resp.Body.Close())
	case f == lost:
		return nil, errors.Join(errLost, resp.Body.Close())
	case watches(req):
		resp.Body = newStream(l.over, resp.Body, f == dropped)
	}
	return resp, nil
}

// abandon does with the body of a request what a transport must.
func abandon(req *http.Request, err error) error {
	if req.Body == nil {
		return err
	}
	return errors.Join(err, req.Body.Close())
}

// answers of an API server in trouble: code, reason.
var answers = map[fault]struct {
	code   int
	reason string
}{
	conflict: {http.StatusConflict, "Conflict"},
	tooMany:  {http.StatusTooManyRequests, "TooManyRequests"},
	broken:   {http.StatusInternalServerError, "InternalError"},
	expired:  {http.StatusGone, "Expired"},
}

func trouble(req *http.Request, f fault) *http.Response {
	a := answers[f]
	body := fmt.Appendf(nil, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"made up by the test","reason":%q,"code":%d}`, a.reason, a.code)
	resp := &http.Response{StatusCode: a.code, Status: fmt.Sprintf("%d %s", a.code, a.reason), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}
	if f == tooMany {
		resp.Header.Set("Retry-After", "0")
	}
	return resp
}

// stream is the body of a watch. It ends with the life of the operator, and one
// that is dropped a moment after its first news.
type stream struct {
	io.ReadCloser
	drop  bool
	reads int
	stop  func() bool
	cut   error // of the end
}

func newStream(over context.Context, body io.ReadCloser, drop bool) *stream {
	s := &stream{ReadCloser: body, drop: drop}
	s.stop = context.AfterFunc(over, func() { s.cut = body.Close() })
	return s
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	if s.reads++; s.drop && s.reads > 2 {
		return 0, errors.Join(io.ErrUnexpectedEOF, s.ReadCloser.Close())
	}
	return s.ReadCloser.Read(p)
}

// Close implements io.Closer.
func (s *stream) Close() error {
	s.stop()
	return s.ReadCloser.Close()
}

// haste is how many times faster than the machine's the clock of these tests goes:
// the shortest interval, ten seconds, then takes half a second.
const haste = 20

// supervise runs operators one after the other, as a kubelet does: one that died or
// gave up is followed by the next. Their clock hurries, and begins at the given time.
func (w *world) supervise(i *injector, start time.Time) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	began := time.Now()
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			w.live(ctx, i, func() time.Time { return start.Add(haste * time.Since(began)) })
		}
	})
	w.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	w.t.Cleanup(w.stop)
}

// live runs one operator until it dies.
func (w *world) live(ctx context.Context, i *injector, now func() time.Time) {
	l := &life{injector: i}
	l.over, l.end = context.WithCancel(ctx)
	defer l.end()
	options := w.options()
	options.Now, options.Pace = now, haste
	options.Config.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
		return &life{injector: i, next: next, over: l.over, end: l.end}
	}
	if err := controller.Run(l.over, options); err != nil && l.over.Err() == nil {
		options.Log.Warn("the operator gave up and is started again", "err", err)
	}
}
