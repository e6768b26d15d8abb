package demo

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serinhq/serin/lab/traffic"
)

// when is a moment of a course; the tests say seconds.
func when(seconds int) time.Time {
	return time.Unix(1_000_000, 0).Add(time.Duration(seconds) * time.Second)
}

func TestAnActEndsWithTheVerdictOnItsOwnRevision(t *testing.T) {
	undone := Tale().Acts[2]
	for name, c := range map[string]struct {
		before Status
		seen   []Status
		want   int // second of the verdict, 0 for none
	}{
		"the first release": {
			Status{}, []Status{{Phase: "Initializing"}, {Phase: Initialized, Applied: "a"}}, 2,
		},
		"the status of the one before does not count": {
			Status{Phase: Succeeded, Applied: "a"}, []Status{{Phase: Succeeded, Applied: "a"}}, 0,
		},
		"a phase on the way is no verdict": {
			Status{Phase: Succeeded, Applied: "a"}, []Status{{Phase: "Progressing", Applied: "b"}}, 0,
		},
		"failed after failed": {
			Status{Phase: Failed, Applied: "a"},
			[]Status{{Phase: Failed, Applied: "a"}, {Phase: "Progressing", Applied: "b"}, {Phase: Failed, Applied: "b"}}, 3,
		},
		"phases on the way that no watch told of": {
			Status{Phase: Succeeded, Applied: "a"}, []Status{{Phase: Failed, Applied: "b"}}, 1,
		},
		"the first verdict stays": {
			Status{Phase: Succeeded, Applied: "a"}, []Status{{Phase: Failed, Applied: "b"}, {Phase: Failed, Applied: "b", Weight: 1}}, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			course := begin(undone, c.before, nil, when(0))
			for i, status := range c.seen {
				course.see(status, when(i+1))
			}
			if got := course.verdict; c.want == 0 && !got.IsZero() || c.want > 0 && !got.Equal(when(c.want)) {
				t.Errorf("verdict at %s, want second %d", got, c.want)
			}
		})
	}
}

