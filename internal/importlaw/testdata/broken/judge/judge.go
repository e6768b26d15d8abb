// Package judge is innocent.
package judge

import "math"

// Verdict is a number.
var Verdict = math.NaN()
