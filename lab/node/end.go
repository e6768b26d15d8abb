package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/serinhq/serin/lab/await"
)

// endLimit is how long the kernel may take to end all processes of a namespace.
const endLimit = 30 * time.Second

// End kills the first process of a lab, and with it all others, and waits until they are gone.
func End(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill the lab (process %d): %w", pid, err)
	}
	return await.Condition(context.Background(), endLimit, "wait for the lab to end", func(context.Context) error {
		if Started(pid) == "" {
			return nil
		}
		return fmt.Errorf("process %d is still there", pid)
	})
}

// Started tells when the process began, in the kernel's own count, which tells it from a
// later one with the same number. It is empty when there is no such process, or only its
// entry is left.
func Started(pid int) string {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	data, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return ""
	}
	// The name in parentheses may hold anything, so count from its end.
	_, after, found := strings.Cut(string(data), ") ")
	fields := strings.Fields(after)
	const state, startTime = 0, 19
	if !found || len(fields) <= startTime {
		return ""
	}
	if fields[state] == "Z" || fields[state] == "X" {
		// The first thread may be dead while another still ends the whole namespace.
		threads, err := os.ReadDir(filepath.Join(dir, "task"))
		if err != nil || len(threads) <= 1 {
			return ""
		}
	}
	return fields[startTime]
}
