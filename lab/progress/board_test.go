package progress

import (
	"bytes"
	"regexp"
	"testing"
)

func TestPlainLines(t *testing.T) {
	var out bytes.Buffer
	board := New(&out)
	good, bad := board.Step("fetch"), board.Step("build")
	good.Note("1 of 2")
	good.Done()
	bad.Fail()
	board.Close()
	want := regexp.MustCompile(`^fetch +\.\.\.\nbuild +\.\.\.\nfetch +done in \S+\nbuild +failed in \S+\n$`)
	if !want.Match(out.Bytes()) {
		t.Errorf("got %q", out.String())
	}
}
