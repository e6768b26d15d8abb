package traffic

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var releaseWord = regexp.MustCompile(`release (\S+)`)

func release(body []byte) string {
	if m := releaseWord.FindSubmatch(body); m != nil {
		return string(m[1])
	}
	return ""
}

// serve answers the nth request, counted from 0, with answer.
func serve(t *testing.T, answer func(n int64, w http.ResponseWriter)) string {
	t.Helper()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(asked.Add(1)-1, w)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func write(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	io.WriteString(w, body) //nolint:errcheck // the client counts what it got
}

// run sends n requests, waits for their ends and returns the tally of them.
func run(t *testing.T, config Config, n int) Tally {
	t.Helper()
	config.Release = release
	if config.Rate == 0 {
		config.Rate = 1000
	}
	if config.Longest == 0 {
		config.Longest = time.Minute
	}
	load, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	first := load.span
	within(t, 10*time.Second, fmt.Sprintf("%d requests", n), func() bool {
		tally := first.Tally()
		return tally.Sent+tally.Unsent >= n
	})
	load.Stop()
	return first.Tally()
}

func within(t *testing.T, limit time.Duration, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !so() {
		select {
		case <-ctx.Done():
			t.Fatalf("not within %s: %s", limit, what)
		case <-ticker.C:
		}
	}
}

func TestRequestsGoThroughWhatIsGiven(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		write(w, http.StatusOK, "release "+r.Proto)
	}))
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true) // and no other: the ordinary client is refused
	server.Config.Protocols = protocols
	server.Start()
	t.Cleanup(server.Close)
	tally := run(t, Config{URL: server.URL, Through: &http.Transport{Protocols: protocols}}, 20)
	if tally.Releases["HTTP/2.0"].Total != tally.Sent || tally.Failed() > 0 {
		t.Errorf("got %+v, want all answers by HTTP/2", tally)
	}
}

func TestAnswersGoToWhomTheyCameFrom(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(n int64, w http.ResponseWriter)
		check  func(Tally) bool
	}{
		"answers of releases are told apart": {
			func(n int64, w http.ResponseWriter) { write(w, 200, fmt.Sprintf("<p>release %d</p>", n%2)) },
			func(tally Tally) bool {
				return tally.Failed() == 0 && len(tally.Names()) == 2 && tally.Success() == 100 &&
					tally.Share("0</p>")+tally.Share("1</p>") == 100
			},
		},
		"a 500 of a release is its own error, not one of the way": {
			func(_ int64, w http.ResponseWriter) { write(w, 500, `no template "release 3"`) },
			func(tally Tally) bool {
				answers := tally.Releases[`3"`]
				return tally.Failed() == 0 && answers.Errors == answers.Total && answers.Total == tally.Sent && tally.Success() == 0
			},
		},
		"a 404 of a release is no error": {
			func(_ int64, w http.ResponseWriter) { write(w, 404, "release 3 has no such page") },
			func(tally Tally) bool { return tally.Releases["3"].Errors == 0 && tally.Success() == 100 },
		},
		"a 503 that no release wrote failed at the gateway": {
			func(_ int64, w http.ResponseWriter) { write(w, 503, "no healthy upstream") },
			func(tally Tally) bool {
				return tally.Gateway == tally.Sent && tally.Answered() == 0 && strings.HasSuffix(tally.Lost, "503: no healthy upstream")
			},
		},
		"so did a 200 that no release wrote": {
			func(_ int64, w http.ResponseWriter) { write(w, 200, "") },
			func(tally Tally) bool {
				return tally.Gateway == tally.Sent && strings.HasSuffix(tally.Lost, "(no body)")
			},
		},
		"an answer that breaks off is a lost connection": {
			func(_ int64, w http.ResponseWriter) {
				w.Header().Set("Content-Length", "100")
				write(w, 200, "release 2")
			},
			func(tally Tally) bool { return tally.Connection == tally.Sent && tally.Answered() == 0 },
		},
		"a redirect is not followed": {
			func(_ int64, w http.ResponseWriter) {
				w.Header().Set("Location", "/elsewhere")
				write(w, 302, "release 2")
			},
			func(tally Tally) bool { return tally.Releases["2"].Total == tally.Sent },
		},
	} {
		t.Run(name, func(t *testing.T) {
			tally := run(t, Config{URL: serve(t, c.answer)}, 50)
			if !c.check(tally) || tally.Answered()+tally.Failed() != tally.Sent {
				t.Errorf("got %+v", describe(tally))
			}
		})
	}
}

func describe(t Tally) string {
	var text strings.Builder
	fmt.Fprintf(&text, "sent %d unsent %d gateway %d connection %d (%s)", t.Sent, t.Unsent, t.Gateway, t.Connection, t.Lost)
	for _, name := range t.Names() {
		fmt.Fprintf(&text, "; %s: %d, %d errors", name, t.Releases[name].Total, t.Releases[name].Errors)
	}
	return text.String()
}

func TestNobodyListeningIsALostConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	listener.Close()
	tally := run(t, Config{URL: url}, 20)
	if tally.Connection != tally.Sent || !strings.Contains(tally.Lost, "refused") {
		t.Errorf("got %s", describe(tally))
	}
}

// The HTTP client hides a connection that broke before the first byte by asking again.
func TestABrokenConnectionIsNotHiddenByASecondTry(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1)%10 == 0 {
			panic(http.ErrAbortHandler)
		}
		write(w, 200, "release 1")
	}))
	t.Cleanup(server.Close)
	tally := run(t, Config{URL: server.URL, Rate: 500}, 100)
	if tally.Connection < 5 {
		t.Errorf("about every tenth connection was broken, got %s", describe(tally))
	}
}

func TestTooLateIsLost(t *testing.T) {
	held := make(chan struct{})
	url := serve(t, func(_ int64, w http.ResponseWriter) { <-held; write(w, 200, "release 1") })
	t.Cleanup(func() { close(held) }) // before the server is closed, which waits for its answers
	tally := run(t, Config{URL: url, Timeout: 50 * time.Millisecond}, 20)
	if tally.Connection != tally.Sent {
		t.Errorf("got %s", describe(tally))
	}
}

func TestRequestsUnderWayAreBounded(t *testing.T) {
	held := make(chan struct{})
	var under, most atomic.Int64
	url := serve(t, func(_ int64, w http.ResponseWriter) {
		most.Store(max(most.Load(), under.Add(1)))
		defer under.Add(-1)
		<-held
		write(w, 200, "release 1")
	})
	load, err := Start(t.Context(), Config{URL: url, Rate: 1000, InFlight: 7, Longest: time.Minute, Release: release})
	if err != nil {
		t.Fatal(err)
	}
	within(t, 10*time.Second, "100 requests that were not sent", func() bool { return load.span.Tally().Unsent >= 100 })
	close(held)
	load.Stop()
	if tally := load.span.Tally(); most.Load() > 7 || tally.Sent != tally.Answered() {
		t.Errorf("%d were under way at once, %s", most.Load(), describe(tally))
	}
}

func TestRateIsKeptWhateverTheServerDoes(t *testing.T) {
	// Each answer takes 200 ms: a client that waits for answers could not keep the pace.
	url := serve(t, func(_ int64, w http.ResponseWriter) {
		timer := time.NewTimer(200 * time.Millisecond)
		<-timer.C
		write(w, 200, "release 1")
	})
	const rate, length = 300, time.Second
	load, err := Start(t.Context(), Config{URL: url, Rate: rate, Longest: length, Release: release})
	if err != nil {
		t.Fatal(err)
	}
	<-load.Done() // ends by itself
	tally := load.span.Tally()
	if tally.Sent < rate*9/10 || tally.Sent > rate+1 {
		t.Errorf("%d requests in one second at %d/s", tally.Sent, rate)
	}
	latency := tally.Latency()
	if p50 := latency.Quantile(0.5); p50 < 200*time.Millisecond {
		t.Errorf("median is %s, the server takes 200ms", p50)
	}
	if tally.Answered() != tally.Sent {
		t.Errorf("the end of the load cut requests short: %s", describe(tally))
	}
}

func TestSpansHoldWhatWasSentInThem(t *testing.T) {
	// The answers of the first span arrive while the second one runs.
	held := make(chan struct{})
	url := serve(t, func(n int64, w http.ResponseWriter) {
		if n < 10 {
			<-held
			write(w, 200, "release old")
			return
		}
		write(w, 200, "release new")
	})
	load, err := Start(t.Context(), Config{URL: url, Rate: 500, Longest: time.Minute, Release: release})
	if err != nil {
		t.Fatal(err)
	}
	first := load.span
	within(t, 10*time.Second, "20 requests", func() bool { return first.Tally().Sent >= 20 })
	second := load.Mark()
	within(t, 10*time.Second, "20 more", func() bool { return second.Tally().Answered() >= 20 })
	close(held)
	load.Stop()
	if a, b := first.Tally(), second.Tally(); a.Releases["old"].Total != 10 || b.Releases["old"].Total != 0 {
		t.Errorf("first span: %s\nsecond span: %s", describe(a), describe(b))
	}
	if total := load.Total(); total.Releases["old"].Total != 10 || total.Sent != total.Answered() || total.Sent <= second.Tally().Sent {
		t.Errorf("all of the load: %s", describe(total))
	}
	if first.Length() <= 0 || first.to != second.from {
		t.Errorf("first span ends at %s, second begins at %s", first.to, second.from)
	}
}

