package hook

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	defaultTimeout = 10 * time.Second
	firstPause     = time.Second // after the first attempt; doubles from there
	longestPause   = 30 * time.Second
	bodyLimit      = 64 << 10 // bytes of an answer that are read
	reasonLimit    = 1 << 10  // bytes of an answer that are kept
	redacted       = "[redacted]"
)

// A question is a hook and its payload, ready to be sent any number of times.
type question struct {
	address  url.URL // without userinfo
	header   http.Header
	body     []byte
	timeout  time.Duration
	retries  int
	insecure bool
	secrets  *strings.Replacer // of what the userinfo holds
}

// prepare returns the question. The error names what is wrong with the URL.
func prepare(hook Hook, payload Payload) (question, error) {
	address, err := url.Parse(hook.URL)
	if err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
		shown := hook.URL
		if at := strings.LastIndexByte(shown, '@'); at >= 0 {
			shown = redacted + shown[at:]
		}
		return question{}, fmt.Errorf("url %q is not a valid http or https URL", shown)
	}
	body, err := json.Marshal(payload.with(hook.Metadata))
	if err != nil {
		return question{}, fmt.Errorf("encode payload: %w", err)
	}
	q := question{
		address:  *address,
		header:   http.Header{"Content-Type": {"application/json"}},
		body:     body,
		timeout:  hook.Timeout,
		retries:  hook.Retries,
		insecure: hook.Insecure,
		secrets:  strings.NewReplacer(),
	}
	if q.timeout <= 0 {
		q.timeout = defaultTimeout
	}
	if payload.ID != "" {
		q.header.Set("Idempotency-Key", payload.ID)
	}
	if user := address.User; user != nil {
		q.hide(user)
	}
	return q, nil
}

// hide moves credentials from the URL, which is shown, to a header, which is not.
func (q *question) hide(user *url.Userinfo) {
	password, ok := user.Password()
	plain := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
	q.header.Set("Authorization", "Basic "+plain)
	q.address.User = nil
	secret := password
	if !ok {
		secret = user.Username() // a token
	}
	pairs := []string{plain, redacted}
	if secret != "" {
		pairs = append(pairs, secret, redacted)
	}
	q.secrets = strings.NewReplacer(pairs...)
}

// userinfo finds credentials in the URLs of a text.
var userinfo = regexp.MustCompile(`://[^\s"]*@`)

// redact takes credentials out of the text of an error.
func (q *question) redact(text string) string {
	return q.secrets.Replace(userinfo.ReplaceAllString(text, "://"+redacted+"@"))
}

// An answer is what came of one attempt.
type answer struct {
	status int           // of HTTP; 0 if there was no answer
	reason string        // why this is no yes
	again  bool          // another attempt may end otherwise
	after  time.Duration // not sooner than this, by the receiver's wish
	wished bool          // after was given
}

func (a answer) passed() bool { return a.status >= 200 && a.status <= 299 }

// pause returns how long to wait after the given attempt, counted from 1.
func (a answer) pause(attempt int) time.Duration {
	if a.wished {
		return a.after
	}
	pause := firstPause
	for range attempt - 1 {
		pause = min(2*pause, longestPause)
	}
	return pause
}

// read returns the answer in a response. The body of every status is kept: it
// is where the load tester puts the output of a failed command.
func (q *question) read(resp *http.Response) answer {
	body, err := io.ReadAll(io.LimitReader(resp.Body, bodyLimit))
	reason := strings.TrimSpace(q.secrets.Replace(string(body)))
	if err != nil {
		// It is an answer nevertheless: the status has been said.
		reason = strings.TrimSpace(reason + " (the answer broke off: " + err.Error() + ")")
	}
	got := answer{status: resp.StatusCode, reason: shorten(reason)}
	switch code := resp.StatusCode; {
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		got.again = true
		got.after, got.wished = retryAfter(resp.Header.Get("Retry-After"))
	case code >= 500 && code != http.StatusNotImplemented:
		got.again = true
	case code >= 300 && code <= 399 && resp.Header.Get("Location") != "":
		got.reason = fmt.Sprintf("%s: redirects to %s, which is not followed because the payload would be lost; use the final url",
			status(code), destination(resp))
	}
	if got.reason == "" {
		got.reason = status(resp.StatusCode)
	}
	return got
}

// status returns a code with its meaning.
func status(code int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code)))
}

// shorten returns text fit for an event.
func shorten(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= reasonLimit {
		return text
	}
	return strings.ToValidUTF8(text[:reasonLimit], "") + "…" // the cut may have split a letter
}

// destination returns where a redirect leads, without what may be secret.
func destination(resp *http.Response) string {
	to, err := resp.Location()
	if err != nil {
		return "nowhere"
	}
	shown := url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}
	return shown.String()
}

// retryAfter reads the header of that name: seconds or a date.
func retryAfter(text string) (time.Duration, bool) {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	return time.Until(date), true
}
