package traffic

import (
	"math"
	"time"
)

// SampleError is how far, in percentage points, a share measured on requests may lie
// from the share asked of a gateway that draws a side for each request by chance: the
// given number of standard deviations of a binomial share.
//
//	sigma = 100 * sqrt(p * (1-p) / n)
//
// For four sigmas (a miss once in 16,000 steps) and a share of 30 % this is
//
//	 500/s for  9 s: n = 4500, 4 sigma = 2.7 points
//	1000/s for  9 s: n = 9000, 4 sigma = 1.9 points
//	 500/s for 19 s: n = 9500, 4 sigma = 1.9 points
//
// A request costs client, gateway and application together about a millisecond of a slow
// processor, so 1000/s would take one of two. Hence DefaultRate, and hence a story that
// promises two points has steps of 20 s and stays at or below 30 %; a test of it holds both.
func SampleError(share float64, rate int, window time.Duration, sigmas float64) float64 {
	n := float64(rate) * window.Seconds()
	if n <= 0 {
		return math.Inf(1)
	}
	p := share / 100
	return sigmas * 100 * math.Sqrt(p*(1-p)/n)
}
