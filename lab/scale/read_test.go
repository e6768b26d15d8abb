package main

import (
	"strings"
	"testing"
	"time"
)

// The numbers are read from the lines that the kernel writes, whatever the name is.
func TestUsage(t *testing.T) {
	t.Parallel()
	stat := "4711 (a ) b) S 1 4711 4711 0 -1 4194560 9021 0 0 0 1234 66 0 0 20 0 9 0 8023 1 2 3"
	if got, err := processorTime(stat); err != nil || got != 13*time.Second {
		t.Errorf("processor time %s, %v", got, err)
	}
	if got, err := peakMemory("Name:\tserin\nVmHWM:\t  102400 kB\nVmRSS:\t 1 kB\n"); err != nil || got != 100<<20 {
		t.Errorf("peak memory %d, %v", got, err)
	}
	looks := "# TYPE controller_runtime_reconcile_total counter\n" +
		"controller_runtime_reconcile_total{controller=\"canary\",result=\"error\"} 2\n" +
		"controller_runtime_reconcile_total{controller=\"canary\",result=\"success\"} 1.5e+02\nother 9\n"
	if got, err := reconciles(looks); err != nil || got != 152 {
		t.Errorf("%d looks, %v", got, err)
	}
	if _, err := processorTime("nothing"); err == nil {
		t.Error("nothing was read as processor time")
	}
	if _, err := peakMemory("nothing"); err == nil {
		t.Error("nothing was read as memory")
	}
}

// Kubernetes is one program with several names.
func TestPart(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"/cache/kubernetes\x00kube-apiserver\x00--etcd-servers=x\x00": "kube-apiserver",
		"/cache/kubernetes\x00etcd\x00":                               "etcd", "/tmp/x/serin\x00-port=1\x00": "operator", "/tmp/scale\x00-busy=1\x00": "stand-ins and measurement",
	} {
		if got := part(args); got != want {
			t.Errorf("%q is %s, want %s", args, got, want)
		}
	}
}

// Only finished requests of the operator count, and no watch.
func TestAudit(t *testing.T) {
	t.Parallel()
	log := strings.Join([]string{
		`{"stage":"ResponseComplete","verb":"update","userAgent":"serin/1","objectRef":{"resource":"canaries","subresource":"status","name":"a"},"responseStatus":{"code":200},"stageTimestamp":"2026-01-01T00:00:01.5Z"}`,
		`{"stage":"ResponseComplete","verb":"update","userAgent":"serin/1","objectRef":{"resource":"canaries","subresource":"status","name":"a"},"responseStatus":{"code":409},"stageTimestamp":"2026-01-01T00:00:02Z"}`,
		`{"stage":"ResponseStarted","verb":"watch","userAgent":"serin/1","objectRef":{"resource":"canaries"},"stageTimestamp":"2026-01-01T00:00:02Z"}`,
		`{"stage":"ResponseComplete","verb":"watch","userAgent":"serin/1","objectRef":{"resource":"canaries"},"stageTimestamp":"2026-01-01T00:00:02Z"}`,
		`{"stage":"ResponseComplete","verb":"list","userAgent":"serin/1","objectRef":{"resource":"services"},"stageTimestamp":"2026-01-01T00:00:03Z"}`,
		`{"stage":"ResponseComplete","verb":"patch","userAgent":"serin-lab","objectRef":{"resource":"deployments"},"stageTimestamp":"2026-01-01T00:00:03Z"}`,
		`{"stage":"Respon`,
	}, "\n")
	all, err := audited(strings.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	names, counts := kinds(all)
	if got, want := strings.Join(names, ", "), "list services, update canaries/status, update canaries/status: 409"; got != want {
		t.Errorf("kinds %q, want %q: %v", got, want, counts)
	}
	if all[2].write || !all[0].write {
		t.Errorf("what is a write? %+v", all)
	}
	from := time.Date(2026, 1, 1, 0, 0, 2, 0, time.UTC)
	if got := len(between(all, from, from.Add(time.Second))); got != 1 {
		t.Errorf("%d requests in the second second, want 1", got)
	}
}

func TestBareClientIsRead(t *testing.T) {
	got, err := parseBare("100 2300 4650000\n")
	if want := (bare{cpu: 46500 * time.Microsecond, requests: 23}); err != nil || got != want {
		t.Errorf("read %+v, %v; want %+v", got, err, want)
	}
	if got, err := parseBare("panic"); err == nil {
		t.Errorf("nonsense was read as %+v", got)
	}
}
