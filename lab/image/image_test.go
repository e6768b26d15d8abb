package image

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("not really a program"), 0o600); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(dir, "image.tar")
	if err := Write(Program("lab.local/serin:dev", "serin", program), archive); err != nil {
		t.Fatal(err)
	}
	made, err := tarball.ImageFromPath(archive, nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := made.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if c := file.Config; c.User != User || c.WorkingDir != "/" || !slices.Equal(c.Entrypoint, []string{"/serin"}) {
		t.Errorf("configuration %+v", c)
	}
	layers, err := made.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v", len(layers), err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := list(t, content), []string{"tmp/ 1777", "serin 755"}; !slices.Equal(got, want) {
		t.Errorf("it holds %v", got)
	}
}

func list(t *testing.T, content io.Reader) []string {
	t.Helper()
	var found []string
	for reader := tar.NewReader(content); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		const octal = "01234567"
		mode := ""
		for m := header.Mode; m > 0; m /= 8 {
			mode = string(octal[m%8]) + mode
		}
		found = append(found, header.Name+" "+mode)
	}
}

func TestWriteSaysWhatIsMissing(t *testing.T) {
	if err := Write(Program("UPPER CASE", "a", "b"), "c"); err == nil {
		t.Error("a name that is none was accepted")
	}
	if err := Write(Program("a:b", "a", filepath.Join(t.TempDir(), "none")), "c"); err == nil {
		t.Error("a program that is not there was accepted")
	}
}
