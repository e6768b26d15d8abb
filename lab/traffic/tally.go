package traffic

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// Tally is what became of the requests of a second or a span.
type Tally struct {
	Sent   int // begun, answered or not
	Unsent int // due, but the limit of requests under way was reached
	// Gateway counts answers that no release wrote, Connection requests without a whole
	// answer: refused, reset, cut short, too late. Both failed on the way.
	Gateway, Connection int
	// Lost is the first of those in words, empty if there were none.
	Lost     string
	Releases map[string]Answers
}

// Answers are those of one release.
type Answers struct {
	Total, Errors int // Errors are those with a status of 500 and above
	Latency       Histogram
	First, Last   time.Time // arrival of the first and the last of them
}

// Failed is how many requests failed on the way, answered by no release.
func (t Tally) Failed() int { return t.Gateway + t.Connection }

// Answered is how many requests were answered by a release, well or not.
func (t Tally) Answered() int {
	n := 0
	for _, answers := range t.Releases {
		n += answers.Total
	}
	return n
}

// Share is the part of all releases' answers that the named one gave, in percent; zero
// when there are no answers at all.
func (t Tally) Share(release string) float64 {
	return percent(t.Releases[release].Total, t.Answered())
}

// Success is the part of all requests that came to an end which were answered by a
// release without an error, in percent; 100 when none came to an end.
func (t Tally) Success() float64 {
	bad := t.Failed()
	for _, answers := range t.Releases {
		bad += answers.Errors
	}
	ended := t.Answered() + t.Failed()
	if ended == 0 {
		return 100
	}
	return percent(ended-bad, ended)
}

// Latency is that of all answers of releases.
func (t Tally) Latency() Histogram {
	var all Histogram
	for _, answers := range t.Releases {
		all.Add(&answers.Latency)
	}
	return all
}

// Names lists the releases that answered, sorted.
func (t Tally) Names() []string { return slices.Sorted(maps.Keys(t.Releases)) }

// Plus is both tallies together.
func (t Tally) Plus(other Tally) Tally {
	sum := t.clone()
	sum.Sent += other.Sent
	sum.Unsent += other.Unsent
	sum.Gateway += other.Gateway
	sum.Connection += other.Connection
	if sum.Lost == "" {
		sum.Lost = other.Lost
	}
	for name, more := range other.Releases {
		sum.Releases[name] = sum.Releases[name].plus(more)
	}
	return sum
}

func (a Answers) plus(other Answers) Answers {
	a.Total += other.Total
	a.Errors += other.Errors
	a.Latency.Add(&other.Latency)
	if a.First.IsZero() || !other.First.IsZero() && other.First.Before(a.First) {
		a.First = other.First
	}
	if other.Last.After(a.Last) {
		a.Last = other.Last
	}
	return a
}

func (t Tally) clone() Tally {
	t.Releases = maps.Clone(t.Releases)
	if t.Releases == nil {
		t.Releases = map[string]Answers{}
	}
	return t
}

// outcome is what became of one request.
type outcome struct {
	at      time.Time // when it came to an end
	latency time.Duration
	release string // empty if none answered
	status  int    // zero without a whole answer
	lost    string // why, if no release answered
}

func (t *Tally) count(o outcome) {
	switch {
	case o.release != "":
		if t.Releases == nil {
			t.Releases = map[string]Answers{}
		}
		answers := t.Releases[o.release]
		answers.count(o)
		t.Releases[o.release] = answers
		return
	case o.status != 0:
		t.Gateway++
	default:
		t.Connection++
	}
	if t.Lost == "" {
		t.Lost = fmt.Sprintf("%s: %s", o.at.Format("15:04:05.000"), o.lost)
	}
}

func (a *Answers) count(o outcome) {
	a.Total++
	if o.status >= http.StatusInternalServerError {
		a.Errors++
	}
	a.Latency.Observe(o.latency)
	if a.First.IsZero() {
		a.First = o.at
	}
	a.Last = o.at
}

func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}
