package metric

import (
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPrometheusCredentials(t *testing.T) {
	secret := func(pairs ...string) map[string][]byte {
		data := map[string][]byte{}
		for i := 0; i < len(pairs); i += 2 {
			data[pairs[i]] = []byte(pairs[i+1])
		}
		return data
	}
	const meHunter2 = "Basic bWU6aHVudGVyMg=="
	for _, c := range []struct {
		name     string
		user     string // in the address
		settings Settings
		want     http.Header // of these names
		err      string
	}{
		{name: "nothing", want: http.Header{}},
		{name: "a token", settings: Settings{SecretName: "s", Secret: secret("token", "abc")}, want: http.Header{"Authorization": {"Bearer abc"}}},
		{name: "a token with the end of line of its file", settings: Settings{SecretName: "s", Secret: secret("token", "abc\n")}, want: http.Header{"Authorization": {"Bearer abc"}}},
		{name: "a token before a user name", settings: Settings{SecretName: "s", Secret: secret("token", "abc", "username", "me", "password", "x")}, want: http.Header{"Authorization": {"Bearer abc"}}},
		{name: "user name and password", settings: Settings{SecretName: "s", Secret: secret("username", "me", "password", "hunter2")}, want: http.Header{"Authorization": {meHunter2}}},
		{name: "userinfo of the address", user: "me:hunter2@", want: http.Header{"Authorization": {meHunter2}}},
		{name: "the secret before the address", user: "you:x@", settings: Settings{SecretName: "s", Secret: secret("username", "me", "password", "hunter2")}, want: http.Header{"Authorization": {meHunter2}}},
		{name: "a header before the address", user: "you:x@", settings: Settings{Headers: http.Header{"authorization": {"Custom y"}}}, want: http.Header{"Authorization": {"Custom y"}}},
		{name: "the secret before a header", settings: Settings{Headers: http.Header{"authorization": {"Custom y"}}, SecretName: "s", Secret: secret("token", "abc")}, want: http.Header{"Authorization": {"Bearer abc"}}},
		{name: "headers of any spelling, and more than one value", settings: Settings{Headers: http.Header{"x-scope-orgid": {"a", "b"}, "X-Scope-OrgID": {"c"}}}, want: http.Header{"X-Scope-Orgid": {"c", "a", "b"}}},
		{name: "no user name", settings: Settings{SecretName: "s", Secret: secret("password", "hunter2")}, err: "prometheus secret s has neither the key token nor username"},
		{name: "no password", settings: Settings{SecretName: "s", Secret: secret("username", "me")}, err: "prometheus secret s has the key username but not password"},
		{name: "an empty secret is not no secret", settings: Settings{SecretName: "s"}, err: "prometheus secret s has neither the key token nor username"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := http.Header{}
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				for _, name := range []string{"Authorization", "X-Scope-Orgid"} {
					if values := r.Header.Values(name); values != nil {
						got[name] = values
					}
				}
				fmt.Fprint(w, one)
			})
			c.settings.Address = strings.Replace(server.URL, "://", "://"+c.user, 1)
			clients := NewClients()
			t.Cleanup(clients.Close)
			source, err := clients.Backend("prometheus", c.settings)
			if err != nil || c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Fatalf("got error %v, want %q", err, c.err)
				}
				return
			}
			if err := source.Online(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestPrometheusHostHeader(t *testing.T) {
	var host string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { host = r.Host; fmt.Fprint(w, one) })
	source := open(t, Settings{Address: server.URL, Headers: http.Header{"Host": {"prometheus.internal"}}})
	if err := source.Online(t.Context()); err != nil || host != "prometheus.internal" {
		t.Errorf("host %q, error %v", host, err)
	}
}

