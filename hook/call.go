package hook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/serinhq/serin/rollout"
)

// A Caller calls hooks over shared connections. The controller owns one.
type Caller struct {
	verified, unverified *http.Client
}

// NewCaller returns a caller that honours the proxy environment, for hooks
// with disableTLS too (the reference does not there).
func NewCaller() *Caller {
	return &Caller{verified: newClient(&tls.Config{}), unverified: newClient(&tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // the user asked for it with disableTLS
	})}
}

func newClient(config *tls.Config) *http.Client {
	return &http.Client{CheckRedirect: keepMethod, Transport: &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		TLSClientConfig:   config,
		ForceAttemptHTTP2: true,
		IdleConnTimeout:   90 * time.Second,
	}}
}

// keepMethod follows a redirect that keeps the request as it is (307, 308). The
// others become a GET without a body, which a receiver that never looked at the
// payload may well answer with 200; the reference takes that for a yes.
func keepMethod(req *http.Request, via []*http.Request) error {
	switch {
	case req.Method != http.MethodPost:
		return http.ErrUseLastResponse
	case len(via) >= 10:
		return errRedirects
	}
	return nil
}

var errRedirects = errors.New("stopped after 10 redirects")

// Close ends idle connections.
func (c *Caller) Close() {
	c.verified.CloseIdleConnections()
	c.unverified.CloseIdleConnections()
}

// Call posts a payload to a hook until there is an answer that stands, at most
// 1 + Retries times. Every 2xx is a Pass; the reference takes only 200, 201 and
// 202, so that the common 204 No Content fails without a reason. All else is a
// Fail, and Err says why: the body of the last answer in its own words or,
// without one, its status.
//
// Value is the status of the last answer. It is 0 if there was none: then the
// hook did not refuse, it could not be asked. That is a Fail as well, with an
// Err of the form "POST <url> giving up after <n> attempt(s): <cause>".
//
// The verdict is Unknown only if ctx was cancelled, which ends the call at
// once. Err never holds the userinfo of the URL.
func (c *Caller) Call(ctx context.Context, hook Hook, payload Payload) rollout.Finding {
	finding := rollout.Finding{Source: rollout.FromHook, Name: hook.Name, Verdict: rollout.Fail}
	question, err := prepare(hook, payload)
	if err != nil {
		finding.Err = err.Error()
		return finding
	}
	last, attempts := c.ask(ctx, question)
	finding.Value = float64(last.status)
	switch {
	case last.passed():
		finding.Verdict = rollout.Pass
	case errors.Is(ctx.Err(), context.Canceled):
		finding.Verdict, finding.Err = rollout.Unknown, "the call was cancelled"
	case last.status == 0:
		finding.Err = fmt.Sprintf("POST %s giving up after %d attempt(s): %s", &question.address, attempts, last.reason)
	default:
		finding.Err = last.reason
	}
	return finding
}

// ask asks until an answer stands and returns the last one and their number.
func (c *Caller) ask(ctx context.Context, q question) (answer, int) {
	for attempt := 1; ; attempt++ {
		got := c.attempt(ctx, q)
		if !got.again || attempt > q.retries || !wait(ctx, got.pause(attempt)) {
			return got, attempt
		}
	}
}

// wait returns true after the pause, or false as soon as it is clear that ctx
// will have ended by then.
func wait(ctx context.Context, pause time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= pause {
		return false
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// attempt asks once.
func (c *Caller) attempt(ctx context.Context, q question) answer {
	limited, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodPost, q.address.String(), bytes.NewReader(q.body))
	if err != nil {
		return answer{reason: q.redact(err.Error())}
	}
	req.Header = q.header.Clone()
	client := c.verified
	if q.insecure {
		client = c.unverified
	}
	resp, err := client.Do(req)
	if err == nil {
		defer resp.Body.Close()
		return q.read(resp)
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // its own text repeats the URL
	}
	reason := err.Error()
	if ctx.Err() == nil && limited.Err() != nil {
		reason = fmt.Sprintf("no answer within %s", q.timeout)
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	return answer{reason: q.redact(reason), again: !untrusted && !errors.Is(err, errRedirects)}
}
