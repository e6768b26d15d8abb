package node

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseMounts(t *testing.T) {
	const v1 = `30 25 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw
31 30 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
32 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
`
	const hybrid = v1 + "33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	const v2 = "30 25 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	both := []string{"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/memory"}
	for _, c := range []struct {
		name, mounts string
		used, all    []string
	}{
		{"version 1", v1, both, both},
		{"version 1 with a bare version 2 beside it", hybrid, both, append(slices.Clone(both), "/sys/fs/cgroup/unified")},
		{"version 2", v2, []string{"/sys/fs/cgroup"}, []string{"/sys/fs/cgroup"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := parseMounts([]byte(c.mounts))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(m.used(), c.used) || !slices.Equal(m.all(), c.all) {
				t.Errorf("used %v, all %v", m.used(), m.all())
			}
		})
	}
	if _, err := parseMounts([]byte("1 2 0:1 / / rw - ext4 /dev/a rw\n")); err == nil {
		t.Error("no control groups, and no word about it")
	}
}

// fakeGroup makes files as the kernel's version 2 tree has them.
func fakeGroup(t *testing.T, dir, controllers, enabled string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"cgroup.controllers": controllers, "cgroup.subtree_control": enabled} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEnableLeavesEnabledControllersAlone(t *testing.T) {
	dir := t.TempDir()
	fakeGroup(t, dir, "cpu memory pids rdma\n", "cpu memory\n")
	if err := enable(dir); err != nil {
		t.Fatal(err)
	}
	// The kernel adds what is written; a plain file keeps the last of it.
	if got, _ := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control")); string(got) != "+pids" {
		t.Errorf("wrote %q", got)
	}
}

func TestRelayCarriesBothWays(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	defer server.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- relay(listener, server.Listener.Addr().String()) }()
	const size = 1 << 20
	for range 50 {
		resp, err := http.Post("http://"+listener.Addr().String(), "text/plain", strings.NewReader(strings.Repeat("x", size)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if err != nil || len(got) != size {
			t.Fatalf("%d bytes came back, %v", len(got), err)
		}
		resp.Body.Close()
	}
	listener.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestRelayEndsTheConnectionWhenNobodyListens(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	closed.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() { _ = relay(listener, nobody) }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); err == nil || n != 0 {
		t.Errorf("read %d, %v", n, err)
	}
}

func TestAPortThatIsTakenIsNamed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	config := Config{Gateway: taken.Addr().String()}
	_, err = listenAll(&config)
	if err == nil || !strings.Contains(err.Error(), taken.Addr().String()+" is taken") {
		t.Errorf("got %v", err)
	}
}

func TestStarted(t *testing.T) {
	if Started(os.Getpid()) == "" {
		t.Error("this process is not running")
	}
	const nobody = 1 << 30
	if Started(nobody) != "" {
		t.Error("a process that cannot be is running")
	}
}