func TestRecentTellsOfWholeSecondsOnly(t *testing.T) {
	url := serve(t, func(_ int64, w http.ResponseWriter) { write(w, 200, "release 1") })
	load, err := Start(t.Context(), Config{URL: url, Rate: 200, Longest: time.Minute, Release: release})
	if err != nil {
		t.Fatal(err)
	}
	if early := load.Recent(3); early.Sent != 0 {
		t.Errorf("the first second is not over: %s", describe(early))
	}
	within(t, 10*time.Second, "a whole second", func() bool { return load.Recent(1).Answered() > 0 })
	load.Stop()
	if got := load.Recent(1); got.Sent < 150 || got.Sent > 201 {
		t.Errorf("one second at 200/s: %s", describe(got))
	}
}

func TestEndedContextCountsNothingAsLost(t *testing.T) {
	held := make(chan struct{})
	url := serve(t, func(_ int64, _ http.ResponseWriter) { <-held })
	t.Cleanup(func() { close(held) }) // before the server is closed, which waits for its answers
	ctx, cancel := context.WithCancel(t.Context())
	load, err := Start(ctx, Config{URL: url, Rate: 500, Longest: time.Minute, Release: release})
	if err != nil {
		t.Fatal(err)
	}
	within(t, 10*time.Second, "20 requests", func() bool { return load.span.Tally().Sent >= 20 })
	cancel()
	<-load.Done()
	if tally := load.span.Tally(); tally.Failed() != 0 {
		t.Errorf("got %s", describe(tally))
	}
}

func TestHeadersAreSent(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		write(w, 200, "release "+r.Host+"/"+r.UserAgent())
	}))
	t.Cleanup(server.Close)
	config := Config{URL: server.URL, Longest: time.Second, Release: release,
		Header: http.Header{"Host": {"shop.example"}, "User-Agent": {"Mozilla/5.0"}}}
	got, err := Ask(t.Context(), config)
	if err != nil || got != "shop.example/Mozilla/5.0" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAskSaysWhatCameInstead(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"answer of the gateway": {404, "no route", "404: no route"},
		"error of a release":    {500, "release 3", "release 3 answered 500"},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, func(_ int64, w http.ResponseWriter) { write(w, c.status, c.body) })
			_, err := Ask(t.Context(), Config{URL: url, Longest: time.Second, Release: release})
			if err == nil || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("got %v, want ... %s", err, c.want)
			}
		})
	}
}

func TestConfigIsBounded(t *testing.T) {
	good := Config{URL: "http://127.0.0.1:1", Longest: time.Second, Release: release}
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no address":         {func(c *Config) { c.URL = "" }, "not http://host"},
		"other scheme":       {func(c *Config) { c.URL = "ftp://h" }, "not http://host"},
		"negative rate":      {func(c *Config) { c.Rate = -1 }, "rate of the load"},
		"excessive rate":     {func(c *Config) { c.Rate = 5001 }, "rate of the load"},
		"without an end":     {func(c *Config) { c.Longest = 0 }, "length of the load"},
		"end in a day":       {func(c *Config) { c.Longest = 24 * time.Hour }, "length of the load"},
		"too many at once":   {func(c *Config) { c.InFlight = 4097 }, "requests under way"},
		"negative timeout":   {func(c *Config) { c.Timeout = -1 }, "longest answer"},
		"blind for releases": {func(c *Config) { c.Release = nil }, "tell releases apart"},
	} {
		t.Run(name, func(t *testing.T) {
			config := good
			c.change(&config)
			_, err := Start(t.Context(), config)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want ...%s...", err, c.want)
			}
		})
	}
}

func TestConnections(t *testing.T) {
	for name, c := range map[string]struct {
		fresh bool
		check func(connections, requests int64) bool
	}{
		"are kept":                          {false, func(connections, requests int64) bool { return connections < requests/2 }},
		"are new for each request if asked": {true, func(connections, requests int64) bool { return connections == requests }},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, func(_ int64, w http.ResponseWriter) { write(w, 200, "release 1") })
			var made atomic.Int64
			dial := func(ctx context.Context, network, address string) (net.Conn, error) {
				if address != "nowhere.test:80" {
					return nil, fmt.Errorf("asked for %s", address)
				}
				made.Add(1)
				return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(server, "http://"))
			}
			tally := run(t, Config{URL: "http://nowhere.test", Dial: dial, Fresh: c.fresh, Rate: 200}, 50)
			if tally.Failed() > 0 || !c.check(made.Load(), int64(tally.Sent)) {
				t.Errorf("%d connections for %+v", made.Load(), describe(tally))
			}
		})
	}
}