// The header map belongs to a cached MetricTemplate which many canaries use at
// once. The reference added a credential to it with each query.
func TestPrometheusLeavesHeadersAlone(t *testing.T) {
	var most atomic.Int32
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), int32(len(r.Header.Values("Authorization")))))
		fmt.Fprint(w, one)
	})
	settings := Settings{
		Address: server.URL, Headers: map[string][]string{"X-Scope-OrgID": {"team"}},
		SecretName: "s", Secret: map[string][]byte{"token": []byte("abc")},
	}
	clients := NewClients()
	t.Cleanup(clients.Close)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			source, err := clients.Backend("prometheus", settings)
			if err != nil {
				t.Error(err)
				return
			}
			for range 5 {
				if err := source.Online(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if most.Load() != 1 {
		t.Errorf("up to %d Authorization headers, want 1", most.Load())
	}
	if diff := cmp.Diff(map[string][]string{"X-Scope-OrgID": {"team"}}, settings.Headers); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestPrometheusAddress(t *testing.T) {
	for _, c := range []struct{ name, address, want string }{
		{"empty", "", `prometheus address "" is not a valid URL`},
		{"no scheme", "prometheus:9090", `prometheus address "prometheus:9090" is not a valid URL`},
		{"another scheme", "unix:///run/p", `prometheus address "unix:///run/p" is not a valid URL`},
		{"no host", "http:///x", `prometheus address "http:///x" is not a valid URL`},
		{"a bad port", "http://prometheus:x", `prometheus address "http://prometheus:x" is not a valid URL`},
		{"userinfo is hidden", "http://me:hun/ter2@prometheus:x?token=hunter2", `prometheus address "[redacted]@prometheus:x" is not a valid URL`},
		{"userinfo with a question mark is hidden", "http://me:hun?ter2@prometheus:x", `prometheus address "[redacted]@prometheus:x" is not a valid URL`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewClients().Backend("prometheus", Settings{Address: c.address})
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestPrometheusHidesSecrets(t *testing.T) {
	echo := serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, "no entry: user=%s password=%s authorization=%s key=%s tenant=%s",
			user, password, r.Header.Get("Authorization"), r.Header.Get("X-Api-Key"), r.Header.Get("X-Scope-Orgid"))
	})
	closed := serve(t, nil)
	closed.Close()
	const begin = "error response: 401 Unauthorized: no entry: "
	with := func(server *httptest.Server, user string) string {
		return strings.Replace(server.URL, "://", "://"+user, 1)
	}
	for _, c := range []struct {
		name     string
		settings Settings
		want     string
	}{
		{
			"a token, sent trimmed", Settings{Address: echo.URL, SecretName: "s", Secret: map[string][]byte{"token": []byte("hunter2\n")}},
			begin + "user= password= authorization=Bearer [redacted] key= tenant=",
		},
		{
			"a password", Settings{Address: echo.URL, SecretName: "s", Secret: map[string][]byte{"username": []byte("me"), "password": []byte("hunter2")}},
			begin + "user=me password=[redacted] authorization=Basic [redacted] key= tenant=",
		},
		{
			"userinfo", Settings{Address: with(echo, "me:hunter2@")},
			begin + "user=me password=[redacted] authorization=Basic [redacted] key= tenant=",
		},
		{
			"userinfo that is a token", Settings{Address: with(echo, "hunter2@")},
			begin + "user=[redacted] password= authorization=Basic [redacted] key= tenant=",
		},
		{
			"headers, but for those too short to be secret", Settings{Address: echo.URL, Headers: http.Header{"X-Api-Key": {"hunter2-hunter2"}, "X-Scope-OrgID": {"7"}}},
			begin + "user= password= authorization= key=[redacted] tenant=7",
		},
		{
			"one secret that begins with another", Settings{
				Address: with(echo, "me:hunter2@"), Headers: http.Header{"X-Api-Key": {"hunter2-and-more"}},
			},
			begin + "user=me password=[redacted] authorization=Basic [redacted] key=[redacted] tenant=",
		},
		{
			"userinfo where nobody listens", Settings{Address: with(closed, "me:hunter2@") + "/x?token=hunter2"},
			"request failed: GET " + closed.URL + "/x/api/v1/query: dial tcp " + strings.TrimPrefix(closed.URL, "http://") + ": connect: connection refused",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := open(t, c.settings).Online(t.Context())
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// A secret must not come into view because its other half was cut off.
func TestPrometheusHidesSecretsAtTheCut(t *testing.T) {
	for offset := range 24 {
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, strings.Repeat("x", textLimit-60+offset), r.Header.Get("Authorization"), strings.Repeat("y", 50))
		})
		err := open(t, Settings{Address: server.URL, SecretName: "s", Secret: map[string][]byte{"token": []byte("hunter2")}}).Online(t.Context())
		if err == nil || strings.Contains(err.Error(), "hun") {
			t.Errorf("offset %d: %v", offset, err)
		}
	}
}

func TestPrometheusVerifiesCertificates(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, one) }))
	server.Config.ErrorLog = quiet(t)
	server.StartTLS()
	t.Cleanup(server.Close)
	err := open(t, Settings{Address: server.URL}).Online(t.Context())
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "certificate signed by unknown authority") {
		t.Errorf("self-signed: %v", err)
	}
	if err := open(t, Settings{Address: server.URL, Insecure: true}).Online(t.Context()); err != nil {
		t.Errorf("self-signed with insecureSkipVerify: %v", err)
	}
}

