package node

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// startEngine starts containerd and gives it the images: there is no registry.
func (n *theNode) startEngine(ctx context.Context) error {
	engine, err := n.run("containerd", n.debian("containerd"), n.DebianEnv, "--config", n.path("containerd.toml"))
	if err != nil {
		return err
	}
	err = until(ctx, engine, func(ctx context.Context) error {
		return n.ctr(ctx, "version")
	})
	if err != nil {
		return err
	}
	for _, image := range n.Images {
		if err := n.ctr(ctx, "--namespace", "k8s.io", "images", "import", image); err != nil {
			return fmt.Errorf("import %s: %w", filepath.Base(image), err)
		}
	}
	return nil
}

func (n *theNode) debian(program string) string { return filepath.Join(n.DebianBin, program) }

func (n *theNode) ctr(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, n.debian("ctr"), append([]string{"--address", n.Containerd()}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("ctr: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// containerdConfig is for containerd 1.6, the version of Debian 12.
func (n *theNode) containerdConfig() string {
	return fmt.Sprintf(`version = 2
root = %[1]q
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
]
[grpc]
  address = %[2]q
[plugins."io.containerd.internal.v1.opt"]
  path = %[3]q
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %[4]q
  disable_apparmor = true
  # Root in a small virtual machine may not make itself less killable, and every pod would
  # fail with "can't get final child's PID from pipe".
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = %[5]q
    conf_dir = %[6]q
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`, n.path("containerd"), n.Containerd(), n.path("opt"), pauseImage, n.CNI, n.path("cni"))
}

// cniConfig gives each pod a link of its own to the node, which routes. On a bridge, an
// answer between two pods would go straight back, past the rules that gave its question a
// Service's address, unless br_netfilter is loaded, which is the host's business. No
// masquerading: nothing leaves the machine.
func (n *theNode) cniConfig() string {
	return fmt.Sprintf(`{
  "cniVersion": "0.4.0",
  "name": "lab",
  "plugins": [{
    "type": "ptp", "ipMasq": false,
    "ipam": {
      "type": "host-local", "dataDir": %q,
      "ranges": [[{"subnet": %q}]], "routes": [{"dst": "0.0.0.0/0"}]
    }
  }]
}
`, n.path("ipam"), podNetwork)
}
