package traffic

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestQuantileIsAtMostOnePartTooHigh(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	var exact []time.Duration
	for range 20_000 {
		// Spread over the magnitudes from 1 us to 20 s.
		latency := time.Duration(math.Exp(random.Float64()*math.Log(20e6))) * time.Microsecond
		exact = append(exact, latency)
		h.Observe(latency)
	}
	slices.Sort(exact)
	for _, q := range []float64{0, 0.5, 0.9, 0.99, 0.999, 1} {
		want := exact[min(int(q*float64(len(exact))), len(exact)-1)]
		got := h.Quantile(q)
		if got < want || float64(got) > float64(want)*(1+1.0/parts)+1 {
			t.Errorf("quantile %v: got %s, exactly %s", q, got, want)
		}
	}
}

func TestQuantileAtTheEdges(t *testing.T) {
	for name, c := range map[string]struct {
		observe []time.Duration
		q       float64
		want    time.Duration
	}{
		"nothing observed":             {nil, 0.99, 0},
		"negative counts as none":      {[]time.Duration{-time.Second}, 1, 0},
		"below a part is exact":        {[]time.Duration{17 * time.Microsecond}, 0.5, 17 * time.Microsecond},
		"beyond the end is the end":    {[]time.Duration{time.Hour}, 0.5, 1<<26*time.Microsecond - time.Microsecond},
		"one of hundred is above p98":  {append(slices.Repeat([]time.Duration{time.Microsecond}, 99), 31*time.Microsecond), 0.98, time.Microsecond},
		"one of hundred is in the p99": {append(slices.Repeat([]time.Duration{time.Microsecond}, 99), 31*time.Microsecond), 0.99, 31 * time.Microsecond},
	} {
		t.Run(name, func(t *testing.T) {
			var h Histogram
			for _, latency := range c.observe {
				h.Observe(latency)
			}
			if got := h.Quantile(c.q); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestCellsAreInOrderAndWithoutGaps(t *testing.T) {
	last := -1
	for us := range 1 << 17 {
		got := cell(time.Duration(us) * time.Microsecond)
		if got != last && got != last+1 {
			t.Fatalf("%d us: cell %d follows %d", us, got, last)
		}
		if upper(got) < time.Duration(us)*time.Microsecond {
			t.Fatalf("%d us: above the upper end %s of its cell", us, upper(got))
		}
		last = got
	}
}

func TestAddedHistogramsCountTogether(t *testing.T) {
	var a, b Histogram
	a.Observe(time.Microsecond)
	b.Observe(9 * time.Microsecond)
	a.Add(&b)
	if a.Count() != 2 || a.Quantile(1) != 9*time.Microsecond {
		t.Errorf("got %d observations up to %s", a.Count(), a.Quantile(1))
	}
}

func TestSampleErrorAgreesWithDraws(t *testing.T) {
	// 300 steps of 9000 draws at 30 %: their deviations must have the spread the formula
	// gives; the seed is fixed, so this either always passes or never.
	random := rand.New(rand.NewPCG(3, 4))
	const steps, draws, share = 300, 9000, 30
	var squares float64
	for range steps {
		hits := 0
		for range draws {
			if random.IntN(100) < share {
				hits++
			}
		}
		off := 100*float64(hits)/draws - share
		squares += off * off
	}
	seen := math.Sqrt(squares / steps)
	want := SampleError(share, draws/9, 9*time.Second, 1)
	if math.Abs(seen-want) > 0.1*want {
		t.Errorf("spread of draws is %.3f points, the formula says %.3f", seen, want)
	}
}
