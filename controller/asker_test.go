package controller

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/hook"
	"github.com/serinhq/serin/metric"
	"github.com/serinhq/serin/rollout"
)

// world is what a Canary talks to: hooks, and a Prometheus.
type world struct {
	*httptest.Server
	asker    *asker
	registry *prometheus.Registry

	mu       sync.Mutex
	calls    []call
	queries  []string
	refusing map[string]bool   // paths of hooks
	values   map[string]string // answers of Prometheus by part of the query; none for no data
}

type call struct {
	Path, Key string
	Phase     string `json:"phase"`
	Checksum  string `json:"checksum"`
	Metadata  map[string]string
}

func newWorld(t *testing.T) *world {
	w := &world{registry: prometheus.NewRegistry(), refusing: map[string]bool{}, values: map[string]string{}}
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	options := Options{MeshProvider: "kubernetes", MetricsServer: w.URL, SameNamespace: true, Now: time.Now,
		Log: slog.New(slog.DiscardHandler)}
	w.asker = &asker{options: options, hooks: hook.NewCaller(), metrics: metric.NewClients(), gauges: newGauges(w.registry, options)}
	t.Cleanup(w.asker.hooks.Close)
	t.Cleanup(w.asker.metrics.Close)
	return w
}

func (w *world) ServeHTTP(out http.ResponseWriter, req *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if req.URL.Path != "/api/v1/query" {
		c := call{Path: req.URL.Path, Key: req.Header.Get("Idempotency-Key")}
		if err := json.NewDecoder(req.Body).Decode(&c); err != nil {
			http.Error(out, err.Error(), http.StatusBadRequest)
		}
		w.calls = append(w.calls, c)
		if w.refusing[c.Path] {
			http.Error(out, "not now", http.StatusForbidden)
		}
		return
	}
	query := req.URL.Query().Get("query")
	w.queries = append(w.queries, query)
	for part, value := range w.values {
		if strings.Contains(query, part) {
			fmt.Fprintf(out, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,%q]}]}}`, value)
			return
		}
	}
	fmt.Fprint(out, `{"status":"success","data":{"resultType":"vector","result":[]}}`)
}

func (w *world) paths() []string {
	var all []string
	for _, c := range w.calls {
		all = append(all, c.Path)
	}
	return all
}

// view of a Canary with an analysis, whose workload asks for revision "new".
func (w *world) view(analysis v1beta1.CanaryAnalysis) *view {
	canary := canaryAt("podinfo", 1)
	canary.Spec.Analysis = &analysis
	canary.Status.TrackedConfigs = map[string]string{"configmap/a": "1"}
	for i := range analysis.Webhooks {
		analysis.Webhooks[i].URL = w.URL + "/" + analysis.Webhooks[i].Name
	}
	w.asker.gauges.know(canary)
	return &view{canary: canary, plan: rollout.Plan{Deadline: time.Minute}, seen: rollout.Observation{Target: "new"}}
}

func between(least, greatest float64) *v1beta1.ThresholdRange {
	return &v1beta1.ThresholdRange{Min: &least, Max: &greatest}
}

func TestSum(t *testing.T) {
	const pass, fail, unknown = rollout.Pass, rollout.Fail, rollout.Unknown
	for _, c := range []struct {
		reason string
		given  []rollout.Verdict
		want   rollout.Verdict
	}{
		{"nothing to ask is nothing against it", nil, pass},
		{"all good", []rollout.Verdict{pass, pass}, pass},
		{"one bad", []rollout.Verdict{pass, fail, pass}, fail},
		{"one not known", []rollout.Verdict{pass, unknown, pass}, unknown},
		{"bad beats not known before it", []rollout.Verdict{unknown, fail}, fail},
		{"bad beats not known behind it", []rollout.Verdict{fail, unknown}, fail},
	} {
		var findings []rollout.Finding
		for _, verdict := range c.given {
			findings = append(findings, rollout.Finding{Verdict: verdict})
		}
		got := sum(findings)
		if got.Verdict != c.want || len(got.Findings) != len(findings) || refused(findings) != (c.want != pass) {
			t.Errorf("%s: %+v", c.reason, got)
		}
	}
}

func TestHooksStopAtTheFirstRefusal(t *testing.T) {
	w := newWorld(t)
	w.refusing["/second"] = true
	v := w.view(v1beta1.CanaryAnalysis{
		Webhooks: []v1beta1.Webhook{{Name: "gate", Type: v1beta1.ConfirmPromotionHook}, {Name: "first"}, {Name: "second", Type: v1beta1.RolloutHook}, {Name: "third"}},
		Metrics:  []v1beta1.Metric{{Name: v1beta1.SuccessRate}},
	})
	answer := w.asker.run(v, rollout.State{Phase: rollout.Progressing, Revision: "new"}, rollout.Checks)(t.Context())
	want := rollout.Answer{Verdict: rollout.Fail, Findings: []rollout.Finding{
		{Name: "first", Verdict: rollout.Pass, Value: 200}, {Name: "second", Verdict: rollout.Fail, Value: 403, Err: "not now"}}}
	if diff := cmp.Diff(want, answer); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/first", "/second"}, w.paths()); diff != "" {
		t.Errorf("calls, -want +got\n%s", diff)
	}
	if len(w.queries) > 0 {
		t.Errorf("measured although a hook refused: %q", w.queries)
	}
}

func TestHookPayloadOfEachProbe(t *testing.T) {
	waiting := rollout.State{Phase: rollout.Initialized, Revision: "old", Step: 2, Since: time.Unix(7, 8)}
	for _, c := range []struct {
		probe    rollout.Probe
		phase    rollout.Phase // of the state
		want     string
		revision string // asked about
	}{
		{rollout.ConfirmRollout, rollout.Initialized, "Initialized", "new"}, // the state knows the older one only
		{rollout.ConfirmRollout, rollout.Waiting, "Waiting", "new"},
		{rollout.PreRollout, rollout.Progressing, "Progressing", "old"},
		{rollout.Checks, rollout.Progressing, "Progressing", "old"},
		{rollout.Checks, rollout.WaitingPromotion, "Progressing", "old"},
		{rollout.ConfirmTrafficIncrease, rollout.Progressing, "Progressing", "old"},
		{rollout.ConfirmPromotion, rollout.WaitingPromotion, "Progressing", "old"},
		{rollout.RollbackHook, rollout.WaitingPromotion, "WaitingPromotion", "old"},
		{rollout.PostRollout, rollout.Succeeded, "Succeeded", "old"},
		{rollout.PostRollout, rollout.Failed, "Failed", "old"},
	} {
		w := newWorld(t)
		kind := v1beta1.HookType(c.probe)
		if c.probe == rollout.Checks {
			kind = v1beta1.RolloutHook
		}
		v := w.view(v1beta1.CanaryAnalysis{Webhooks: []v1beta1.Webhook{
			{Name: "a", Type: kind, Metadata: map[string]string{"k": "v"}}, {Name: "b", Type: kind}}})
		w.asker.options.Now = func() time.Time { return time.Unix(150, 0) }
		v.plan.Interval = time.Minute
		state := waiting
		state.Phase = c.phase
		w.asker.run(v, state, c.probe)(t.Context())
		id := fmt.Sprintf("uid/%s/%s/2/7000000008/", c.probe, c.revision)
		switch c.probe {
		case rollout.ConfirmRollout, rollout.ConfirmTrafficIncrease, rollout.ConfirmPromotion, rollout.RollbackHook:
			id += "2/" // asked in each interval, and this is the third
		case rollout.PreRollout, rollout.Checks, rollout.PostRollout, rollout.Online, rollout.Approval:
		}
		checksum := hook.Checksum(map[string]string{"configmap/a": "1"}, c.revision)
		want := []call{
			{Path: "/a", Key: id + "0", Phase: c.want, Checksum: checksum, Metadata: map[string]string{"k": "v"}},
			{Path: "/b", Key: id + "1", Phase: c.want, Checksum: checksum},
		}
		if diff := cmp.Diff(want, w.calls); diff != "" {
			t.Errorf("%s in %s, -want +got\n%s", c.probe, c.phase, diff)
		}
	}
}

func TestAllMetricsAreMeasuredEvenIfOneIsBad(t *testing.T) {
	w := newWorld(t)
	w.values = map[string]string{"status!~": "69.17", "histogram_quantile": "20.7", "custom": "6.2"}
	v := w.view(v1beta1.CanaryAnalysis{Metrics: []v1beta1.Metric{
		{Name: v1beta1.SuccessRate, ThresholdRange: between(99, 100)},
		{Name: v1beta1.Duration, ThresholdRange: between(0, 500)},
		{Name: "share", Query: "custom", ThresholdRange: between(0, 5)},
		{Name: "silent", Query: "nothing"},
	}})
	answer := w.asker.run(v, rollout.State{Phase: rollout.Progressing}, rollout.Checks)(t.Context())
	want := rollout.Answer{Verdict: rollout.Fail, Findings: []rollout.Finding{
		{Source: rollout.FromSuccessRate, Name: "request-success-rate", Verdict: rollout.Fail, Value: 69.17, Limit: 99, Bound: rollout.BelowMin},
		{Source: rollout.FromDuration, Name: "request-duration", Verdict: rollout.Pass, Value: 20},
		{Source: rollout.FromQuery, Name: "share", Verdict: rollout.Fail, Value: 6.2, Limit: 5, Bound: rollout.AboveMax},
		{Source: rollout.FromQuery, Name: "silent", NoData: true, Err: "no values found"},
	}}
	if diff := cmp.Diff(want, answer); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	has(t, w.registry,
		`flagger_canary_metric_analysis{metric="request-success-rate",name="podinfo",namespace="test"} 69.17`,
		`flagger_canary_metric_analysis{metric="request-duration",name="podinfo",namespace="test"} 0.02`,
		`flagger_canary_metric_analysis{metric="share",name="podinfo",namespace="test"} 6.2`)
	if all := strings.Join(series(t, w.registry), "\n"); !strings.Contains(all, `flagger_canary_duration_seconds{name="podinfo",namespace="test"} count 1`) {
		t.Errorf("the look was not timed:\n%s", all)
	}
}

// Each is the whole sentence that users read in an event.
func TestMetricThatCannotBeAskedSaysWhy(t *testing.T) {
	for _, c := range []struct {
		name, server string
		metric       v1beta1.Metric
		want         string
	}{
		{"no such server", "prometheus:9090", v1beta1.Metric{Name: v1beta1.SuccessRate},
			`Error building Prometheus client for URL prometheus address "prometheus:9090" is not a valid URL`},
		{"no such server, inline", "ftp://user:secret@x", v1beta1.Metric{Name: "m", Query: "up"},
			`Error building Prometheus client for URL prometheus address "[redacted]@x" is not a valid URL`},
		{"a window that is none", "", v1beta1.Metric{Name: v1beta1.Duration, Interval: "1min"},
			`Prometheus query failed: render request-duration of kubernetes: interval "1min" is not a duration such as 30s or 1m`},
		{"a query that does not parse", "", v1beta1.Metric{Name: "m", Query: "{{ targets }}"},
			`Prometheus query failed for m: template: query:1: function "targets" not defined`},
		{"nothing to run", "", v1beta1.Metric{Name: "m"},
			"Metric query failed for no usable metrics template and query were configured"},
		{"a template of others", "", v1beta1.Metric{Name: "m", TemplateRef: &v1beta1.TemplateRef{Name: "shared", Namespace: "monitoring"}},
			"can't access metric template shared.monitoring, cross-namespace references are blocked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			v := w.view(v1beta1.CanaryAnalysis{Metrics: []v1beta1.Metric{c.metric}})
			v.canary.Spec.MetricsServer = c.server
			answer := w.asker.run(v, rollout.State{Phase: rollout.Progressing}, rollout.Checks)(t.Context())
			want := rollout.Answer{Findings: []rollout.Finding{{Source: rollout.FromSetup, Name: c.metric.Name, Err: c.want}}}
			if diff := cmp.Diff(want, answer); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestOnlineAsksEveryBackend(t *testing.T) {
	w := newWorld(t)
	w.values["vector(1)"] = "1"
	metrics := []v1beta1.Metric{{Name: v1beta1.SuccessRate}, {Name: "inline", Query: "up"}, {Name: v1beta1.Duration}}
	answer := w.asker.run(w.view(v1beta1.CanaryAnalysis{Metrics: metrics}), rollout.State{}, rollout.Online)(t.Context())
	want := rollout.Answer{Verdict: rollout.Pass, Findings: []rollout.Finding{
		{Source: rollout.FromSetup, Name: "request-success-rate", Verdict: rollout.Pass},
		{Source: rollout.FromSetup, Name: "request-duration", Verdict: rollout.Pass}}}
	if diff := cmp.Diff(want, answer); diff != "" {
		t.Errorf("a good server, -want +got\n%s", diff)
	}
	w.Close()
	answer = w.asker.run(w.view(v1beta1.CanaryAnalysis{Metrics: metrics}), rollout.State{}, rollout.Online)(t.Context())
	if answer.Verdict != rollout.Unknown || !strings.HasPrefix(answer.Findings[0].Err, "request failed: GET "+w.URL) {
		t.Errorf("a dead server: %+v", answer)
	}
}

// A probe that nothing else ends, ends with the deadline of the plan.
func TestProbeEndsWithTheDeadline(t *testing.T) {
	w := newWorld(t)
	v := w.view(v1beta1.CanaryAnalysis{Webhooks: []v1beta1.Webhook{{Name: "slow", Type: v1beta1.PreRolloutHook, Timeout: "1h"}}})
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		if _, err := io.Copy(io.Discard, req.Body); err == nil {
			<-req.Context().Done()
		}
	}))
	defer hang.Close()
	v.canary.Spec.Analysis.Webhooks[0].URL = hang.URL
	v.plan.Deadline = 50 * time.Millisecond
	answer := w.asker.run(v, rollout.State{Phase: rollout.Progressing}, rollout.PreRollout)(t.Context())
	if answer.Verdict != rollout.Fail || !strings.Contains(answer.Findings[0].Err, "giving up after 1 attempt(s)") {
		t.Errorf("the answer is %+v", answer)
	}
}
