package demo

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// moments of a release that is undone.
func moments() []View {
	at := func(seconds int, change func(*View)) View {
		v := View{
			Act: 3, Acts: 4, Title: "a release that answers 500, 3.0.0", Elapsed: time.Duration(seconds) * time.Second,
			Phase: "Progressing", Traffic: true, Success: 100, P99: 4800 * time.Microsecond, Rate: 1000,
			Event: "New revision detected! Scaling up podinfo.demo", Done: wellDone()[:2],
		}
		change(&v)
		return v
	}
	return []View{
		{Act: 1, Acts: 4, Title: "the start, 1.0.0"},
		{Act: 1, Acts: 4, Title: "the start, 1.0.0", Elapsed: 4 * time.Second, Phase: "Initializing"},
		at(62, func(*View) {}),
		at(64, func(v *View) { v.Event, v.Asked, v.Measured = "Advance podinfo.demo canary weight 10", 10, 0 }),
		at(65, func(v *View) {
			v.Event, v.Asked, v.Measured, v.Success = "Advance podinfo.demo canary weight 10", 10, 9.7, 90.25
		}),
		at(75, func(v *View) {
			v.Event, v.Asked, v.Measured, v.Success = "Advance podinfo.demo canary weight 10", 10, 10.1, 89.9
		}),
		at(76, func(v *View) {
			v.Event, v.Warning = "Rolling back podinfo.demo failed checks threshold reached 1", true
			v.Phase, v.Failed, v.P99 = Failed, 3, 1200*time.Millisecond
		}),
	}
}

func TestPictures(t *testing.T) {
	for name, c := range map[string]struct {
		width   int
		palette palette
	}{
		"wide, colours": {100, colours()},
		"plain":         {80, palette{}},
		"narrow":        {24, palette{}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			for _, v := range moments() {
				out.WriteString(strings.ReplaceAll(strings.Join(v.frame(c.width, c.palette), "\n"), "\x1b", "^") + "\n=====\n")
			}
			equal(t, "testdata/picture-"+strings.ReplaceAll(name, ", ", "-")+".txt", out.Bytes())
		})
	}
}

func TestPicturesFitTheTerminal(t *testing.T) {
	for width := range 120 {
		for _, v := range moments() {
			for _, line := range v.frame(width, palette{}) {
				if n := utf8.RuneCountInString(line); n > width {
					t.Fatalf("at width %d a line has %d characters: %q", width, n, line)
				}
			}
		}
	}
}

func TestTerminalRedrawsInPlaceWithOneWrite(t *testing.T) {
	var out chunks
	screen := &terminal{out: &out, width: func() int { return 80 }}
	for _, v := range moments()[:3] {
		if err := screen.show(v); err != nil {
			t.Fatal(err)
		}
	}
	if err := screen.close(); err != nil {
		t.Fatal(err)
	}
	if len(out) != 4 {
		t.Fatalf("3 pictures and the end took %d writes", len(out))
	}
	lines := len(moments()[0].frame(79, palette{}))
	for i, want := range []string{hideCursor, fmt.Sprintf("\x1b[%dA\r", lines), fmt.Sprintf("\x1b[%dA\r", lines), showCursor} {
		if !strings.HasPrefix(out[i], want) {
			t.Errorf("write %d begins %.20q, want %q", i, out[i], want)
		}
	}
	for i, frame := range out[:3] {
		if strings.Contains(frame, "\x1b[2J") || !strings.HasSuffix(frame, restOfAll) {
			t.Errorf("picture %d erases before it writes", i)
		}
	}
}

type chunks []string

func (c *chunks) Write(data []byte) (int, error) {
	*c = append(*c, string(data))
	return len(data), nil
}

func TestAFileGetsLines(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, ok := newScreen(file, func(string) string { return "" }).(*lines); !ok {
		t.Error("a file is taken for a terminal")
	}
}

func TestPlainLines(t *testing.T) {
	var out bytes.Buffer
	screen := &lines{out: &out}
	for _, v := range moments() {
		for range 3 { // the same again says nothing
			if err := screen.show(v); err != nil {
				t.Fatal(err)
			}
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("plain lines hold control characters")
	}
	equal(t, "testdata/lines.txt", out.Bytes())
}

func TestPlainLinesBreakTheirSilence(t *testing.T) {
	var out bytes.Buffer
	screen := &lines{out: &out}
	for second := range 31 {
		v := View{Act: 1, Acts: 4, Title: "the start", Phase: "Initializing", Elapsed: time.Duration(second) * time.Second}
		if err := screen.show(v); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(out.String(), "\n"); got != 4 {
		t.Errorf("30 s without change: %d lines, want 4:\n%s", got, out.String())
	}
}
