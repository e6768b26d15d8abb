package habit_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serinhq/serin/internal/habit"
)

// The source tree keeps its habits.
func TestHouse(t *testing.T) {
	found, err := habit.Lapses("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, lapse := range found {
		t.Error(lapse)
	}
}

// A package with every bad habit is found out, and its innocent neighbours are
// left alone.
func TestLapses(t *testing.T) {
	found, err := habit.Lapses("testdata/bad")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, lapse := range found {
		got = append(got, lapse.String())
	}
	want := []string{
		"util/util.go:1:1: package util does not begin by saying what it knows and what it refuses to know",
		"util/util.go:1:9: package util names no domain",
		"util/util.go:25:1: TODO belongs into the issue list",
		"util/util.go:10:1: init runs before anybody asked; write it where it is needed",
		"util/util.go:13:1: GetState has a Get prefix; name what it returns",
		"util/util.go:23:26: an error says what was being done, not that it failed to",
		"util/util.go:28:2: a test that skips proves nothing; say what is missing and fail",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lapses (-want +got):\n%s", diff)
	}
}
