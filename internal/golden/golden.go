// Package golden compares what a test got with a file beside it.
//
// It knows one flag, -update, which writes the files instead. Read the changed
// files before committing them: they are what users will see. It refuses to know
// what the bytes mean.
package golden

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files instead of comparing with them")

// Equal fails the test if got differs from the file at path, relative to the
// package under test. With -update it writes the file and its folder instead.
func Equal(t testing.TB, path string, got []byte) {
	t.Helper()
	if *update {
		if err := write(path, got); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s does not exist; run the test with -update and read what it writes", path)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs (-file +got):\n%s\nrun the test with -update if this is meant", path, cmp.Diff(string(want), string(got)))
	}
}

func write(path string, got []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, got, 0o644)
}
