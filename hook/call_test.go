package hook

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serinhq/serin/rollout"
)

func newCaller(t *testing.T) *Caller {
	caller := NewCaller()
	t.Cleanup(caller.Close)
	return caller
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		if body != "" {
			fmt.Fprint(w, body)
		}
	}
}

func TestCallJudgesStatus(t *testing.T) {
	caller := newCaller(t)
	for _, c := range []struct {
		name    string
		status  int
		body    string
		verdict rollout.Verdict
		reason  string
	}{
		{"200 passes", 200, "OK", rollout.Pass, ""},
		{"201 passes", 201, "", rollout.Pass, ""},
		{"202 passes: the load tester's answer to a task", 202, "", rollout.Pass, ""},
		{"204 passes: the reference fails it without a reason", 204, "", rollout.Pass, ""},
		{"299 passes: all 2xx do", 299, "", rollout.Pass, ""},
		{"304 fails: neither an answer nor a redirect", 304, "", rollout.Fail, "304 Not Modified"},
		{"400 fails with the body word for word", 400, "unknown task type x", rollout.Fail, "unknown task type x"},
		{"403 is a closed gate", 403, "Forbidden", rollout.Fail, "Forbidden"},
		{"the end of line of http.Error is no word", 403, "Forbidden\n", rollout.Fail, "Forbidden"},
		{"without a body the status is the reason", 403, "", rollout.Fail, "403 Forbidden"},
		{"a blank body is none", 500, " \n", rollout.Fail, "500 Internal Server Error"},
		{"a status nobody knows", 599, "", rollout.Fail, "599"},
		{"500 keeps the output of the command that failed", 500, "command false failed: : exit status 1", rollout.Fail, "command false failed: : exit status 1"},
		{"501 fails", 501, "no", rollout.Fail, "no"},
		{"what is not text is made text", 400, "a\xffb", rollout.Fail, "a\uFFFDb"},
		{"a long body is cut", 400, strings.Repeat("x", 5000), rollout.Fail, strings.Repeat("x", 1024) + "…"},
		{"no letter is cut in half", 400, "x" + strings.Repeat("é", 600), rollout.Fail, "x" + strings.Repeat("é", 511) + "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serve(t, answering(c.status, c.body))
			got := caller.Call(t.Context(), Hook{Name: "gate", URL: server.URL}, Payload{})
			want := rollout.Finding{
				Source: rollout.FromHook, Name: "gate", Verdict: c.verdict, Value: float64(c.status), Err: c.reason,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// What a receiver gets, to the byte.
func TestCallSends(t *testing.T) {
	type received struct{ Method, Path, Type, Key, User, Body string }
	payload := Payload{Name: "podinfo", Namespace: "test", Phase: rollout.Progressing, Checksum: "85d557f47b"}
	at := time.UnixMilli(1700000000123)
	for _, c := range []struct {
		name    string
		hook    Hook
		payload Payload
		want    received
	}{
		{
			name:    "no metadata: the key is omitted",
			payload: payload,
			want:    received{Body: `{"name":"podinfo","namespace":"test","phase":"Progressing","checksum":"85d557f47b"}`},
		},
		{
			name:    "the hook's metadata, and the phase of a canary never looked at",
			hook:    Hook{Metadata: map[string]string{"type": "bash", "cmd": "curl -sd 'a' b"}},
			payload: Payload{Name: "podinfo", Namespace: "test"},
			want: received{Body: `{"name":"podinfo","namespace":"test","phase":"","checksum":"",` +
				`"metadata":{"cmd":"curl -sd 'a' b","type":"bash"}}`},
		},
		{
			name:    "an event: the user's metadata does not override it",
			hook:    Hook{Type: Event, Metadata: map[string]string{"cluster": "blue", "eventType": "mine", "timestamp": "0"}},
			payload: payload.ForEvent("Promotion completed!", "Normal", at),
			want: received{Body: `{"name":"podinfo","namespace":"test","phase":"Progressing","checksum":"85d557f47b",` +
				`"metadata":{"cluster":"blue","eventMessage":"Promotion completed!","eventType":"Normal","timestamp":"1700000000123"}}`},
		},
		{
			name:    "an id for receivers that drop repeats",
			payload: Payload{ID: "podinfo.test/7/pre-rollout"},
			want:    received{Key: "podinfo.test/7/pre-rollout", Body: `{"name":"","namespace":"","phase":"","checksum":""}`},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got received
			server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				got = received{r.Method, r.URL.Path, r.Header.Get("Content-Type"), r.Header.Get("Idempotency-Key"), r.Header.Get("Authorization"), string(body)}
			})
			c.hook.URL = server.URL + "/gate/check"
			if found := newCaller(t).Call(t.Context(), c.hook, c.payload); found.Verdict != rollout.Pass {
				t.Fatalf("verdict %v: %s", found.Verdict, found.Err)
			}
			c.want.Method, c.want.Path, c.want.Type = "POST", "/gate/check", "application/json"
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// Hooks and payloads are shared values; a call leaves them as they are.
func TestCallChangesNothing(t *testing.T) {
	server := serve(t, answering(200, ""))
	hook := Hook{URL: server.URL, Metadata: map[string]string{"a": "1"}}
	payload := Payload{Metadata: map[string]string{"a": "2", "b": "3"}}
	newCaller(t).Call(t.Context(), hook, payload.ForEvent("x", "Normal", time.Now()))
	if diff := cmp.Diff(map[string]string{"a": "1"}, hook.Metadata); diff != "" {
		t.Errorf("hook: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"a": "2", "b": "3"}, payload.Metadata); diff != "" {
		t.Errorf("payload: -want +got\n%s", diff)
	}
}

func TestCallRedirected(t *testing.T) {
	var got struct{ Method, Body string }
	home := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got.Method, got.Body = r.Method, string(body)
	})
	refused := func(status string) string {
		return status + ": redirects to " + home.URL + "/new, which is not followed because the payload would be lost; use the final url"
	}
	for _, c := range []struct {
		name   string
		status int
		method string // by which the new place was asked
		reason string
	}{
		{"301 would become a GET", 301, "", refused("301 Moved Permanently")},
		{"302 would become a GET", 302, "", refused("302 Found")},
		{"303 would become a GET", 303, "", refused("303 See Other")},
		{"307 keeps the POST", 307, "POST", ""},
		{"308 keeps the POST", 308, "POST", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got.Method, got.Body = "", ""
			to := strings.Replace(home.URL, "://", "://someone:secret@", 1) + "/new?token=secret"
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", to)
				w.WriteHeader(c.status)
			})
			found := newCaller(t).Call(t.Context(), Hook{URL: server.URL}, Payload{Name: "podinfo"})
			if found.Err != c.reason || (found.Verdict == rollout.Pass) != (c.reason == "") {
				t.Errorf("got %+v, want Err %q", found, c.reason)
			}
			if got.Method != c.method || strings.Contains(got.Body, "podinfo") != (c.method == "POST") {
				t.Errorf("the new place got %q with body %q, want %q", got.Method, got.Body, c.method)
			}
		})
	}
}

func TestCallRedirectedForEver(t *testing.T) {
	var calls atomic.Int32
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
	})
	found := newCaller(t).Call(t.Context(), Hook{URL: server.URL, Retries: 3}, Payload{})
	want := "POST " + server.URL + " giving up after 1 attempt(s): stopped after 10 redirects"
	if found.Err != want || found.Verdict != rollout.Fail || calls.Load() != 10 {
		t.Errorf("got %+v after %d calls, want Err %q", found, calls.Load(), want)
	}
}

