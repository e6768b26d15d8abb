package judge

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serinhq/serin/rollout"
)

func TestJudge(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	pass := func(value float64) Judgement { return Judgement{Verdict: rollout.Pass, Value: value} }
	low := func(value, limit float64) Judgement {
		return Judgement{Verdict: rollout.Fail, Value: value, Limit: limit, Bound: rollout.BelowMin}
	}
	high := func(value, limit float64) Judgement {
		return Judgement{Verdict: rollout.Fail, Value: value, Limit: limit, Bound: rollout.AboveMax}
	}
	atLeast := func(limit float64) Limits { return Limits{Min: new(limit)} }
	atMost := func(limit float64) Limits { return Limits{Max: new(limit)} }
	between := func(low, high float64) Limits { return Limits{Min: new(low), Max: new(high)} }

	for _, c := range []struct {
		name   string
		values []float64
		limits Limits
		want   Judgement
	}{
		{"equal to min passes: inclusive", []float64{99}, atLeast(99), pass(99)},
		{"just below min fails", []float64{math.Nextafter(99, 0)}, atLeast(99), low(math.Nextafter(99, 0), 99)},
		{"equal to max passes: inclusive", []float64{500}, atMost(500), pass(500)},
		{"just above max fails", []float64{math.Nextafter(500, 501)}, atMost(500), high(math.Nextafter(500, 501), 500)},
		{"only min: no value is too high", []float64{1e9}, atLeast(99), pass(1e9)},
		{"only max: no value is too low", []float64{-1e9}, atMost(1), pass(-1e9)},
		{"empty range never fails", []float64{42}, Limits{}, pass(42)},
		{"zero is a limit like any other", []float64{1}, atMost(0), high(1, 0)},
		{"min before max where both are broken", []float64{5}, between(10, 1), low(5, 10)},
		{"+Inf passes min", []float64{inf}, atLeast(1), pass(inf)},
		{"+Inf fails max", []float64{inf}, atMost(1), high(inf, 1)},
		{"-Inf fails min", []float64{-inf}, atLeast(1), low(-inf, 1)},
		{"-Inf passes max", []float64{-inf}, atMost(1), pass(-inf)},

		{"no values: unknown, not bad", nil, atLeast(99), Judgement{}},
		{"NaN is no data", []float64{nan}, atLeast(99), Judgement{}},
		{"NaN is no data without limits too", []float64{nan, nan}, Limits{}, Judgement{}},
		{"a series without data does not hide a good one", []float64{nan, 100}, atLeast(99), pass(100)},
		{"a series without data does not hide a bad one", []float64{98, nan}, atLeast(99), low(98, 99)},

		{"one bad series among good ones fails", []float64{100, 90, 100}, atLeast(99), low(90, 99)},
		{"the lowest decides below min", []float64{98, 90, 97}, atLeast(99), low(90, 99)},
		{"the highest decides above max", []float64{600, 900, 700}, atMost(500), high(900, 500)},
		{"the deepest decides where both ends are broken", []float64{9, 30}, between(10, 20), high(30, 20)},
		{"as deep on both sides: the lower one", []float64{5, 25}, between(10, 20), low(5, 10)},
		{"all within: the nearest to a limit is shown", []float64{15, 19, 12}, between(10, 20), pass(19)},
		{"no limits, several series: the lowest is shown", []float64{3, 1, 2}, Limits{}, pass(1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Judge(c.values, c.limits)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			backwards := slices.Clone(c.values)
			slices.Reverse(backwards)
			if diff := cmp.Diff(c.want, Judge(backwards, c.limits)); diff != "" {
				t.Errorf("the order of series changed the judgement, -want +got\n%s", diff)
			}
		})
	}
}

// A verdict is Fail exactly if some number is outside, whatever else is there.
func FuzzJudge(f *testing.F) {
	f.Add(1.0, 2.0, 3.0, 0.0, 10.0)
	f.Add(math.NaN(), math.Inf(1), -1.0, 5.0, 1.0)
	f.Fuzz(func(t *testing.T, a, b, c, low, high float64) {
		if math.IsNaN(low) || math.IsNaN(high) || math.IsInf(low, 0) || math.IsInf(high, 0) {
			return // JSON has no such limits
		}
		want := rollout.Unknown
		for _, value := range []float64{a, b, c} {
			switch {
			case value < low || value > high:
				want = rollout.Fail
			case !math.IsNaN(value) && want == rollout.Unknown:
				want = rollout.Pass
			}
		}
		got := Judge([]float64{a, b, c}, Limits{Min: &low, Max: &high})
		if got.Verdict != want {
			t.Errorf("Judge(%v, %v, %v; %v..%v) = %+v, want verdict %v", a, b, c, low, high, got, want)
		}
		if outside := got.Value < low || got.Value > high; got.Verdict == rollout.Fail && !outside {
			t.Errorf("failed on %v, which is within %v..%v", got.Value, low, high)
		}
	})
}
