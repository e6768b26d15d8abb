package demo

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"
)

// A screen shows views.
type screen interface {
	show(View) error
	close() error // leaves the newest view standing
}

// usualWidth of a terminal that does not say its own.
const usualWidth = 80

// newScreen chooses: a picture redrawn in place on a terminal, lines anywhere else.
func newScreen(out *os.File, env func(string) string) screen {
	if _, ok := terminalWidth(out); !ok || env("TERM") == "dumb" {
		return &lines{out: out}
	}
	t := &terminal{out: out, width: func() int {
		if width, ok := terminalWidth(out); ok {
			return width
		}
		return usualWidth
	}}
	if env("NO_COLOR") == "" {
		t.palette = colours()
	}
	return t
}

// terminal redraws one picture in place. A frame is one write, and each line is
// overwritten rather than erased first, so that nothing flickers.
type terminal struct {
	out     io.Writer
	width   func() int
	palette palette
	drawn   int // lines of the picture that stands
}

const (
	hideCursor, showCursor = "\x1b[?25l", "\x1b[?25h"
	restOfLine, restOfAll  = "\x1b[K", "\x1b[J"
)

func (t *terminal) show(v View) error {
	var frame bytes.Buffer
	if t.drawn == 0 {
		frame.WriteString(hideCursor)
	} else {
		fmt.Fprintf(&frame, "\x1b[%dA\r", t.drawn)
	}
	// The last column stays free: terminals differ in what they do after writing it.
	picture := v.frame(max(t.width()-1, 1), t.palette)
	for _, line := range picture {
		frame.WriteString(line + restOfLine + "\n")
	}
	frame.WriteString(restOfAll)
	t.drawn = len(picture)
	_, err := t.out.Write(frame.Bytes())
	return err
}

func (t *terminal) close() error {
	if t.drawn == 0 {
		return nil
	}
	t.drawn = 0
	_, err := io.WriteString(t.out, showCursor)
	return err
}

// heartbeat is the longest silence of plain lines.
const heartbeat = 10 * time.Second

// lines prints a line when something has changed, and now and then when nothing has.
type lines struct {
	out  io.Writer
	last View
	told time.Duration // Elapsed of the newest line
}

func (l *lines) show(v View) error {
	var text string
	if v.Event != l.last.Event && v.Event != "" {
		text += v.said() + "\n"
	}
	if l.changed(v) || v.Elapsed-l.told >= heartbeat {
		text += v.line() + "\n"
		l.told = v.Elapsed
	}
	l.last = v
	if text == "" {
		return nil
	}
	_, err := io.WriteString(l.out, text)
	return err
}

func (l *lines) changed(v View) bool {
	return v.Act != l.last.Act || v.Phase != l.last.Phase || v.Asked != l.last.Asked ||
		v.Failed > 0 && l.last.Failed == 0 // the first; how many more it became is told now and then
}

func (l *lines) close() error { return nil }
