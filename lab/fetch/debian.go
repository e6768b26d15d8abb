package fetch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// packages are the Debian packages the node is made of, and the libraries of theirs that
// a small Debian does not have. They are unpacked, not installed.
func packages() []string {
	return []string{
		"containerd", "runc", "containernetworking-plugins", "prometheus",
		"nftables", "libnftables1", "libnftnl11", "libmnl0", "libjansson4", "libxtables12",
		"libgmp10", "libedit2", "libbsd0", "libseccomp2",
	}
}

// Debian is the folder into which the packages are unpacked.
type Debian struct{ Root string }

// Bin is a program of the packages.
func (d Debian) Bin(name string) string { return filepath.Join(d.Root, "usr", "bin", name) }

// CNI is the folder of the network plugins.
func (d Debian) CNI() string { return filepath.Join(d.Root, "usr", "lib", "cni") }

// Env lets programs of the packages find each other and their libraries.
func (d Debian) Env() []string {
	path := []string{filepath.Join(d.Root, "usr", "bin"), filepath.Join(d.Root, "usr", "sbin"), os.Getenv("PATH"), "/usr/sbin", "/sbin"}
	libraries := []string{filepath.Join(d.Root, "usr", "lib", "x86_64-linux-gnu"), filepath.Join(d.Root, "lib", "x86_64-linux-gnu")}
	return []string{
		"PATH=" + strings.Join(path, ":"),
		"LD_LIBRARY_PATH=" + strings.Join(libraries, ":"),
	}
}

// Debian fetches and unpacks the packages, in the versions the machine's Debian has.
func (c Cache) Debian(ctx context.Context, note Note) (Debian, error) {
	dir, err := c.Entry(ctx, debianKey(), func(dir string) error { return c.unpack(ctx, dir, note) })
	if err != nil {
		return Debian{}, err
	}
	return Debian{Root: dir}, nil
}

// HasDebian tells whether the packages are in the cache.
func (c Cache) HasDebian() bool { return c.Has(debianKey()) }

func debianKey() string {
	// A package of another release wants other libraries.
	release, err := os.ReadFile("/etc/debian_version")
	if err != nil {
		release = nil
	}
	return "debian-" + Sum(release, []byte(strings.Join(packages(), " ")))
}

func (c Cache) unpack(ctx context.Context, dir string, note Note) error {
	for _, program := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is missing: the lab takes containerd, runc and Prometheus from Debian, so run it on Debian 12", program)
		}
	}
	debs := filepath.Join(dir, "debs")
	if err := os.Mkdir(debs, 0o755); err != nil {
		return fmt.Errorf("make a folder for packages: %w", err)
	}
	note("downloading")
	if err := c.downloadDebs(ctx, debs, note); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(debs, "*.deb"))
	if err != nil {
		return fmt.Errorf("list the packages: %w", err)
	}
	for i, file := range files {
		note(fmt.Sprintf("unpacking %d of %d", i+1, len(files)))
		if err := run(ctx, dir, "unpack "+filepath.Base(file), "dpkg-deb", "-x", file, dir); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(debs); err != nil {
		return fmt.Errorf("remove the packages after unpacking: %w", err)
	}
	return nil
}

// downloadDebs uses the machine's package lists, and where they are missing or too old
// lists of its own, so that the machine's stay as they are.
func (c Cache) downloadDebs(ctx context.Context, dir string, note Note) error {
	const doing = "download Debian packages"
	// Without this apt warns that its own user may not write here.
	download := append([]string{"-q", "-o", "APT::Sandbox::User=root", "download"}, packages()...)
	if run(ctx, dir, doing, "apt-get", download...) == nil {
		return nil
	}
	note("updating package lists")
	lists := filepath.Join(c.Dir, "apt-lists")
	if err := os.MkdirAll(filepath.Join(lists, "partial"), 0o755); err != nil {
		return fmt.Errorf("make a folder for package lists: %w", err)
	}
	own := []string{"-q", "-o", "Dir::State::lists=" + lists, "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=",
		"-o", "APT::Sandbox::User=root"}
	if err := run(ctx, dir, "update Debian package lists", "apt-get", append(own, "update")...); err != nil {
		return err
	}
	note("downloading")
	return run(ctx, dir, doing, "apt-get", append(append(own, "download"), packages()...)...)
}

// run runs a program in dir and explains its failure.
func run(ctx context.Context, dir, doing, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("%s: %w", doing, context.Canceled)
	}
	return explain(doing, strings.Split(strings.TrimSpace(string(out)), "\n"), err)
}
