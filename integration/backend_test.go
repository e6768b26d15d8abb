package integration

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// prometheus answers the built-in queries with the numbers it is told.
type prometheus struct {
	*httptest.Server
	mu      sync.Mutex
	success float64 // percent
	latency float64 // milliseconds
	down    bool
	queries []string
	refused map[string]string // why, by query
}

func newPrometheus(t *testing.T) *prometheus {
	t.Helper()
	p := &prometheus{success: 100, latency: 20}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *prometheus) set(success, latency float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.success, p.latency = success, latency
}

// refuse answers a query as Prometheus does one that it cannot parse.
func (p *prometheus) refuse(query, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = map[string]string{query: why}
}

// all returns the queries that were asked, one a line.
func (p *prometheus) all() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.queries, "\n")
}

func (p *prometheus) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	query := req.URL.Query().Get("query")
	p.queries = append(p.queries, query)
	value := p.success
	switch {
	case p.down:
		http.Error(w, "out of order", http.StatusServiceUnavailable)
		return
	case p.refused[query] != "":
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"status":"error","errorType":"bad_data","error":%q}`, p.refused[query])
		return
	case strings.Contains(query, "histogram_quantile"):
		value = p.latency
	case strings.Contains(query, "vector(1)"):
		value = 1
	}
	fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"%g"]}]}}`, value)
}

// receiver keeps what webhooks are sent and answers as it is told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	closed map[string]bool // paths that refuse
	calls  []call
}

type call struct {
	Path     string
	Key      string
	Name     string            `json:"name"`
	Phase    string            `json:"phase"`
	Checksum string            `json:"checksum"`
	Metadata map[string]string `json:"metadata"`
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{closed: map[string]bool{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	c := call{Path: strings.TrimPrefix(req.URL.Path, "/"), Key: req.Header.Get("Idempotency-Key")}
	if err == nil {
		err = json.Unmarshal(body, &c)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, c)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case r.closed[c.Path]:
		http.Error(w, "not yet", http.StatusForbidden)
	}
}

func (r *receiver) refuse(path string, refuse bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed[path] = refuse
}

// to returns the calls of one path.
func (r *receiver) to(path string) []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []call
	for _, c := range r.calls {
		if c.Path == path {
			all = append(all, c)
		}
	}
	return all
}
