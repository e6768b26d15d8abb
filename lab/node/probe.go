package node

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC

// Check tells in one sentence what this machine lacks to run a node, by trying: a short
// process in namespaces of its own makes one of each thing the node will need.
func Check() error {
	if os.Geteuid() != 0 {
		return errors.New("the lab needs root to make namespaces, mounts and bridges: run it as root")
	}
	if _, err := readMounts(); err != nil {
		return err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{probeRole}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	out, err := cmd.Output()
	if err != nil {
		if ended, ok := errors.AsType[*exec.ExitError](err); ok && ended.ExitCode() == 1 {
			return errors.New(strings.TrimSpace(string(out)))
		}
		return fmt.Errorf("this kernel or container does not let root make namespaces (%w): run the lab on a machine or a privileged container that does", err)
	}
	return nil
}

// runProbe is the short process: it prints what is missing.
func runProbe() int {
	var missing []string
	for _, need := range []struct {
		name, module string
		try          func() error
	}{
		{"private mounts", "", privateMounts},
		{"bridges", "bridge", func() error { return addLink(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "probe0"}}) }},
		{"veth pairs", "veth", func() error {
			return addLink(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "probe1"}, PeerName: "probe2"})
		}},
		{"nftables", "nf_tables", askNftables},
		{"overlay mounts", "overlay", mountOverlay},
	} {
		if err := need.try(); err != nil {
			missing = append(missing, describe(need.name, need.module, err))
		}
	}
	if len(missing) == 0 {
		return 0
	}
	fmt.Printf("this kernel lacks what a node needs: %s\n", strings.Join(missing, "; "))
	return 1
}

func describe(name, module string, err error) string {
	if module == "" {
		return fmt.Sprintf("%s (%v)", name, err)
	}
	return fmt.Sprintf("%s (%v; try `modprobe %s`)", name, err, module)
}

func privateMounts() error {
	return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
}

func addLink(link netlink.Link) error { return netlink.LinkAdd(link) }

// askNftables asks for the number of the current rule set: the smallest question there is.
func askNftables() error {
	const question = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETGEN
	req := nl.NewNetlinkRequest(question, 0)
	req.AddData(&nl.Nfgenmsg{NfgenFamily: unix.AF_UNSPEC, Version: nl.NFNETLINK_V0})
	_, err := req.Execute(unix.NETLINK_NETFILTER, 0)
	return err
}

// mountOverlay mounts one in memory. What it leaves disappears with the namespace.
func mountOverlay() error {
	const base = "/tmp"
	if err := unix.Mount("tmpfs", base, "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("mount a tmpfs: %w", err)
	}
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(base, name), 0o755); err != nil {
			return err
		}
	}
	return unix.Mount("overlay", base+"/merged", "overlay", 0,
		"lowerdir="+base+"/lower,upperdir="+base+"/upper,workdir="+base+"/work")
}
