package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Board shows steps. On a terminal the running ones are redrawn in place; elsewhere each
// step prints a line when it begins, when it ends, and now and then between.
type Board struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	running  []*Step
	drawn    int // lines on the terminal that belong to running steps
	stop     chan struct{}
	stopped  chan struct{}
}

// Step is one part of the work.
type Step struct {
	board *Board
	name  string
	note  string
	begun time.Time
	told  time.Time // when the last plain line about it was printed
}

const (
	redraw = 200 * time.Millisecond // pause between two pictures on a terminal
	repeat = 15 * time.Second       // pause between two plain lines about the same step
)

// New makes a board that writes to out. Close must be called in the end.
func New(out io.Writer) *Board {
	b := &Board{out: out, terminal: isTerminal(out), stop: make(chan struct{}), stopped: make(chan struct{})}
	go b.tick()
	return b
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (b *Board) tick() {
	defer close(b.stopped)
	ticker := time.NewTicker(redraw)
	defer ticker.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-ticker.C:
			b.refresh()
		}
	}
}

// Close stops drawing. Steps that still run disappear from the terminal.
func (b *Board) Close() {
	close(b.stop)
	<-b.stopped
	b.mu.Lock()
	defer b.mu.Unlock()
	b.erase()
}

// Step begins a step.
func (b *Board) Step(name string) *Step {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	s := &Step{board: b, name: name, begun: now, told: now}
	b.running = append(b.running, s)
	if !b.terminal {
		b.print("%-28s ...\n", name)
	}
	return s
}

// Note says how far the step is.
func (s *Step) Note(text string) {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	s.note = text
}

// Done ends the step well.
func (s *Step) Done() { s.end("done") }

// Fail ends the step badly. The error itself is for the caller to report.
func (s *Step) Fail() { s.end("failed") }

func (s *Step) end(word string) {
	b := s.board
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, other := range b.running {
		if other == s {
			b.running = append(b.running[:i:i], b.running[i+1:]...)
			break
		}
	}
	b.erase()
	b.print("%-28s %s in %s\n", s.name, word, spent(s.begun))
	b.draw()
}

func (b *Board) refresh() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.terminal {
		b.erase()
		b.draw()
		return
	}
	for _, s := range b.running {
		if time.Since(s.told) >= repeat {
			s.told = time.Now()
			b.print("%-28s %s, %s so far\n", s.name, orElse(s.note, "running"), spent(s.begun))
		}
	}
}

// erase removes the running steps from the terminal.
func (b *Board) erase() {
	if b.drawn > 0 {
		b.print("\x1b[%dA\x1b[J", b.drawn)
		b.drawn = 0
	}
}

func (b *Board) draw() {
	if !b.terminal {
		return
	}
	for _, s := range b.running {
		const width = 78 // a line that wraps could not be erased
		line := fmt.Sprintf("%-28s %6s  %s", s.name, spent(s.begun), s.note)
		b.print("%.*s\n", width, line)
	}
	b.drawn = len(b.running)
}

// print has nobody to tell when the screen is gone; the work goes on.
func (b *Board) print(format string, args ...any) { _, _ = fmt.Fprintf(b.out, format, args...) }

func spent(since time.Time) time.Duration { return time.Since(since).Round(100 * time.Millisecond) }

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// Silent is a board that shows nothing.
func Silent() *Board {
	b := &Board{out: io.Discard, stop: make(chan struct{}), stopped: make(chan struct{})}
	close(b.stopped)
	return b
}
