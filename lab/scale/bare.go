package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// bare is what the requests of a release cost a program of the same libraries as the
// operator, built alike, that decides nothing: the least that an operator can cost on this
// machine at this hour.
type bare struct {
	cpu      time.Duration // per release
	requests float64       // per release
}

func (b *bench) bare(ctx context.Context) (bare, error) {
	const most = 100 // releases, which take a minute or two
	releases := min(len(b.subjects), most)
	b.say(fmt.Sprintf("make the requests of %d releases without an operator", releases))
	program := filepath.Join(b.dir, "bareclient")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "./integration/bareclient")
	build.Dir, build.Env = b.settings.source, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return bare{}, fmt.Errorf("build the bare client: %w\n%s", err, out)
	}
	run := exec.CommandContext(ctx, program, "-kubeconfig="+b.plane.Kubeconfig, "-metrics-server="+b.metrics.URL,
		fmt.Sprintf("-releases=%d", releases), fmt.Sprintf("-pace=%s", b.settings.pace))
	run.Stderr = os.Stderr
	out, err := run.Output()
	if err != nil {
		return bare{}, fmt.Errorf("run the bare client: %w", err)
	}
	return parseBare(string(out))
}

// parseBare reads how many releases there were, the requests of all, and the microseconds.
func parseBare(text string) (bare, error) {
	var releases, requests, spent int64
	switch _, err := fmt.Sscanf(text, "%d %d %d", &releases, &requests, &spent); {
	case err != nil:
		return bare{}, fmt.Errorf("the bare client said %q, want releases, requests and microseconds: %w", text, err)
	case releases < 1:
		return bare{}, fmt.Errorf("the bare client said %q: there was no release", text)
	}
	return bare{cpu: time.Duration(spent/releases) * time.Microsecond, requests: float64(requests) / float64(releases)}, nil
}