func TestCallVerifiesCertificates(t *testing.T) {
	var calls atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	server.Config.ErrorLog = quiet(t)
	server.StartTLS()
	t.Cleanup(server.Close)
	caller := newCaller(t)

	found := caller.Call(t.Context(), Hook{URL: server.URL, Retries: 5}, Payload{})
	want := "POST " + server.URL + " giving up after 1 attempt(s): tls: failed to verify certificate: x509: certificate signed by unknown authority"
	if found.Err != want || found.Verdict != rollout.Fail || found.Value != 0 || calls.Load() != 0 {
		t.Errorf("self-signed: got %+v after %d calls, want Err %q", found, calls.Load(), want)
	}
	found = caller.Call(t.Context(), Hook{URL: server.URL, Insecure: true}, Payload{})
	if found.Verdict != rollout.Pass {
		t.Errorf("self-signed with disableTLS: got %+v", found)
	}
}

func TestCallHidesSecrets(t *testing.T) {
	closed := serve(t, nil)
	closed.Close()
	host := strings.TrimPrefix(closed.URL, "http://")
	echo := serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, ok := r.BasicAuth()
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "%t %s may not enter with %s (%s)", ok, user, password, r.Header.Get("Authorization"))
	})
	echoHost := strings.TrimPrefix(echo.URL, "http://")
	dial := "dial tcp " + host + ": connect: connection refused"
	for _, c := range []struct{ name, url, reason string }{
		{"nobody listens", "http://me:hunter2@" + host + "/x?y=z", "POST http://" + host + "/x?y=z giving up after 1 attempt(s): " + dial},
		{"the receiver repeats what it was sent", "http://me:hunter2@" + echoHost, "true me may not enter with [redacted] (Basic [redacted])"},
		{"a token for a user name", "http://hunter2@" + echoHost, "true [redacted] may not enter with  (Basic [redacted])"},
		{"no scheme", "me:hunter2@hook/x", `url "[redacted]@hook/x" is not a valid http or https URL`},
		{"another scheme", "ftp://me:hunter2@hook", `url "[redacted]@hook" is not a valid http or https URL`},
		{"malformed", "http://me:hunter2/%zz@hook:port", `url "[redacted]@hook:port" is not a valid http or https URL`},
		{"empty", "", `url "" is not a valid http or https URL`},
		{"no host", "http://", `url "http://" is not a valid http or https URL`},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := newCaller(t).Call(t.Context(), Hook{URL: c.url}, Payload{})
			if found.Verdict != rollout.Fail || found.Err != c.reason {
				t.Errorf("got %+v\nwant Err %q", found, c.reason)
			}
		})
	}
}

