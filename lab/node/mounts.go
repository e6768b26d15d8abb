package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// setupMounts makes a /proc of the new process namespace, a /run of its own in which the
// state folder has a short name, and names for the new network.
func setupMounts(state string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts to ourselves: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := setupNames(state); err != nil {
		return err
	}
	fd, err := unix.Open(state, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the state folder %s: %w", state, err)
	}
	defer unix.Close(fd)
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount /run: %w", err)
	}
	if err := os.Mkdir(inside, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", inside, err)
	}
	if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", fd), inside, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount the state folder: %w", err)
	}
	return nil
}

// setupNames covers the host's names: its name servers cannot be reached from inside, and
// a program that looks up its own host's name would wait ten seconds for them.
func setupNames(state string) error {
	for file, content := range map[string]string{
		"hosts":       "127.0.0.1 localhost\n" + nodeAddress + " " + nodeName + "\n",
		"resolv.conf": "nameserver " + nodeAddress + "\n",
	} {
		ours := filepath.Join(state, file)
		if err := os.WriteFile(ours, []byte(content), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", file, err)
		}
		// It may be a link to a file that is elsewhere or nowhere.
		theirs, err := filepath.EvalSymlinks(filepath.Join("/etc", file))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("find the host's %s: %w", file, err)
		}
		if err := unix.Mount(ours, theirs, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("cover the host's %s: %w", file, err)
		}
	}
	return nil
}
