package metric

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serinhq/serin/judge"
	"github.com/serinhq/serin/rollout"
)

func TestCheck(t *testing.T) {
	atLeast := func(limit float64) judge.Limits { return judge.Limits{Min: new(limit)} }
	atMost := func(limit float64) judge.Limits { return judge.Limits{Max: new(limit)} }
	for _, c := range []struct {
		name   string
		kind   rollout.Source
		limits judge.Limits
		status int
		body   string
		want   rollout.Finding
	}{
		{
			name: "a success rate within", kind: rollout.FromSuccessRate, limits: atLeast(99), body: vector("100"),
			want: rollout.Finding{Verdict: rollout.Pass, Value: 100},
		},
		{
			name: "a success rate below", kind: rollout.FromSuccessRate, limits: atLeast(99), body: vector("97.25"),
			want: rollout.Finding{Verdict: rollout.Fail, Value: 97.25, Limit: 99, Bound: rollout.BelowMin},
		},
		{
			name: "a success rate keeps its fraction", kind: rollout.FromSuccessRate, limits: atLeast(99.5), body: vector("99.4"),
			want: rollout.Finding{Verdict: rollout.Fail, Value: 99.4, Limit: 99.5, Bound: rollout.BelowMin},
		},
		{
			name: "a duration above", kind: rollout.FromDuration, limits: atMost(500), body: vector("1515"),
			want: rollout.Finding{Verdict: rollout.Fail, Value: 1515, Limit: 500, Bound: rollout.AboveMax},
		},
		{
			name: "a duration is whole milliseconds", kind: rollout.FromDuration, limits: atMost(500), body: vector("500.9"),
			want: rollout.Finding{Verdict: rollout.Pass, Value: 500},
		},
		{
			name: "a limit of durations too", kind: rollout.FromDuration, limits: atMost(500.9), body: vector("501"),
			want: rollout.Finding{Verdict: rollout.Fail, Value: 501, Limit: 500, Bound: rollout.AboveMax},
		},
		{
			name: "a duration has a minimum as well", kind: rollout.FromDuration, limits: atLeast(10), body: vector("9.99"),
			want: rollout.Finding{Verdict: rollout.Fail, Value: 9, Limit: 10, Bound: rollout.BelowMin},
		},
		{
			name: "a template keeps its fraction", kind: rollout.FromTemplate, limits: atMost(500), body: vector("500.9"),
			want: rollout.Finding{Verdict: rollout.Fail, Value: 500.9, Limit: 500, Bound: rollout.AboveMax},
		},
		{
			name: "an inline query too", kind: rollout.FromQuery, limits: atMost(1), body: vector("1.5"),
			want: rollout.Finding{Verdict: rollout.Fail, Value: 1.5, Limit: 1, Bound: rollout.AboveMax},
		},
		{
			name: "one bad series is enough", kind: rollout.FromTemplate, limits: atMost(1), body: vector("2", "0.5"),
			want: rollout.Finding{Verdict: rollout.Fail, Value: 2, Limit: 1, Bound: rollout.AboveMax},
		},
		{
			name: "no data is not bad data", kind: rollout.FromSuccessRate, limits: atLeast(99), body: vector(),
			want: rollout.Finding{NoData: true, Err: "no values found"},
		},
		{
			name: "NaN is no data", kind: rollout.FromDuration, limits: atMost(500), body: vector("NaN"),
			want: rollout.Finding{NoData: true, Err: "no values found"},
		},
		{
			name: "a dead server is neither bad data nor none", kind: rollout.FromTemplate, limits: atMost(1), status: http.StatusBadGateway, body: "gone",
			want: rollout.Finding{Err: "error response: 502 Bad Gateway: gone"},
		},
		{
			name: "what has no values cannot be judged", kind: rollout.FromHook, body: vector("1"),
			want: rollout.Finding{Err: "metric m cannot be judged: source 0 has no values"},
		},
		{
			name: "nor can what nobody knows", kind: 99, body: vector("1"),
			want: rollout.Finding{Err: "metric m cannot be judged: source 99 has no values"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if c.status != 0 {
					w.WriteHeader(c.status)
				}
				fmt.Fprint(w, c.body)
			})
			got := Check(t.Context(), open(t, Settings{Address: server.URL}), Definition{
				Name: "m", Kind: c.kind, Query: Query{Text: "up"}, Limits: c.limits,
			})
			c.want.Name, c.want.Source = "m", c.kind
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// What users may name and is not there yet is refused by that name.
func TestBackendRefuses(t *testing.T) {
	for _, kind := range []string{
		"influxdb", "datadog", "externalmetrics", "stackdriver", "cloudwatch", "newrelic", "graphite", "dynatrace", "keptn", "splunk", "Prometheus", "",
	} {
		_, err := NewClients().Backend(kind, Settings{Address: "http://metrics"})
		want := fmt.Sprintf("metrics provider %q is not supported (supported: prometheus)", kind)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
