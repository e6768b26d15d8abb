package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/serinhq/serin/lab/image"
)

// ImageOptions say what is in an image beside its program.
type ImageOptions struct {
	User string   // empty is 65532
	Env  []string // NAME=value
}

// LoadImage makes an image of a static program, whose entrypoint it is under its own file
// name at the root, and gives it to the lab under the name ref. Pods use it with
// imagePullPolicy IfNotPresent or Never.
func (c *Cluster) LoadImage(ctx context.Context, ref, binary string, opts ImageOptions) error {
	dir, err := os.MkdirTemp("", "serin-image-")
	if err != nil {
		return fmt.Errorf("make a folder for an image: %w", err)
	}
	spec := image.Program(ref, filepath.Base(binary), binary)
	spec.User, spec.Env = opts.User, opts.Env
	archive := filepath.Join(dir, "image.tar")
	err = image.Write(spec, archive)
	if err == nil {
		err = c.importImage(ctx, ref, archive)
	}
	return errors.Join(err, os.RemoveAll(dir))
}

func (c *Cluster) importImage(ctx context.Context, ref, archive string) error {
	cmd := exec.CommandContext(ctx, c.Tools.Ctr, "--address", c.Tools.Containerd,
		"--namespace", "k8s.io", "images", "import", archive)
	cmd.Env = append(os.Environ(), c.Tools.Env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("load the image %s into lab %s: %w: %s", ref, c.Name, err, strings.TrimSpace(string(out)))
	}
	return nil
}
