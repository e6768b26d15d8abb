package metric

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func serve(t testing.TB, handler http.HandlerFunc) *httptest.Server {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// open returns a Prometheus source.
func open(t testing.TB, settings Settings) Source {
	clients := NewClients()
	t.Cleanup(clients.Close)
	source, err := clients.Backend("prometheus", settings)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

const one = `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1545905245.458,"1"]}]}}`

// vector returns an answer with one series for each value.
func vector(values ...string) string {
	var series []string
	for i, value := range values {
		series = append(series, fmt.Sprintf(`{"metric":{"pod":"%d"},"value":[1545905245.458,%q]}`, i, value))
	}
	return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(series, ",") + `]}}`
}

func TestPrometheusAnswers(t *testing.T) {
	const ranges = "multiple values returned: the query returns ranges of samples; it must ask for one moment"
	type answered struct {
		samples     Samples
		noData      bool
		unavailable string // part of the text
	}
	for _, c := range []struct {
		name   string
		status int // 200 if zero
		body   string
		want   answered
	}{
		{name: "one series", body: vector("100"), want: answered{samples: Samples{100}}},
		{name: "all series are returned; the reference kept the last", body: vector("99.5", "12"), want: answered{samples: Samples{99.5, 12}}},
		{name: "NaN beside a number stays for the judge", body: vector("NaN", "2"), want: answered{samples: Samples{math.NaN(), 2}}},
		{name: "infinities are numbers", body: vector("+Inf", "-Inf"), want: answered{samples: Samples{math.Inf(1), math.Inf(-1)}}},
		{name: "a scalar; the reference could not read it", body: `{"status":"success","data":{"resultType":"scalar","result":[1,"0.5"]}}`, want: answered{samples: Samples{0.5}}},
		{name: "unknown keys are skipped", body: `{"status":"success","warnings":["w"],"data":{"resultType":"vector","stats":{},"result":[{"value":[1,"7"]}]}}`, want: answered{samples: Samples{7}}},

		{name: "no series", body: vector(), want: answered{noData: true}},
		{name: "NaN only: no requests divided by no requests", body: vector("NaN"), want: answered{noData: true}},
		{name: "a scalar NaN", body: `{"status":"success","data":{"resultType":"scalar","result":[1,"NaN"]}}`, want: answered{noData: true}},

		{name: "a matrix", body: `{"status":"success","data":{"resultType":"matrix","result":[{"values":[[1,"1"],[2,"2"]]}]}}`, want: answered{unavailable: ranges}},
		{name: "a matrix that calls itself a vector", body: `{"status":"success","data":{"resultType":"vector","result":[{"values":[[1,"1"]]}]}}`, want: answered{unavailable: ranges}},
		{name: "a native histogram", body: `{"status":"success","data":{"resultType":"vector","result":[{"histogram":[1,{"count":"3"}]}]}}`, want: answered{unavailable: "the query returns a histogram; take a number from it"}},
		{name: "a string", body: `{"status":"success","data":{"resultType":"string","result":[1,"a"]}}`, want: answered{unavailable: `the query returns a "string", not numbers`}},

		{
			name: "a bad query: the server's own words", status: 400,
			body: `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:5: parse error: unexpected <op:/>"}`,
			want: answered{unavailable: `error response: 400 Bad Request: bad_data: invalid parameter "query": 1:5: parse error: unexpected <op:/>`},
		},
		{name: "an error without a type", status: 422, body: `{"status":"error","error":"too many samples"}`, want: answered{unavailable: "error response: 422 Unprocessable Entity: too many samples"}},
		{name: "an error with 200 is not missing data", body: `{"status":"error","errorType":"timeout","error":"query timed out"}`, want: answered{unavailable: "error response: timeout: query timed out"}},
		{name: "a proxy speaks", status: 502, body: "<h1>bad gateway</h1>\n", want: answered{unavailable: "error response: 502 Bad Gateway: <h1>bad gateway</h1>"}},
		{name: "an error without a word", status: 503, want: answered{unavailable: "error response: 503 Service Unavailable: no reason given"}},
		{name: "a status that is no answer", status: 204, want: answered{unavailable: "error response: 204 No Content: no reason given"}},

		{name: "empty body", body: "", want: answered{unavailable: "parse answer: unexpected end of JSON input"}},
		{name: "not JSON", body: "<html>login</html>", want: answered{unavailable: "looking for beginning of value: <html>login</html>"}},
		{name: "cut off", body: one[:60], want: answered{unavailable: "unexpected end of JSON input"}},
		{name: "rubbish behind", body: one + "x", want: answered{unavailable: "after top-level value"}},
		{name: "null", body: "null", want: answered{unavailable: "error response: null"}},
		{name: "empty object", body: "{}", want: answered{unavailable: "error response: {}"}},
		{name: "an array", body: "[]", want: answered{unavailable: "cannot unmarshal array"}},
		{name: "no data", body: `{"status":"success"}`, want: answered{unavailable: `the query returns a ""`}},
		{name: "null data", body: `{"status":"success","data":null}`, want: answered{unavailable: `the query returns a ""`}},
		{name: "data of another type", body: `{"status":"success","data":[1]}`, want: answered{unavailable: "cannot unmarshal array"}},
		{name: "no result", body: `{"status":"success","data":{"resultType":"vector"}}`, want: answered{unavailable: "parse vector: unexpected end of JSON input"}},
		{name: "null result", body: `{"status":"success","data":{"resultType":"vector","result":null}}`, want: answered{noData: true}},
		{name: "result of another type", body: `{"status":"success","data":{"resultType":"vector","result":7}}`, want: answered{unavailable: "parse vector: "}},
		{name: "null series", body: `{"status":"success","data":{"resultType":"vector","result":[null]}}`, want: answered{unavailable: `sample "" is not a time and a value`}},
		{name: "no value; the reference crashed", body: `{"status":"success","data":{"resultType":"vector","result":[{"metric":{}}]}}`, want: answered{unavailable: `sample "" is not a time and a value`}},
		{name: "empty value; the reference crashed", body: `{"status":"success","data":{"resultType":"vector","result":[{"value":[]}]}}`, want: answered{unavailable: `sample "[]" is not a time and a value`}},
		{name: "time only", body: `{"status":"success","data":{"resultType":"vector","result":[{"value":[1]}]}}`, want: answered{unavailable: `sample "[1]" is not a time and a value`}},
		{name: "three parts", body: `{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"1","2"]}]}}`, want: answered{unavailable: "is not a time and a value"}},
		{name: "a value that is no string", body: `{"status":"success","data":{"resultType":"vector","result":[{"value":[1,2]}]}}`, want: answered{unavailable: `the value of sample "[1,2]" is not a string`}},
		{name: "a value that is no number", body: vector("ten"), want: answered{unavailable: "is not a number"}},
		{name: "a value out of range", body: vector("1e999"), want: answered{unavailable: "is not a number"}},
		{name: "one bad series among good ones", body: vector("1", "x"), want: answered{unavailable: "is not a number"}},
		{name: "a scalar of another type", body: `{"status":"success","data":{"resultType":"scalar","result":{}}}`, want: answered{unavailable: `sample "{}" is not`}},
		{name: "deeply nested", body: strings.Repeat("[", 20000), want: answered{unavailable: "exceeded max depth"}},
		{name: "too long", body: strings.Repeat(" ", answerLimit+1), want: answered{unavailable: "the answer is longer than 4194304 bytes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if c.status != 0 {
					w.WriteHeader(c.status)
				}
				if c.status != http.StatusNoContent {
					fmt.Fprint(w, c.body)
				}
			})
			samples, err := open(t, Settings{Address: server.URL}).Query(t.Context(), Query{Text: "up"})
			if diff := cmp.Diff(c.want.samples, samples, cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("samples: -want +got\n%s", diff)
			}
			if got := errors.Is(err, ErrNoData); got != c.want.noData {
				t.Errorf("no data: %t, want %t (%v)", got, c.want.noData, err)
			}
			if got, want := errors.Is(err, ErrUnavailable), c.want.unavailable != ""; got != want {
				t.Errorf("unavailable: %t, want %t (%v)", got, want, err)
			}
			if err != nil && !strings.Contains(err.Error(), c.want.unavailable) {
				t.Errorf("got %q, want %q", err, c.want.unavailable)
			}
			if err != nil && len(err.Error()) > textLimit+len("…") {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

func FuzzParsePrometheus(f *testing.F) {
	for _, body := range []string{one, vector("NaN", "1"), `{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		samples, err := parsePrometheus(body)
		if (err == nil) == (len(samples) == 0) {
			t.Errorf("%d samples and error %v", len(samples), err)
		}
	})
}

func TestPrometheusAsks(t *testing.T) {
	for _, c := range []struct {
		name    string
		prefix  string // of the path of the address
		query   string
		want    string // path
		wantAsk string
	}{
		{"the root", "", "up", "/api/v1/query", "up"},
		{"a slash at the end is not doubled", "/", "up", "/api/v1/query", "up"},
		{"a base path is kept", "/prometheus", "up", "/prometheus/api/v1/query", "up"},
		{"a base path with a slash at the end", "/a/b/", "up", "/a/b/api/v1/query", "up"},
		{"an escaped base path stays so", "/a%2Fb", "up", "/a%2Fb/api/v1/query", "up"},
		{"a query string on the address is dropped", "/x?dedup=false#y", "up", "/x/api/v1/query", "up"},
		{"white space is collapsed", "", "\n  sum(\n\trate(a{b=\"c  d\"}[1m])\n  )\n", "/api/v1/query", `sum( rate(a{b="c d"}[1m]) )`},
		{"unless that would lengthen a comment", "", "a # all\n/ b", "/api/v1/query", "a # all\n/ b"},
		{"what is special in URLs arrives", "", `a{b=~"x+&y;z%"}`, "/api/v1/query", `a{b=~"x+&y;z%"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var path, ask, method string
			var parameters int
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				method, path, ask, parameters = r.Method, r.URL.EscapedPath(), r.URL.Query().Get("query"), len(r.URL.Query())
				fmt.Fprint(w, one)
			})
			if _, err := open(t, Settings{Address: server.URL + c.prefix}).Query(t.Context(), Query{Text: c.query, Window: time.Hour}); err != nil {
				t.Fatal(err)
			}
			if method != "GET" || path != c.want || ask != c.wantAsk || parameters != 1 {
				t.Errorf("%s %s with %d parameters, query %q\nwant GET %s with 1, query %q", method, path, parameters, ask, c.want, c.wantAsk)
			}
		})
	}
}

func TestPrometheusTimeIsLimited(t *testing.T) {
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	query := func(ctx context.Context, timeout time.Duration) error {
		source := open(t, Settings{Address: server.URL})
		if p, ok := source.(*prometheus); ok && timeout != 0 {
			p.timeout = timeout
		}
		_, err := source.Query(ctx, Query{Text: "up"})
		return err
	}
	t.Run("5 s are the default", func(t *testing.T) {
		if p, ok := open(t, Settings{Address: server.URL}).(*prometheus); !ok || p.timeout != 5*time.Second {
			t.Errorf("%+v", p)
		}
	})
	t.Run("a slow server", func(t *testing.T) {
		err := query(t.Context(), 30*time.Millisecond)
		want := "request failed: GET " + server.URL + "/api/v1/query: no answer within 30ms"
		if !errors.Is(err, ErrUnavailable) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
	t.Run("the caller gives up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(30*time.Millisecond, cancel)
		start := time.Now()
		err := query(ctx, 0)
		if !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.Canceled) || time.Since(start) > 4*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

func TestPrometheusOnline(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   string // part of the error; none if empty
	}{
		{"the number one", 200, one, ""},
		{"another number", 200, vector("2"), "answers vector(1) with [2]"},
		{"two series", 200, vector("1", "1"), "answers vector(1) with [1 1]"},
		{"no series", 200, vector(), "answers vector(1) with []"},
		{"a broken proxy", 502, "bad", "502 Bad Gateway: bad"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ask string
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				ask = r.URL.Query().Get("query")
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			})
			err := open(t, Settings{Address: server.URL}).Online(t.Context())
			if ask != "vector(1)" {
				t.Errorf("asked %q", ask)
			}
			if c.want == "" && err == nil {
				return
			}
			if err == nil || c.want == "" || !strings.Contains(err.Error(), c.want) || !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrNoData) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
