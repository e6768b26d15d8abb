package golden

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// judged records what a test would have been told.
type judged struct {
	testing.TB
	said string
}

func (j *judged) Helper()                           {}
func (j *judged) Errorf(format string, args ...any) { j.said += fmt.Sprintf(format, args...) }

func TestEqual(t *testing.T) {
	if *update {
		return // this test is about comparing
	}
	path := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(path, []byte("one\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, path, got, want string }{
		{"the same", path, "one\n", ""},
		{"another", path, "two\n", "a.txt differs"},
		{"no file", path + ".none", "one\n", "run the test with -update"},
	} {
		j := &judged{TB: t}
		Equal(j, tc.path, []byte(tc.got))
		if (tc.want == "") != (j.said == "") || !strings.Contains(j.said, tc.want) {
			t.Errorf("%s: said %q, want %q", tc.name, j.said, tc.want)
		}
	}
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "a.txt")
	if err := write(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "one" {
		t.Errorf("wrote %q, %v", got, err)
	}
}
