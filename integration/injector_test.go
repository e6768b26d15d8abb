package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
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

// A script says what goes wrong. All parts may be nil.
type script struct {
	name string

	// dies reports whether the operator dies behind its n-th write, from 1.
	dies func(n int) bool

	// faults are what requests meet, in turn. A write meets one each time it is made
	// and succeeds when it is repeated; a read meets one the first time.
	faults []fault

	// loses reports whether the operator that has just written this phase into status
	// is cut off from the API server, while another one waits for its lease.
	loses func(phase string) bool

	// robs takes the lease from one that was cut off, and lets it come back when the
	// next one has written something: it may believe for a while that it leads.
	robs bool
}

// injector stands between the operators of one world, one after the other, and the
// API server.
type injector struct {
	script script
	rob    func() error // takes the lease from whoever has it

	mu     sync.Mutex
	writes int            // that the server has done
	tried  map[string]int // times that a kind of request was made
	met    int            // faults so far
	log    []string       // what went wrong, in order
	away   *operator      // cut off, and comes back
	late   *operator      // back, and has not noticed yet that it lost its lease
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

// loses reports whether the operator is cut off behind a request. Another one that is
// back from that may end first: it would have the lease again before it knows that it
// had lost it, and nobody takes a lease twice within seconds.
func (i *injector) loses(o *operator, req *http.Request) bool {
	if i.script.loses == nil || req.Method != http.MethodPatch || !strings.HasSuffix(req.URL.Path, "/canaries/podinfo/status") {
		return false
	}
	i.mu.Lock()
	late := i.late
	loses := late != o && i.script.loses(phaseIn(req))
	i.mu.Unlock()
	if loses && late != nil {
		select {
		case <-late.over.Done():
		case <-o.over.Done():
		}
	}
	return loses
}

// wrote counts a write and does to the operator what it means for it.
func (i *injector) wrote(o *operator, req *http.Request, loses bool) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.writes++
	if i.away != nil && i.away != o {
		i.away.join()
		i.away, i.late = nil, i.away
	}
	if i.script.dies != nil && i.script.dies(i.writes) {
		i.log = append(i.log, fmt.Sprintf("death behind write %d: %s %s", i.writes, req.Method, req.URL.Path))
		o.end()
		return errCut
	}
	if !loses {
		return nil
	}
	i.log = append(i.log, fmt.Sprintf("loss behind write %d: %s in phase %s", i.writes, req.URL.Path, phaseIn(req)))
	o.leave()
	if i.script.robs {
		i.away = o
		return errors.Join(errAway, i.rob())
	}
	return errAway
}

// phaseIn reads the phase that a request writes.
func phaseIn(req *http.Request) string {
	body, err := req.GetBody()
	if err != nil {
		return err.Error()
	}
	var patch []struct {
		Path  string
		Value json.RawMessage
	}
	if err := errors.Join(json.NewDecoder(body).Decode(&patch), body.Close()); err != nil {
		return err.Error()
	}
	var status struct{ Phase string }
	for _, change := range patch {
		if change.Path != "/status" {
			continue
		}
		if err := json.Unmarshal(change.Value, &status); err != nil {
			return err.Error()
		}
	}
	return status.Phase
}

func (i *injector) told() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]string{fmt.Sprintf("%d writes", i.writes)}, i.log...)
}

// An operator is one process, as the API server sees it. When its life is over,
// everything that is under way is cut, and nothing goes through any more; when it is
// cut off, the same, until it joins again.
type operator struct {
	*injector
	over context.Context
	end  context.CancelFunc

	mu   sync.Mutex
	line context.Context
	hang context.CancelFunc
}

// join connects the operator to the API server.
func (o *operator) join() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.line, o.hang = context.WithCancel(o.over)
}

// leave cuts it off.
func (o *operator) leave() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hang()
}

func (o *operator) connection() context.Context {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.line
}

// A life is the way of one client of an operator to the API server.
type life struct {
	*operator
	next http.RoundTripper
}

var (
	errCut  = errors.New("the operator is dead")
	errLost = fmt.Errorf("no answer came, arranged by the test: %w", context.DeadlineExceeded)
	errAway = errors.New("connect: connection refused by the test")
)

// RoundTrip implements http.RoundTripper.
func (l *life) RoundTrip(req *http.Request) (*http.Response, error) {
	line := l.connection()
	switch {
	case l.over.Err() != nil:
		return nil, abandon(req, errCut)
	case line.Err() != nil:
		return nil, abandon(req, errAway)
	case strings.Contains(req.URL.Path, leases+"/"):
		return l.next.RoundTrip(req)
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
	loses := l.loses(l.operator, req)
	resp, err := l.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if req.Method != http.MethodGet && resp.StatusCode < http.StatusMultipleChoices {
		if err := l.wrote(l.operator, req, loses); err != nil {
			return nil, errors.Join(err, resp.Body.Close())
		}
	}
	switch {
	case f == lost:
		return nil, errors.Join(errLost, resp.Body.Close())
	case watches(req):
		resp.Body = newStream(line, resp.Body, f == dropped)
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
