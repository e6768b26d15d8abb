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
// At 40 % over 9 s this is, for four sigmas (a miss once in 16,000 steps),
//
//	 500/s: n = 4500, 4 sigma = 2.9 points
//	1000/s: n = 9000, 4 sigma = 2.1 points
//
// and at 30 % 1000/s give 1.93 points. That is why DefaultRate is what it is and why a
// story that promises two points stays at or below 30 %; a test of the story holds both.
func SampleError(share float64, rate int, window time.Duration, sigmas float64) float64 {
	n := float64(rate) * window.Seconds()
	if n <= 0 {
		return math.Inf(1)
	}
	p := share / 100
	return sigmas * 100 * math.Sqrt(p*(1-p)/n)
}