func TestCallAnswerBreaksOff(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		want   rollout.Finding
	}{
		{"a yes is a yes", 200, rollout.Finding{Verdict: rollout.Pass, Value: 200}},
		{"a no is a no", 403, rollout.Finding{Verdict: rollout.Fail, Value: 403, Err: "half (the answer broke off: unexpected EOF)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "100")
				w.WriteHeader(c.status)
				fmt.Fprint(w, "half")
			})
			got := newCaller(t).Call(t.Context(), Hook{URL: server.URL}, Payload{})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestCallReadsNoEndlessBody(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		for {
			if _, err := fmt.Fprint(w, strings.Repeat("y", 1000)); err != nil {
				return
			}
		}
	})
	start := time.Now()
	found := newCaller(t).Call(t.Context(), Hook{URL: server.URL}, Payload{})
	if want := strings.Repeat("y", reasonLimit) + "…"; found.Err != want || time.Since(start) > defaultTimeout/2 {
		t.Errorf("got %q after %s", found.Err, time.Since(start))
	}
}

// Connections are shared: hooks are called every few seconds.
func TestCallReusesConnections(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(answering(500, strings.Repeat("x", 3000)))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	caller := newCaller(t)
	for range 5 {
		caller.Call(t.Context(), Hook{URL: server.URL}, Payload{})
	}
	if got := connections.Load(); got != 1 {
		t.Errorf("5 calls made %d connections", got)
	}
}

// The proxy of the environment is read once in a process, so the calls are made
// in another one: this test again.
func TestCallHonoursProxy(t *testing.T) {
	if os.Getenv("HOOK_TEST_CHILD") != "" {
		caller := newCaller(t)
		for _, insecure := range []bool{false, true} {
			found := caller.Call(t.Context(), Hook{URL: "http://hook.example/gate", Insecure: insecure}, Payload{})
			if found.Err != "seen by the proxy" {
				t.Errorf("insecure %t: %+v", insecure, found)
			}
		}
		return
	}
	var asked atomic.Int32
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() == "http://hook.example/gate" {
			asked.Add(1)
		}
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, "seen by the proxy")
	})
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCallHonoursProxy$")
	child.Env = append(os.Environ(), "HOOK_TEST_CHILD=1", "HTTP_PROXY="+proxy.URL, "http_proxy="+proxy.URL, "NO_PROXY=", "no_proxy=")
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if asked.Load() != 2 {
		t.Errorf("the proxy was asked %d times, want 2", asked.Load())
	}
}

func TestCallCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			t.Error(err)
		}
		cancel()
		<-r.Context().Done()
	})
	found := newCaller(t).Call(ctx, Hook{URL: server.URL, Retries: 5}, Payload{})
	if found.Verdict != rollout.Unknown || found.Err != "the call was cancelled" {
		t.Errorf("got %+v", found)
	}
}
