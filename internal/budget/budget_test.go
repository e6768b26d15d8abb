package budget_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serinhq/serin/internal/budget"
)

// The source tree keeps its budgets.
func TestHouse(t *testing.T) {
	found, err := budget.Excesses("../..", budget.House)
	if err != nil {
		t.Fatal(err)
	}
	for _, excess := range found {
		t.Error(excess)
	}
}

// A module that is too long in every way is found out, and what may be long in
// it is left alone.
func TestExcesses(t *testing.T) {
	limits := budget.Limits{
		File: 20, Function: 5, Parameters: 2, Methods: 2, Provider: 7,
		Package: map[string]int{"rollout": 15},
	}
	found, err := budget.Excesses("testdata/big", limits)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, excess := range found {
		got = append(got, excess.String())
	}
	want := []string{
		"rollout/rollout.go:2:1: file has 23 lines, the limit is 20",
		"rollout/rollout.go:14:1: function long has 6 lines, the limit is 5",
		"rollout/rollout.go:5:6: interface Clock has 3 methods, the limit is 2",
		"rollout/rollout.go:14:1: function long has 3 parameters, the limit is 2",
		"rollout/rollout.go:22:6: function literal has 3 parameters, the limit is 2",
		"router/long.go:1:1: provider router/long.go has 8 lines of code, the limit is 7",
		"rollout: package rollout has 16 lines of code, the limit is 15",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("excesses (-want +got):\n%s", diff)
	}
}

// A folder without source is an error: a wrong path must not pass.
func TestNothing(t *testing.T) {
	if found, err := budget.Excesses(t.TempDir(), budget.House); err == nil {
		t.Errorf("no error for an empty folder, got %v", found)
	}
}
