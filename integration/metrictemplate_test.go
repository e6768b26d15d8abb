package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const token = "s3cr3t-t0ken-of-the-metrics"

// guarded is a Prometheus that answers only those who know the token. It repeats
// what it was sent, as careless proxies do.
type guarded struct {
	*httptest.Server
	mu      sync.Mutex
	value   string
	queries []string
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{value: "1"}
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return g
}

func (g *guarded) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	query := req.URL.Query().Get("query")
	switch {
	case req.Header.Get("Authorization") != "Bearer "+token:
		http.Error(w, "who are you, "+req.Header.Get("Authorization")+"?", http.StatusUnauthorized)
	case query == "vector(1)":
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}`)
	case g.value == "":
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"status":"error","errorType":"bad_data","error":"%s: unexpected right parenthesis for %s"}`, parseError, token)
	default:
		g.queries = append(g.queries, query)
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"%s"]}]}}`, g.value)
	}
}

const parseError = `invalid parameter query: 1:9: parse error`

func (g *guarded) answer(value string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.value = value
}

func (g *guarded) asked() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.queries)
}

const templated = `
maxWeight: 50
stepWeight: 50
metrics:
- name: 404s percentage
  templateRef: {name: not-found}
  templateVariables: {code: "404"}
  thresholdRange: {max: 5}
`

// template makes a MetricTemplate whose server wants the token of a Secret.
func (w *world) template(server string) {
	w.t.Helper()
	secret := &corev1.Secret{StringData: map[string]string{"token": token}}
	secret.Namespace, secret.Name = w.namespace, "metrics"
	w.must(plane.client.Create(w.ctx, secret))
	w.must(apply(w.ctx, plane.client, w.parse(`
apiVersion: flagger.app/v1beta1
kind: MetricTemplate
metadata: {name: not-found}
spec:
  provider: {type: prometheus, address: "`+server+`", secretRef: {name: metrics}}
  query: 'share{ns="{{ namespace }}", target="{{ target }}", code="{{ variables.code }}"}[{{ interval }}]'
`)))
}

// silent fails if the token is in anything that people can read.
func (w *world) silent() {
	w.t.Helper()
	events := &corev1.EventList{}
	w.must(plane.client.List(w.ctx, events, client.InNamespace(w.namespace)))
	text, err := json.Marshal(struct{ Events, Status any }{events.Items, w.status().Status})
	w.must(err)
	if strings.Contains(string(text), token) {
		w.t.Error("the token is in an event or in status")
	}
	if strings.Contains(w.log.String(), token) {
		w.t.Error("the token is in the log")
	}
}

func TestMetricTemplateWithASecretIsJudged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := newGuarded(t)
	w.template(server.URL)
	w.begin(templated)
	w.push("app:2")
	w.phase("Succeeded")
	want := fmt.Sprintf(`share{ns="%s", target="podinfo", code="404"}[1m]`, w.namespace)
	if got := server.asked(); len(got) == 0 || got[0] != want {
		t.Errorf("asked %q, want %q", got, want)
	}

	server.answer("6.2")
	w.push("app:3")
	w.phase("Failed")
	if halt := "Halt podinfo.NS advancement 404s percentage 6.20 > 5"; !slices.Contains(w.events(), halt) {
		t.Errorf("no event %q in %q", halt, w.events())
	}
	w.silent()
}

// What the server says is wrong reaches the user in its words; what only the
// operator and the server know does not.
func TestMetricTemplateThatCannotBeAskedSaysWhy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, event string
		spoil       func(*world, *guarded)
	}{
		{"the server refuses the query", "Metric query failed for 404s percentage: error response: 400 Bad Request: bad_data: " + parseError +
			": unexpected right parenthesis for [redacted]", func(_ *world, g *guarded) { g.answer("") }},
		{"no Secret", `Metric template not-found.NS secret metrics error: secrets "metrics" not found`, func(w *world, _ *guarded) {
			secret := &corev1.Secret{}
			secret.Namespace, secret.Name = w.namespace, "metrics"
			w.must(plane.client.Delete(w.ctx, secret))
		}},
		{"no template", `Metric template not-found.NS error: MetricTemplate.flagger.app "not-found" not found`, func(w *world, _ *guarded) {
			w.must(plane.client.Delete(w.ctx, w.parse("apiVersion: flagger.app/v1beta1\nkind: MetricTemplate\nmetadata: {name: not-found}")))
		}},
		{"a template that does not render", "Metric template not-found.NS query render error: " +
			`template: query:1: function "targets" not defined`, func(w *world, g *guarded) {
			w.must(apply(w.ctx, plane.client, w.parse(`
apiVersion: flagger.app/v1beta1
kind: MetricTemplate
metadata: {name: not-found}
spec: {provider: {type: prometheus, address: "`+g.URL+`"}, query: "{{ targets }}"}
`)))
		}},
		{"a provider that is not built", "", func(w *world, g *guarded) {
			w.must(apply(w.ctx, plane.client, w.parse(`
apiVersion: flagger.app/v1beta1
kind: MetricTemplate
metadata: {name: not-found}
spec: {provider: {type: datadog}, query: "up"}
`)))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			server := newGuarded(t)
			w.template(server.URL)
			w.begin(templated)
			c.spoil(w, server)
			w.push("app:2")
			w.phase("Failed") // no answer in time is no reason to go on
			if got := w.events(); !slices.ContainsFunc(got, func(e string) bool {
				return e == c.event || c.event == "" && strings.HasPrefix(e, "Metric template not-found.NS ") && strings.Contains(e, "datadog")
			}) {
				t.Errorf("no event %q in %q", c.event, got)
			}
			w.silent()
		})
	}
}
