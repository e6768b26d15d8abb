package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/serinhq/serin/lab/fetch"
)

// What has to be free on the disk, in bytes: for a first build (Go's caches take most of
// it) and for a lab whose parts are built.
const (
	gigabyte   = 1 << 30
	buildSpace = 8 * gigabyte
	runSpace   = gigabyte
)

// preflight looks for what would make a lab fail later in a less clear way, as far as it
// depends on the cache. Each error is one sentence that says what is missing and what to do.
func preflight(ctx context.Context, cache fetch.Cache, opts Options) error {
	if under(cache.Dir, "/run") {
		return fmt.Errorf("the cache folder %s lies under /run, which a lab covers with its own: set SERIN_CACHE to another", cache.Dir)
	}
	control := fetch.Contour()
	if opts.Istio {
		control = fetch.Istiod()
	}
	if cache.Built(fetch.Kubernetes()) && cache.Built(control) && cache.Built(fetch.Podinfo()) {
		return space(cache.Dir, runSpace)
	}
	return buildPlaces(ctx, cache)
}

func under(dir, parent string) bool {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		real = dir
	}
	return real == parent || strings.HasPrefix(real, parent+"/")
}

// buildPlaces checks each disk that a first build fills.
func buildPlaces(ctx context.Context, cache fetch.Cache) error {
	out, err := exec.CommandContext(ctx, "go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		return fmt.Errorf("the go command does not run (%w): install Go 1.26 or newer", err)
	}
	places := []string{cache.Dir}
	for line := range bytes.Lines(out) {
		places = append(places, strings.TrimSpace(string(line)))
	}
	for _, place := range places {
		if err := space(place, buildSpace); err != nil {
			return err
		}
	}
	return nil
}

// space tells whether the disk on which dir is, or will be, has room.
func space(dir string, need uint64) error {
	var stat syscall.Statfs_t
	err := syscall.Statfs(dir, &stat)
	for errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		err = syscall.Statfs(dir, &stat)
	}
	if err != nil {
		return fmt.Errorf("ask for the free space of %s: %w", dir, err)
	}
	return enough(dir, stat.Bavail*uint64(stat.Bsize), need) //nolint:gosec // a block size is not negative
}

func enough(dir string, free, need uint64) error {
	if free >= need {
		return nil
	}
	return fmt.Errorf("the disk of %s has %.1f GB free and the lab needs %.1f GB there: make room, or set SERIN_CACHE and GOCACHE to folders on a larger disk",
		dir, float64(free)/gigabyte, float64(need)/gigabyte)
}

// sweep removes what labs left that were killed and not ended with Down, whatever their
// names. Labs that run, or that somebody is starting or ending, are left alone.
func sweep(ctx context.Context, cache fetch.Cache) error {
	entries, err := os.ReadDir(filepath.Join(cache.Dir, "labs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for labs that were killed: %w", err)
	}
	var errs []error
	for _, entry := range entries {
		errs = append(errs, sweepOne(ctx, cache, entry.Name()))
	}
	return errors.Join(errs...)
}

func sweepOne(ctx context.Context, cache fetch.Cache, name string) error {
	unlock, free, err := cache.TryLock("lab-" + name)
	if err != nil || !free {
		return err
	}
	defer unlock()
	c, err := read(stateDir(cache, name))
	if errors.Is(err, fs.ErrNotExist) || err == nil && c.alive() {
		return nil
	}
	if err != nil {
		return err
	}
	return c.Down(ctx)
}
