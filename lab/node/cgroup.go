package node

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/serinhq/serin/lab/await"
)

// mounts are the folders where the kernel's control groups are.
type mounts struct {
	v1 []string // one for each controller
	v2 string   // the one tree of version 2
}

// readMounts finds the control groups of this machine.
func readMounts() (mounts, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return mounts{}, fmt.Errorf("read the mounts: %w", err)
	}
	return parseMounts(data)
}

func parseMounts(mountinfo []byte) (mounts, error) {
	var m mounts
	scanner := bufio.NewScanner(bytes.NewReader(mountinfo))
	for scanner.Scan() {
		// 36 35 98:0 /root /mount/point options - type source options
		before, after, found := strings.Cut(scanner.Text(), " - ")
		fields := strings.Fields(before)
		const mountPoint = 4
		if !found || len(fields) <= mountPoint {
			continue
		}
		switch kind, _, _ := strings.Cut(after, " "); kind {
		case "cgroup":
			if !slices.Contains(m.v1, fields[mountPoint]) {
				m.v1 = append(m.v1, fields[mountPoint])
			}
		case "cgroup2":
			m.v2 = fields[mountPoint]
		}
	}
	if len(m.v1) == 0 && m.v2 == "" {
		return mounts{}, errors.New("no control groups are mounted under /sys/fs/cgroup: mount them, or start the machine's init system")
	}
	return m, nil
}

// used are the folders in which the kubelet makes groups. A version 2 tree beside version
// 1 has no controllers for it.
func (m mounts) used() []string {
	if len(m.v1) > 0 {
		return m.v1
	}
	return []string{m.v2}
}

// all are the folders in which something may be left: runc makes groups in a version 2
// tree beside version 1, too.
func (m mounts) all() []string {
	if m.v2 == "" {
		return m.v1
	}
	return append(slices.Clone(m.v1), m.v2)
}

// makeCgroup makes the group under which all pods of this node live.
func makeCgroup(name string) error {
	m, err := readMounts()
	if err != nil {
		return err
	}
	for _, folder := range m.used() {
		group := filepath.Join(folder, name)
		if err := os.Mkdir(group, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("make the control group %s: %w", group, err)
		}
		if folder == m.v2 {
			err = delegate(folder, group)
		} else {
			err = fillCpuset(folder, group)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fillCpuset gives the group its parent's processors and memory nodes: in version 1 a new
// cpuset is empty and nothing can be put into it.
func fillCpuset(parent, group string) error {
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		value, err := os.ReadFile(filepath.Join(parent, file))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another controller
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		if err := os.WriteFile(filepath.Join(group, file), value, 0o644); err != nil {
			return fmt.Errorf("set %s of %s: %w", file, group, err)
		}
	}
	return nil
}

// delegate hands the controllers the kubelet wants down to the group (version 2).
//
// Not run on the machines the lab was made on, which have version 1; reasoned from the
// kernel's documentation. On a usual Debian 12 systemd has enabled most controllers at the
// root, which alone may hold processes and children at once. Inside a container the "root"
// is an ordinary group: it may not hold processes when it hands controllers down (EBUSY),
// so they are moved to a leaf first.
func delegate(root, group string) error {
	if err := enable(root); errors.Is(err, syscall.EBUSY) {
		if err := moveToLeaf(root); err != nil {
			return err
		}
		if err := enable(root); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	return enable(group)
}

// enable enables for the children of group what the kubelet wants and group has.
func enable(group string) error {
	has, err := os.ReadFile(filepath.Join(group, "cgroup.controllers"))
	if err != nil {
		return fmt.Errorf("read the controllers of %s: %w", group, err)
	}
	control := filepath.Join(group, "cgroup.subtree_control")
	enabled, err := os.ReadFile(control)
	if err != nil {
		return fmt.Errorf("read the enabled controllers of %s: %w", group, err)
	}
	for _, controller := range []string{"cpuset", "cpu", "io", "memory", "hugetlb", "pids"} {
		if !slices.Contains(strings.Fields(string(has)), controller) ||
			slices.Contains(strings.Fields(string(enabled)), controller) {
			continue
		}
		if err := os.WriteFile(control, []byte("+"+controller), 0o644); err != nil {
			return fmt.Errorf("enable the controller %s in %s: %w", controller, group, err)
		}
	}
	return nil
}

func moveToLeaf(group string) error {
	leaf := filepath.Join(group, "leaf")
	if err := os.Mkdir(leaf, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the control group %s: %w", leaf, err)
	}
	processes, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
	if err != nil {
		return fmt.Errorf("list the processes of %s: %w", group, err)
	}
	for _, process := range strings.Fields(string(processes)) {
		err := os.WriteFile(filepath.Join(leaf, "cgroup.procs"), []byte(process), 0o644)
		if err != nil && !errors.Is(err, syscall.ESRCH) { // it has ended meanwhile
			return fmt.Errorf("move process %s to %s: %w", process, leaf, err)
		}
	}
	return nil
}

// RemoveCgroup removes the empty groups a node with this id has left. They become empty a
// moment after the node's end.
func RemoveCgroup(id string) error {
	m, err := readMounts()
	if err != nil {
		return err
	}
	name := Config{ID: id}.cgroup()
	return await.Condition(context.Background(), endLimit, "remove what the lab has left", func(context.Context) error {
		for _, folder := range m.all() {
			if err := removeGroup(filepath.Join(folder, name)); err != nil {
				return err
			}
		}
		return nil
	})
}

// removeGroup removes a group and those below it; their files vanish with them.
func removeGroup(group string) error {
	entries, err := os.ReadDir(group)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list the control group %s: %w", group, err)
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := removeGroup(filepath.Join(group, entry.Name())); err != nil {
				return err
			}
		}
	}
	if err := syscall.Rmdir(group); err != nil && !errors.Is(err, syscall.ENOENT) {
		return fmt.Errorf("remove the control group %s: %w", group, err)
	}
	return nil
}
