package demo

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

// wellDone are rows of the tale as they should come out.
func wellDone() []Row {
	acts := Tale().Acts
	return []Row{
		{Act: acts[0], Phase: Initialized, Took: 8 * time.Second, Sent: 4000, Answers: 4000, Home: 100},
		{Act: acts[1], Phase: Succeeded, Took: 44600 * time.Millisecond, Sent: 48_600, Answers: 21_000, Home: 100,
			Steps: []Step{{10, 9.8, true}, {20, 20.3, true}, {30, 29.1, true}}},
		{Act: acts[2], Phase: Failed, Took: 14 * time.Second, Sent: 18_000, Answers: 1020, Home: 100,
			Steps: []Step{{10, 10.1, true}}, Exposed: 10300 * time.Millisecond, Back: 210 * time.Millisecond},
		{Act: acts[3], Phase: Failed, Took: 15 * time.Second, Sent: 19_000, Answers: 998, Home: 100,
			Steps: []Step{{10, 8.9, true}}, Exposed: 11 * time.Second, Back: 960 * time.Millisecond},
	}
}

func TestRowsAsTheyShouldBe(t *testing.T) {
	rows := wellDone()
	for _, row := range rows {
		if faults := row.Faults(); len(faults) > 0 {
			t.Errorf("%s: %q", row.Act.Name, faults)
		}
	}
	if !Tale().AsExpected(rows) {
		t.Error("the story is not as expected")
	}
}

func TestEachWayARowCanFail(t *testing.T) {
	for name, c := range map[string]struct {
		act    int
		change func(*Row)
		want   string
	}{
		"it never came up":                 {0, func(r *Row) { r.Phase = "Initializing" }, "ended Initializing instead of Initialized"},
		"it was given up":                  {1, func(r *Row) { r.Err = errors.New("past its deadline") }, "past its deadline"},
		"a good release was undone":        {1, func(r *Row) { r.Phase = Failed }, "ended Failed instead of Succeeded"},
		"a bad release was promoted":       {2, func(r *Row) { r.Phase = Succeeded }, "ended Succeeded instead of Failed"},
		"one request failed on the way":    {1, func(r *Row) { r.Failed, r.Lost = 1, "12:00: 503" }, "1 requests were answered by no release, the first at 12:00: 503"},
		"also while a bad one was undone":  {3, func(r *Row) { r.Failed = 1 }, "answered by no release"},
		"a share is too high":              {1, func(r *Row) { r.Steps[2].Share = 32.1 }, "at step 30 % the share was 32.1 %, more than 2 points off"},
		"a share is too low":               {1, func(r *Row) { r.Steps[0].Share = 7.9 }, "at step 10 % the share was 7.9 %"},
		"a step was not measured":          {1, func(r *Row) { r.Steps[1].Measured = false }, "step 20 % was too short"},
		"a step was left out":              {1, func(r *Row) { r.Steps = r.Steps[1:] }, "steps were 20 30 instead of 10 20 30"},
		"a step was repeated":              {1, func(r *Row) { r.Steps = append(r.Steps[:1:1], r.Steps...) }, "steps were 10 10 20 30"},
		"a bad release got further":        {2, func(r *Row) { r.Steps = append(r.Steps, Step{20, 20, true}) }, "steps were 10 20 instead of 10"},
		"a bad release never had traffic":  {2, func(r *Row) { r.Steps, r.Answers = nil, 0 }, "steps were - instead of 10"},
		"a bad release never answered":     {2, func(r *Row) { r.Answers = 0 }, "never answered"},
		"the old release is still about":   {1, func(r *Row) { r.Home = 99.9 }, "in the end 2.0.0 gave 99.9 % of the answers"},
		"the bad release is still about":   {2, func(r *Row) { r.Home = 90 }, "in the end 2.0.0 gave 90.0 %"},
		"it answered long after":           {3, func(r *Row) { r.Back = 2100 * time.Millisecond }, "answered for 2.1 s after the verdict, more than 2.0 s"},
		"nothing was sent":                 {0, func(r *Row) { r.Sent = 0 }, "no request was sent"},
		"the load could not keep its rate": {1, func(r *Row) { r.Unsent = 25000 }, "25000 of 73600 requests were not sent"},
	} {
		t.Run(name, func(t *testing.T) {
			rows := wellDone()
			c.change(&rows[c.act])
			faults := strings.Join(rows[c.act].Faults(), "\n")
			if !strings.Contains(faults, c.want) {
				t.Errorf("got %q, want ...%s...", faults, c.want)
			}
			if Tale().AsExpected(rows) {
				t.Error("the story counts as expected")
			}
		})
	}
}

func TestAStoryCutShortIsNotAsExpected(t *testing.T) {
	if rows := wellDone(); Tale().AsExpected(rows[:3]) {
		t.Error("three of four acts count as expected")
	}
}

func TestSharesOfBadReleasesAreShownButNotJudged(t *testing.T) {
	rows := wellDone()
	rows[3].Steps[0].Share = 5 // slow answers lag behind
	if faults := rows[3].Faults(); len(faults) > 0 {
		t.Errorf("got %q", faults)
	}
}

func TestTable(t *testing.T) {
	rows := wellDone()
	rows[3].Back, rows[3].Failed, rows[3].Lost = 2300*time.Millisecond, 2, "12:01:07.250: 503: no healthy upstream"
	var out bytes.Buffer
	if err := WriteTable(&out, rows); err != nil {
		t.Fatal(err)
	}
	equal(t, "testdata/table.txt", out.Bytes())
}
