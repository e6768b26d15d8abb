package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// User is the user id of images that do not choose one: nobody in particular, and not root.
const User = "65532"

// Spec says what is in an image.
type Spec struct {
	Name       string            // such as lab.local/podinfo:6.9.2
	Files      map[string]string // path in the image: file on this machine (kept executable)
	Entrypoint []string
	Dir        string   // working directory; empty is /
	User       string   // empty is User
	Env        []string // NAME=value
}

// Program is the image of one static program that lies at the root of the image.
func Program(ref, program, file string) Spec {
	return Spec{
		Name:       ref,
		Files:      map[string]string{"/" + program: file},
		Entrypoint: []string{"/" + program},
	}
}

// Write writes the image as a docker-archive to file.
func Write(spec Spec, file string) error {
	tag, err := name.NewTag(spec.Name)
	if err != nil {
		return fmt.Errorf("read the image name %q: %w", spec.Name, err)
	}
	made, err := assemble(spec)
	if err != nil {
		return fmt.Errorf("make the image %s: %w", spec.Name, err)
	}
	if err := tarball.WriteToFile(file, tag, made); err != nil {
		return fmt.Errorf("write the image %s: %w", spec.Name, err)
	}
	return nil
}

func assemble(spec Spec) (v1.Image, error) {
	content, err := layer(spec.Files)
	if err != nil {
		return nil, err
	}
	// Compressing costs more time than reading the larger file again.
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	packed, err := tarball.LayerFromOpener(opener, tarball.WithCompressionLevel(0))
	if err != nil {
		return nil, fmt.Errorf("make the layer: %w", err)
	}
	with, err := mutate.AppendLayers(empty.Image, packed)
	if err != nil {
		return nil, fmt.Errorf("append the layer: %w", err)
	}
	config := v1.Config{Entrypoint: spec.Entrypoint, WorkingDir: spec.Dir, User: spec.User, Env: spec.Env}
	if config.User == "" {
		config.User = User
	}
	if config.WorkingDir == "" {
		config.WorkingDir = "/"
	}
	made, err := mutate.ConfigFile(with, &v1.ConfigFile{
		Architecture: "amd64", OS: "linux", Config: config,
		RootFS: v1.RootFS{Type: "layers", DiffIDs: diffIDs(packed)},
	})
	if err != nil {
		return nil, fmt.Errorf("set the configuration: %w", err)
	}
	return made, nil
}

func diffIDs(layer v1.Layer) []v1.Hash {
	id, err := layer.DiffID()
	if err != nil {
		return nil // mutate computes it again and reports the error
	}
	return []v1.Hash{id}
}

// layer is a tar file with the files, the folders above them, and an empty /tmp. All
// times are zero so that the same program gives the same image.
func layer(files map[string]string) ([]byte, error) {
	var out bytes.Buffer
	writer := tar.NewWriter(&out)
	const sticky = 0o1777
	if err := writer.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: sticky}); err != nil {
		return nil, fmt.Errorf("write /tmp: %w", err)
	}
	made := map[string]bool{"/": true}
	for _, target := range slices.Sorted(maps.Keys(files)) {
		if err := folders(writer, path.Dir(target), made); err != nil {
			return nil, err
		}
		if err := add(writer, target, files[target]); err != nil {
			return nil, err
		}
	}
	if err := writer.Close(); err != nil {
		return nil, fmt.Errorf("finish the layer: %w", err)
	}
	return out.Bytes(), nil
}

func folders(writer *tar.Writer, dir string, made map[string]bool) error {
	if made[dir] {
		return nil
	}
	if err := folders(writer, path.Dir(dir), made); err != nil {
		return err
	}
	made[dir] = true
	if err := writer.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir[1:] + "/", Mode: 0o755}); err != nil {
		return fmt.Errorf("write the folder %s: %w", dir, err)
	}
	return nil
}

func add(writer *tar.Writer, target, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the content of %s: %w", target, err)
	}
	header := &tar.Header{Typeflag: tar.TypeReg, Name: target[1:], Mode: 0o755, Size: int64(len(data))}
	if err := writer.WriteHeader(header); err != nil {
		return fmt.Errorf("write the head of %s: %w", target, err)
	}
	if _, err := writer.Write(data); err != nil {
		return fmt.Errorf("write the content of %s: %w", target, err)
	}
	return nil
}
