package controller

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestServer(t *testing.T) {
	registry := prometheus.NewRegistry()
	newGauges(registry, Options{Version: "1.2.3", MeshProvider: "kubernetes"})
	s := newServer(Options{}, registry, nil)
	ask := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.handler().ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w
	}
	for _, c := range []struct {
		name, method, path string
		synced             bool
		code               int
		body               string
	}{
		{"alive before the caches are filled", "GET", "/healthz", false, 200, "OK"},
		{"wget --spider asks for the head only", "HEAD", "/healthz", false, 200, "OK"},
		{"not ready before the caches are filled", "GET", "/readyz", false, 503, "caches are not filled yet"},
		{"ready", "GET", "/readyz", true, 200, "OK"},
		{"alive", "GET", "/healthz", true, 200, "OK"},
		{"nothing can be posted", "POST", "/healthz", true, 405, "Method Not Allowed\n"},
		{"nothing else is served", "GET", "/", true, 404, "404 page not found\n"},
	} {
		s.synced.Store(c.synced)
		if got := ask(c.method, c.path); got.Code != c.code || got.Body.String() != c.body {
			t.Errorf("%s: %d %q", c.name, got.Code, got.Body)
		}
	}
	got := ask("GET", "/metrics")
	lines := strings.Split(got.Body.String(), "\n")
	if got.Code != http.StatusOK || !slices.Contains(lines, `flagger_info{mesh_provider="kubernetes",version="1.2.3"} 1`) {
		t.Errorf("metrics: %d\n%s", got.Code, got.Body)
	}
	// Both registries hold Go's collectors; a series that is there twice is
	// refused by Prometheus together with all others.
	seen := map[string]bool{}
	for _, line := range lines {
		id, _, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(line, "#") && id != "" && seen[id] {
			t.Errorf("%s is there twice", id)
		}
		seen[id] = true
	}
	for _, name := range []string{"go_goroutines", "process_start_time_seconds"} {
		if !seen[name] {
			t.Errorf("there is no %s", name)
		}
	}
}