func TestStepsBeginWithTheirWeightAndEndWithIt(t *testing.T) {
	course := begin(Tale().Acts[1], Status{Phase: Initialized, Applied: "a"}, nil, when(0))
	var begun []int
	for i, status := range []Status{
		{Phase: "Progressing", Applied: "b"},
		{Phase: "Progressing", Applied: "b", Weight: 10},
		{Phase: "Progressing", Applied: "b", Weight: 10, FailedChecks: 1},
		{Phase: "Progressing", Applied: "b", Weight: 20},
		{Phase: "Promoting", Applied: "b", Weight: 20},
		{Phase: "Finalising", Applied: "b"},
		{Phase: Succeeded, Applied: "b"},
	} {
		if course.see(status, when(i+1)) {
			begun = append(begun, i+1)
		}
		if on := course.step() != nil; on != (i >= 1 && i <= 3) {
			t.Errorf("after status %d: a step is current: %t", i+1, on)
		}
	}
	if diff := cmp.Diff([]int{2, 4}, begun); diff != "" {
		t.Errorf("steps begun at (-want +got):\n%s", diff)
	}
	row := course.row(100)
	want := []Step{{Asked: 10}, {Asked: 20}}
	if diff := cmp.Diff(want, row.Steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if row.Took != 7*time.Second {
		t.Errorf("took %s", row.Took)
	}
}

func TestAskedIsWhatTheNewReleaseShouldGet(t *testing.T) {
	for name, c := range map[string]struct {
		status Status
		want   int
	}{
		"nothing before it was noticed":  {Status{Phase: Succeeded, Applied: "a"}, 0},
		"its weight on the way":          {Status{Phase: "Progressing", Applied: "b", Weight: 20}, 20},
		"everything once it is promoted": {Status{Phase: "Finalising", Applied: "b"}, 100},
		"and afterwards":                 {Status{Phase: Succeeded, Applied: "b"}, 100},
		"nothing once it is undone":      {Status{Phase: Failed, Applied: "b"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			course := begin(Tale().Acts[1], Status{Phase: Succeeded, Applied: "a"}, nil, when(0))
			course.see(c.status, when(1))
			if got := course.asked(); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

// The share of a step is that of the requests sent between settled and the end of it,
// whoever answered before and after.
func TestShareIsThatOfTheSettledPartOfAStep(t *testing.T) {
	var canary, asked atomic.Int64 // percent; requests
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		version := "1.0.0"
		if asked.Add(1)%100 < canary.Load() {
			version = "2.0.0"
		}
		w.Write([]byte("release " + version + ", pod x")) //nolint:errcheck // the client counts
	}))
	t.Cleanup(server.Close)
	load, err := traffic.Start(t.Context(), traffic.Config{URL: server.URL, Rate: 1000, Longest: time.Minute, Release: signature})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(load.Stop)
	course := begin(Tale().Acts[1], Status{Phase: Initialized, Applied: "a"}, load.Mark, time.Now())
	send := func(n int) {
		t.Helper()
		span := course.spans[len(course.spans)-1]
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		limit := time.NewTimer(10 * time.Second)
		defer limit.Stop()
		for enough := span.Tally().Answered() + n; span.Tally().Answered() < enough; {
			select {
			case <-ticker.C:
			case <-limit.C:
				t.Fatalf("not within 10s: %d more answers", n)
			}
		}
	}
	send(50)
	course.see(Status{Phase: "Progressing", Applied: "b", Weight: 20}, time.Now())
	canary.Store(90) // not settled yet
	send(50)
	canary.Store(20)
	send(20) // those under way
	course.settled()
	send(400)
	course.see(Status{Phase: "Promoting", Applied: "b", Weight: 20}, time.Now())
	canary.Store(100)
	send(50)
	course.see(Status{Phase: Succeeded, Applied: "b"}, time.Now())
	row := course.row(100)
	if len(row.Steps) != 1 || !row.Steps[0].Measured || row.Steps[0].Share < 17 || row.Steps[0].Share > 23 {
		t.Errorf("steps are %+v", row.Steps)
	}
	if row.Sent < 570 || row.Failed != 0 || row.Back != 0 {
		t.Errorf("row is %+v", row)
	}
}

func TestAnUndoneReleaseIsTimedByItsAnswers(t *testing.T) {
	var version atomic.Value
	version.Store("2.0.0")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("release " + version.Load().(string) + ",")) //nolint:errcheck // the client counts
	}))
	t.Cleanup(server.Close)
	load, err := traffic.Start(t.Context(), traffic.Config{URL: server.URL, Rate: 500, Longest: time.Minute, Release: signature})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(load.Stop)
	course := begin(Tale().Acts[2], Status{Phase: Succeeded, Applied: "a"}, load.Mark, time.Now())
	answered := func(want string, n int) {
		t.Helper()
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		limit := time.NewTimer(10 * time.Second)
		defer limit.Stop()
		for enough := course.tally().Releases[want].Total + n; course.tally().Releases[want].Total < enough; {
			select {
			case <-ticker.C:
			case <-limit.C:
				t.Fatalf("not within 10s: %d answers of %s", n, want)
			}
		}
	}
	answered("2.0.0", 10)
	version.Store("3.0.0")
	answered("3.0.0", 100) // 0.2 s
	course.see(Status{Phase: Failed, Applied: "b"}, time.Now())
	answered("3.0.0", 100) // the gateway is late
	version.Store("2.0.0")
	answered("2.0.0", 100)
	row := course.row(100)
	if row.Back < 150*time.Millisecond || row.Exposed < row.Back+150*time.Millisecond || row.Exposed > 5*time.Second {
		t.Errorf("answered for %s, %s after the verdict", row.Exposed, row.Back)
	}
}
