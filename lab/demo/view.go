package demo

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A View is what there is to see at one moment.
type View struct {
	Act, Acts int // number of the act, from 1, and of all
	Title     string
	Elapsed   time.Duration // since the story began
	Phase     Phase
	Asked     int     // percent of requests for the new release
	Measured  float64 // percent of answers that it gave
	Traffic   bool    // there is some, and the figures below mean something
	Success   float64
	P99       time.Duration
	Rate      int // answers in the last second
	Failed    int // requests of this act that no release answered
	Event     string
	Warning   bool // the event is one
	Done      []Row
}

// A palette is what is written before and after a word; the zero value is without colour.
type palette struct{ good, bad, soft, end string }

func colours() palette {
	return palette{good: "\x1b[32m", bad: "\x1b[31m", soft: "\x1b[2m", end: "\x1b[0m"}
}

// frame is the view as lines of at most width characters.
func (v View) frame(width int, p palette) []string {
	const label = 10
	head := fmt.Sprintf("act %d of %d: %s", v.Act, v.Acts, v.Title)
	lines := []string{
		spread(head, clock(v.Elapsed), width),
		"",
		cut(pad("phase", label)+orNone(string(v.Phase)), width),
		v.bar("asked", float64(v.Asked), width, palette{good: p.soft, end: p.end}),
		v.bar("measured", v.Measured, width, p),
		p.paint(cut(pad("traffic", label)+v.figures(), width), v.mood(p)),
		p.paint(cut(pad("event", label)+orNone(v.Event), width), p.when(v.Warning)),
		"",
	}
	for _, row := range v.Done {
		colour, word := p.good, "as expected"
		if len(row.Faults()) > 0 {
			colour, word = p.bad, "NOT as expected"
		}
		text := fmt.Sprintf("%-10s%s: %s in %s, %s", row.Act.Release.Version, row.Act.Name, orNone(string(row.Phase)), tenths(row.Took), word)
		lines = append(lines, p.paint(cut(text, width), colour))
	}
	return lines
}

// bar draws a share of 100 % over the width that the words leave.
func (v View) bar(label string, percent float64, width int, p palette) string {
	const words, longest = 10 + 9, 60
	value := fmt.Sprintf("%6.1f %%", percent)
	room := min(width-words, longest)
	if !v.Traffic {
		value, percent = "     -", 0
	}
	if room < 1 {
		return cut(pad(label, 10)+strings.TrimSpace(value), width)
	}
	full := min(max(int(percent*float64(room)/100+0.5), 0), room)
	return pad(label, 10) + p.good + strings.Repeat("█", full) + p.end + strings.Repeat("░", room-full) + value
}

func (v View) figures() string {
	if !v.Traffic {
		return "none yet"
	}
	return fmt.Sprintf("%d/s, success %.2f %%, p99 %s, failed on the way %d", v.Rate, v.Success, rounded(v.P99), v.Failed)
}

func (v View) mood(p palette) string {
	if v.Failed > 0 {
		return p.bad
	}
	return ""
}

func (p palette) when(warning bool) string {
	if warning {
		return p.bad
	}
	return ""
}

func (p palette) paint(text, colour string) string {
	if colour == "" {
		return text
	}
	return colour + text + p.end
}

// line is the view as one plain line.
func (v View) line() string {
	text := fmt.Sprintf("%s  %d/%d %-38s %-12s", clock(v.Elapsed), v.Act, v.Acts, v.Title, orNone(string(v.Phase)))
	if v.Traffic {
		text += fmt.Sprintf(" asked %d %%, measured %.1f %%, %s", v.Asked, v.Measured, v.figures())
	}
	return strings.TrimRight(text, " ")
}

// said is the event as one plain line.
func (v View) said() string {
	word := "event"
	if v.Warning {
		word = "warning"
	}
	return fmt.Sprintf("%s  %d/%d %s: %s", clock(v.Elapsed), v.Act, v.Acts, word, v.Event)
}

func clock(d time.Duration) string {
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

func rounded(d time.Duration) string {
	if d >= time.Second {
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
}

// spread puts left and right at the ends of a line.
func spread(left, right string, width int) string {
	gap := width - utf8.RuneCountInString(left) - utf8.RuneCountInString(right)
	if gap < 1 {
		return cut(left, width)
	}
	return left + strings.Repeat(" ", gap) + right
}

func pad(text string, width int) string { return fmt.Sprintf("%-*s", width, text) }

// cut shortens a text to at most width characters.
func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	if width < 1 {
		return ""
	}
	return string([]rune(text)[:width-1]) + "…"
}
