package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/serinhq/serin/lab/process"
)

// operator is a running one.
type operator struct {
	process *process.Process
	port    string
}

// build compiles the operator as it is shipped: optimised in full.
func build(ctx context.Context, s settings, dir string) (string, error) {
	program := filepath.Join(dir, "serin")
	args := []string{"build", "-trimpath", "-ldflags=-s -w", "-o", program}
	if s.profile != "" {
		args = append(args, "-tags=profile")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./cmd/serin")...)
	cmd.Dir, cmd.Env = s.source, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the operator: %w\n%s", err, out)
	}
	return program, nil
}

// operate starts an operator, in place of the one that ended.
func (b *bench) operate(flags []string, profile string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	args := []string{
		"-kubeconfig=" + b.plane.Kubeconfig, "-mesh-provider=gatewayapi:v1", "-metrics-server=" + b.metrics.URL, "-port=" + port,
	}
	spec := process.Spec{Name: "serin", Path: b.program, Args: append(args, flags...), Logs: b.dir, Env: strings.Fields(b.settings.env)}
	if profile != "" {
		folder, err := filepath.Abs(profile)
		if err != nil {
			return fmt.Errorf("find the folder for profiles: %w", err)
		}
		spec.Env = append(spec.Env, "SERIN_PROFILE="+folder)
	}
	started, err := process.Start(spec)
	if err != nil {
		return err
	}
	b.operator = &operator{process: started, port: port}
	return nil
}

func (o *operator) end() error {
	const grace = 20 * time.Second
	return o.process.Stop(grace)
}

// looks is how often the operator has looked at a Canary, by its own count.
func (o *operator) looks(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+o.port+"/metrics", nil)
	if err != nil {
		return 0, fmt.Errorf("ask the operator for its metrics: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask the operator for its metrics: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, fmt.Errorf("read the metrics of the operator: %w", err)
	}
	return reconciles(string(text))
}

// reconciles sums up the counters of controller-runtime.
func reconciles(metrics string) (int, error) {
	total := 0
	for line := range strings.Lines(metrics) {
		if !strings.HasPrefix(line, "controller_runtime_reconcile_total{") {
			continue
		}
		fields := strings.Fields(line)
		n, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			return 0, fmt.Errorf("count the looks of the operator: %w", err)
		}
		total += int(n)
	}
	return total, nil
}

func flagsOf(text string) []string { return strings.Fields(text) }

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return port, listener.Close()
}

// usage is what the kernel has counted for a process.
type usage struct {
	cpu   time.Duration
	peak  int64 // bytes resident at most, so far
	looks int
}

// used reads the usage of the operator.
func (o *operator) used(ctx context.Context) (usage, error) {
	folder := filepath.Join("/proc", strconv.Itoa(o.process.ID()))
	stat, err := os.ReadFile(filepath.Join(folder, "stat"))
	if err != nil {
		return usage{}, fmt.Errorf("read the processor time of the operator: %w", err)
	}
	status, err := os.ReadFile(filepath.Join(folder, "status"))
	if err != nil {
		return usage{}, fmt.Errorf("read the memory of the operator: %w", err)
	}
	u := usage{}
	if u.cpu, err = processorTime(string(stat)); err != nil {
		return usage{}, err
	}
	if u.peak, err = peakMemory(string(status)); err != nil {
		return usage{}, err
	}
	u.looks, err = o.looks(ctx)
	return u, err
}

// everybody is the processor time of this program and of all it has started: what the
// operator shares the machine with.
func everybody() (map[string]time.Duration, error) {
	self := os.Getpid()
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, fmt.Errorf("list the processes: %w", err)
	}
	found := map[string]time.Duration{}
	for _, path := range paths {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		fields := strings.Fields(string(stat[strings.LastIndex(string(stat), ")")+1:]))
		mine := strings.HasPrefix(string(stat), strconv.Itoa(self)+" ")
		if !mine && (len(fields) < 2 || fields[1] != strconv.Itoa(self)) {
			continue
		}
		args, err := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if err != nil {
			continue
		}
		time, err := processorTime(string(stat))
		if err != nil {
			return nil, err
		}
		found[part(string(args))] += time
	}
	return found, nil
}

// price is the processor time that a client spends here on the cheapest of requests: it
// tells one machine from another.
func (b *bench) price(ctx context.Context) (time.Duration, error) {
	const times = 2000
	before, err := ownTime()
	if err != nil {
		return 0, err
	}
	for range times {
		var read struct{ Metadata meta }
		if err := b.client.Read(ctx, b.first.path("apps/v1", "deployments"), &read); err != nil {
			return 0, err
		}
	}
	after, err := ownTime()
	return (after - before) / times, err
}

// ownTime is the processor time of this process so far.
func ownTime() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("read the processor time of the bench: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// part names a process: the programs of Kubernetes are one, which is told by its first
// argument what it is.
func part(args string) string {
	words := strings.Split(args, "\x00")
	for _, name := range []string{"kube-apiserver", "etcd"} {
		if len(words) > 1 && words[1] == name {
			return name
		}
	}
	if filepath.Base(words[0]) == "serin" {
		return "operator"
	}
	return "stand-ins and measurement"
}

// processorTime of /proc/PID/stat: user and system, in ticks of a hundredth of a second.
func processorTime(stat string) (time.Duration, error) {
	const tick, user, system = 10 * time.Millisecond, 11, 12 // fields after the name, which may hold spaces
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	if len(fields) <= system {
		return 0, fmt.Errorf("processor time: %q is no /proc/PID/stat", stat)
	}
	var ticks int64
	for _, field := range []string{fields[user], fields[system]} {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("processor time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// peakMemory of /proc/PID/status.
func peakMemory(status string) (int64, error) {
	for line := range strings.Lines(status) {
		rest, ok := strings.CutPrefix(line, "VmHWM:")
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("peak memory: %w", err)
		}
		return kib << 10, nil
	}
	return 0, fmt.Errorf("peak memory: no VmHWM in %q", status)
}
