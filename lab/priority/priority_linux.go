package priority

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// ahead is the niceness of the lab: before everything that runs as usual, and behind
// what an administrator has put first.
const ahead = -10

// Raise puts this process, all its threads, and all that they start from now on ahead of
// others. Who may not do that goes on as before: it is a courtesy to the measurements.
func Raise() error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("list the threads: %w", err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			return fmt.Errorf("read the number of a thread: %w", err)
		}
		err = syscall.Setpriority(syscall.PRIO_PROCESS, id, ahead)
		switch {
		case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
			return nil
		case err != nil && !errors.Is(err, syscall.ESRCH): // it has just ended
			return fmt.Errorf("raise the priority of thread %d: %w", id, err)
		}
	}
	return nil
}

// RaiseSession does the same for the session of this process, which must be its own: kernels
// that group processes by session compare niceness only inside of one.
func RaiseSession() error {
	err := os.WriteFile("/proc/self/autogroup", []byte(strconv.Itoa(ahead)), 0)
	for _, fine := range []error{fs.ErrNotExist, fs.ErrPermission, syscall.EAGAIN, syscall.EIO} {
		if errors.Is(err, fine) {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("raise the priority of the session: %w", err)
	}
	return nil
}
