package node

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// cgroupMounts lists where the kernel's control groups are: one folder for version 2, one
// for each controller for version 1. A version 2 tree beside version 1 has no controllers
// that the node could use and is left out.
func cgroupMounts() (folders []string, v2 bool, err error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, false, fmt.Errorf("read the mounts: %w", err)
	}
	return parseCgroupMounts(data)
}

func parseCgroupMounts(mountinfo []byte) (folders []string, v2 bool, err error) {
	var unified string
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
			if !slices.Contains(folders, fields[mountPoint]) {
				folders = append(folders, fields[mountPoint])
			}
		case "cgroup2":
			unified = fields[mountPoint]
		}
	}
	switch {
	case len(folders) > 0:
		return folders, false, nil
	case unified != "":
		return []string{unified}, true, nil
	default:
		return nil, false, errors.New("no control groups are mounted under /sys/fs/cgroup: mount them, or start the machine's init system")
	}
}

// makeCgroup makes the group under which all pods of this node live.
func makeCgroup(name string) error {
	folders, v2, err := cgroupMounts()
	if err != nil {
		return err
	}
	for _, folder := range folders {
		group := filepath.Join(folder, name)
		if err := os.Mkdir(group, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("make the control group %s: %w", group, err)
		}
		if v2 {
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

// RemoveCgroup removes the empty groups a node with this id has left.
func RemoveCgroup(id string) error {
	folders, _, err := cgroupMounts()
	if err != nil {
		return err
	}
	name := Config{ID: id}.cgroup()
	var errs []error
	for _, folder := range folders {
		errs = append(errs, removeGroup(filepath.Join(folder, name)))
	}
	return errors.Join(errs...)
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
