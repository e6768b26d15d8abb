package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/serinhq/serin/lab/await"
	"github.com/serinhq/serin/lab/cluster"
	"github.com/serinhq/serin/lab/node"
)

const patience = 60 * time.Second

func TestTrafficFollowsTheWeights(t *testing.T) {
	l := up(t, "e2e-traffic")
	l.kubectl("", "create", "namespace", "test")
	l.kubectl(app("one", "first")+app("two", "second")+route(90, 10), "apply", "-f", "-")
	l.kubectl("", "-n", "test", "rollout", "status", "deployment/one", "--timeout=60s")
	l.kubectl("", "-n", "test", "rollout", "status", "deployment/two", "--timeout=60s")
	l.await("the route answers", func(context.Context) error { _, err := l.ask(); return err })
	l.share("second", 10)

	l.kubectl(route(40, 60), "apply", "-f", "-")
	changed := time.Now()
	l.await("the new weights", func(context.Context) error {
		if got := l.count("second", 20); got < 10 {
			return fmt.Errorf("%d of 20", got)
		}
		return nil
	})
	t.Logf("new weights %s after kubectl returned", time.Since(changed))
	l.share("second", 60)
	l.measured()
	l.insidePods()
	l.betweenPods()
}

// share sends requests and compares how many were answered with message.
func (l lab) share(message string, percent int) {
	l.Helper()
	// Envoy draws a side for each request, so the count scatters: four standard
	// deviations are passed once in 16,000 times.
	const requests = 1000
	share := float64(percent) / 100
	tolerance := int(math.Ceil(4 * math.Sqrt(requests*share*(1-share))))
	got := l.count(message, requests)
	if want := requests * percent / 100; got < want-tolerance || got > want+tolerance {
		l.Errorf("%q answered %d of %d requests, want %d", message, got, requests, want)
	}
}

// count sends requests, none of which may fail, and counts those answered with message.
func (l lab) count(message string, requests int) int {
	l.Helper()
	found := 0
	for range requests {
		answer, err := l.ask()
		if err != nil {
			l.Fatal(err)
		}
		if strings.Contains(answer, `"`+message+`"`) {
			found++
		}
	}
	return found
}

func (l lab) ask() (string, error) {
	req, err := http.NewRequestWithContext(l.Context(), http.MethodGet, l.Gateway, nil)
	if err != nil {
		return "", err
	}
	req.Host = "app.example.com"
	return do(req)
}

func do(req *http.Request) (string, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", resp.Status, body)
	}
	return string(body), nil
}

// measured waits until Prometheus knows the pods by the names that metric queries use.
func (l lab) measured() {
	l.Helper()
	const query = `sum(rate(http_request_duration_seconds_count{kubernetes_namespace="test",kubernetes_pod_name=~"two-.+"}[10s])) > 0`
	l.await("pods measured by Prometheus", func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.Prometheus+"/api/v1/query?query="+url.QueryEscape(query), nil)
		if err != nil {
			return err
		}
		body, err := do(req)
		if err != nil {
			return err
		}
		var answer struct {
			Data struct{ Result []json.RawMessage }
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			return err
		}
		if len(answer.Data.Result) == 0 {
			return errors.New("nothing was measured")
		}
		return nil
	})
}

// insidePods looks at what only works when the kubelet, the API server and the network do.
func (l lab) insidePods() {
	l.Helper()
	if got := l.kubectl("", "-n", "test", "logs", "deployment/one"); !strings.Contains(got, "Starting podinfo") {
		l.Errorf("logs: %q", got)
	}
	if got := l.kubectl("", "-n", "test", "exec", "deployment/one", "--", "/podinfo", "--version"); !strings.Contains(got, "6.9.2") {
		l.Errorf("exec: %q", got)
	}
	audit, err := os.ReadFile(l.AuditLog)
	if err != nil || !bytes.Contains(audit, []byte(`"username":"lab:admin"`)) {
		l.Errorf("the audit log does not know kubectl's user (%v)", err)
	}
}

// betweenPods asks a pod to ask a Service by its name: DNS, kube-proxy and the way back.
func (l lab) betweenPods() {
	l.Helper()
	l.kubectl("", "-n", "test", "patch", "deployment", "two", "--type=json", "--patch",
		`[{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--backend-url=http://one.test/echo"}]`)
	l.kubectl("", "-n", "test", "rollout", "status", "deployment/two", "--timeout=60s")
	l.kubectl(route(0, 100), "apply", "-f", "-")
	l.await("an answer of one pod through another", func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.Gateway+"/api/echo", strings.NewReader("hello"))
		if err != nil {
			return err
		}
		req.Host = "app.example.com"
		answer, err := do(req)
		if err == nil && !strings.Contains(answer, `"hello"`) {
			err = fmt.Errorf("got %s", answer)
		}
		return err
	})
}

func (l lab) await(what string, look func(context.Context) error) {
	l.Helper()
	if err := await.Condition(l.Context(), patience, what, look); err != nil {
		l.Fatal(err)
	}
}

func TestTwoLabsSideBySideLeaveNothing(t *testing.T) {
	one, two := up(t, "e2e-one"), up(t, "e2e-two")
	if one.Gateway == two.Gateway || one.Kubeconfig == two.Kubeconfig {
		t.Errorf("%s and %s share an address", one.Name, two.Name)
	}
	_, err := cluster.Up(t.Context(), cluster.Options{Name: one.Name})
	if err == nil || !strings.Contains(err.Error(), "runs already") {
		t.Errorf("a second lab of the same name: %v", err)
	}
	begun := time.Now()
	if err := one.Down(t.Context()); err != nil {
		t.Error(err)
	}
	t.Logf("down took %s", time.Since(begun))
	gone(t, one.Cluster)

	// Killed, not ended: the next command finds what is left and removes it.
	if err := node.End(two.PID); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Down(t.Context(), "nobody"); err != nil {
		t.Error(err)
	}
	gone(t, two.Cluster)
}

func gone(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	if _, err := os.Stat(c.State); !os.IsNotExist(err) {
		t.Errorf("%s is still there (%v)", c.State, err)
	}
	for _, pattern := range []string{"/sys/fs/cgroup/serin-", "/sys/fs/cgroup/*/serin-"} {
		left, err := filepath.Glob(pattern + c.ID)
		if err != nil || len(left) > 0 {
			t.Errorf("control groups left: %v, %v", left, err)
		}
	}
	if _, err := cluster.Find(c.Name); err == nil {
		t.Errorf("lab %s is still found", c.Name)
	}
}
