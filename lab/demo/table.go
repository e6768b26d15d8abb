package demo

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// A Row is what came of one act.
type Row struct {
	Act   Act
	Phase Phase
	Took  time.Duration // from applying the release to the verdict
	Steps []Step

	Sent, Unsent int
	Failed       int    // requests that no release answered
	Lost         string // the first of them in words
	Answers      int    // of the act's release

	Exposed time.Duration // from the first to the last answer of an undone release
	Back    time.Duration // from the verdict to the last of them; negative if it came before
	Home    float64       // percent of the newest answers that the expected version gave
	Err     error         // why the act was given up
}

// A Step is a weight with the share of the answers that the new release gave meanwhile.
type Step struct {
	Asked    int
	Share    float64
	Measured bool // false if there were too few answers to tell
}

// Faults says in which ways the row is not as expected, each in a sentence.
func (r Row) Faults() []string {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	expect := r.Act.Expect
	if r.Err != nil {
		fault("%v", r.Err)
	}
	if r.Phase != expect.Phase {
		fault("it ended %s instead of %s", orNone(string(r.Phase)), expect.Phase)
	}
	if r.Sent == 0 {
		fault("no request was sent")
	}
	if r.Failed > 0 {
		fault("%d requests were answered by no release, the first at %s", r.Failed, r.Lost)
	}
	// A machine that stands still for some seconds sends late and less, which harms nobody's
	// requests; when a good part is missing, the figures say little.
	if r.Unsent*3 > r.Sent+r.Unsent {
		fault("the load could not keep its rate: %d of %d requests were not sent", r.Unsent, r.Sent+r.Unsent)
	}
	if r.Home < 100 {
		fault("in the end %s gave %.1f %% of the answers instead of all", expect.Home, r.Home)
	}
	faults = append(faults, r.stepFaults()...)
	return append(faults, r.undoFaults()...)
}

func (r Row) stepFaults() []string {
	expect := r.Act.Expect
	var faults, asked, wanted []string
	for _, step := range r.Steps {
		asked = append(asked, strconv.Itoa(step.Asked))
		switch {
		case expect.Points == 0:
		case !step.Measured:
			faults = append(faults, fmt.Sprintf("step %d %% was too short to be measured", step.Asked))
		case math.Abs(step.Share-float64(step.Asked)) > expect.Points:
			faults = append(faults, fmt.Sprintf("at step %d %% the share was %.1f %%, more than %g points off",
				step.Asked, step.Share, expect.Points))
		}
	}
	for _, weight := range expect.Weights {
		wanted = append(wanted, strconv.Itoa(weight))
	}
	if got, want := strings.Join(asked, " "), strings.Join(wanted, " "); got != want {
		faults = append(faults, fmt.Sprintf("its steps were %s instead of %s", orNone(got), orNone(want)))
	}
	return faults
}

func (r Row) undoFaults() []string {
	if r.Act.Expect.Phase != Failed {
		return nil
	}
	if r.Answers == 0 {
		return []string{"it never answered, so nothing was judged"}
	}
	if r.Back > r.Act.Expect.Back {
		return []string{fmt.Sprintf("it answered for %s after the verdict, more than %s",
			tenths(r.Back), tenths(r.Act.Expect.Back))}
	}
	return nil
}

// AsExpected reports whether all acts of the story were played and are as expected.
func (s Story) AsExpected(rows []Row) bool {
	if len(rows) != len(s.Acts) {
		return false
	}
	for _, row := range rows {
		if len(row.Faults()) > 0 {
			return false
		}
	}
	return true
}

// WriteTable writes a line for each row, and below them what is not as expected.
func WriteTable(out io.Writer, rows []Row) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "release\tverdict\ttook\tasked → measured %\trequests\tfailed on\tbad answers\tback after\tas")
	fmt.Fprintln(table, "\t\t\t\t\tthe way\tfor\tverdict\texpected")
	for _, row := range rows {
		fmt.Fprintln(table, strings.Join(row.cells(), "\t"))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	for _, row := range rows {
		for _, fault := range row.Faults() {
			if _, err := fmt.Fprintf(out, "\n%s, %s: %s", row.Act.Release.Version, row.Act.Name, fault); err != nil {
				return fmt.Errorf("write the faults: %w", err)
			}
		}
	}
	_, err := fmt.Fprintln(out)
	return err
}

func (r Row) cells() []string {
	var steps []string
	for _, step := range r.Steps {
		text := "?"
		if step.Measured {
			text = strconv.FormatFloat(step.Share, 'f', 1, 64)
		}
		steps = append(steps, fmt.Sprintf("%d→%s", step.Asked, text))
	}
	exposed, back, verdict := "-", "-", "yes"
	if r.Act.Expect.Phase == Failed && r.Answers > 0 {
		exposed, back = tenths(r.Exposed), tenths(max(r.Back, 0))
	}
	if len(r.Faults()) > 0 {
		verdict = "NO"
	}
	return []string{
		r.Act.Release.Version + " " + r.Act.Name, orNone(string(r.Phase)), tenths(r.Took), orNone(strings.Join(steps, "  ")),
		strconv.Itoa(r.Sent), strconv.Itoa(r.Failed), exposed, back, verdict,
	}
}

func tenths(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s" }

func orNone(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
