package sd

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

func podFrom(t *testing.T, text string) pod {
	t.Helper()
	var p pod
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

const running = `{"metadata": {"name": "a-1", "namespace": "test", "uid": "1",
	"labels": {"app": "a", "app.kubernetes.io/name": "a", "pod-template-hash": "abc"},
	"annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "9797", "prometheus.io/path": "/m"}},
	"status": {"phase": "Running", "podIP": "10.244.0.2"}}`

func TestRunningPodIsATarget(t *testing.T) {
	pods := New(nil)
	follower{pods}.Change("ADDED", podFrom(t, running))
	answer := httptest.NewRecorder()
	pods.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
	const want = `[{"targets":["10.244.0.2:9797"],"labels":{"__metrics_path__":"/m","app":"a",` +
		`"app_kubernetes_io_name":"a","kubernetes_namespace":"test","kubernetes_pod_name":"a-1","pod_template_hash":"abc"}}]` + "\n"
	if answer.Body.String() != want {
		t.Errorf("got  %swant %s", answer.Body, want)
	}
	follower{pods}.Change("DELETED", podFrom(t, running))
	answer = httptest.NewRecorder()
	pods.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
	if answer.Body.String() != "[]\n" {
		t.Errorf("after its end: %s", answer.Body)
	}
}

func TestOtherPodsAreNoTargets(t *testing.T) {
	for name, text := range map[string]string{
		"not annotated": `{"status": {"phase": "Running", "podIP": "10.244.0.2"}}`,
		"pending":       `{"metadata": {"annotations": {"prometheus.io/scrape": "true"}}, "status": {"phase": "Pending"}}`,
		"no address":    `{"metadata": {"annotations": {"prometheus.io/scrape": "true"}}, "status": {"phase": "Running"}}`,
		"ended": `{"metadata": {"annotations": {"prometheus.io/scrape": "true"}},
			"status": {"phase": "Succeeded", "podIP": "10.244.0.2"}}`,
	} {
		if _, ok := podFrom(t, text).asTarget(); ok {
			t.Errorf("%s: it is a target", name)
		}
	}
}