func TestPrometheusRedirects(t *testing.T) {
	var leaked, followed atomic.Int32
	elsewhere := serve(t, func(w http.ResponseWriter, _ *http.Request) { leaked.Add(1); fmt.Fprint(w, one) })
	away := strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/home/api/v1/query":
			http.Redirect(w, r, "/prometheus/api/v1/query?"+r.URL.RawQuery, http.StatusFound)
		case "/away/api/v1/query":
			http.Redirect(w, r, strings.Replace(away, "://", "://me:hunter2@", 1)+"/?token=hunter2", http.StatusFound)
		case "/loop/api/v1/query":
			http.Redirect(w, r, r.URL.String(), http.StatusFound)
		default:
			if r.Header.Get("X-Api-Key") == "hunter2" && r.URL.Query().Get("query") == "vector(1)" {
				followed.Add(1)
			}
			fmt.Fprint(w, one)
		}
	})
	for _, c := range []struct{ name, path, want string }{
		{"within the host", "/home", ""},
		{"to another host, which must not see the headers", "/away", "redirected to " + away + ", which is not followed: use the final address"},
		{"for ever", "/loop", "stopped after 10 redirects"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := open(t, Settings{Address: server.URL + c.path, Headers: http.Header{"X-Api-Key": {"hunter2"}}}).Online(t.Context())
			if (err == nil) != (c.want == "") || err != nil && !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if leaked.Load() != 0 || followed.Load() != 1 {
		t.Errorf("leaked %d times, followed %d times, want 0 and 1", leaked.Load(), followed.Load())
	}
}

func TestPrometheusRefusesPlainText(t *testing.T) {
	var leaked atomic.Int32
	plain := serve(t, func(w http.ResponseWriter, _ *http.Request) { leaked.Add(1); fmt.Fprint(w, one) })
	server := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	t.Cleanup(server.Close)
	err := open(t, Settings{Address: server.URL, Insecure: true}).Online(t.Context())
	if err == nil || !strings.HasSuffix(err.Error(), "redirected to "+plain.URL+", which is not followed: use the final address") || leaked.Load() != 0 {
		t.Errorf("got %v, and %d requests in plain text", err, leaked.Load())
	}
}

// Sources are built for each check; their connections must outlive them.
func TestClientsShareConnections(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, one) }))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	clients := NewClients()
	t.Cleanup(clients.Close)
	for range 5 {
		source, err := clients.Backend("prometheus", Settings{Address: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		if err := source.Online(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := connections.Load(); got != 1 {
		t.Errorf("5 sources made %d connections", got)
	}
}

// quiet returns a log for what servers say about connections that tests break.
func quiet(t *testing.T) *log.Logger { return log.New(t.Output(), "", 0) }

// The error of a malformed HTTPS_PROXY repeats it, credentials included.
func TestFailureHidesSecretsOfOthers(t *testing.T) {
	err := failure(strings.NewReplacer(), nil, `invalid proxy address "http://me:hunter2@proxy:port"`)
	if want := `invalid proxy address "http://[redacted]@proxy:port"`; err.Error() != want {
		t.Errorf("got %s, want %s", err, want)
	}
}
