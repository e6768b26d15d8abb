package judge

import (
	"math"

	"github.com/serinhq/serin/rollout"
)

// Limits are the values a metric may have. Both ends are inclusive: a value
// equal to a limit is within. A missing end never fails; without both, every
// number passes. They are in the unit of the values.
type Limits struct {
	Min, Max *float64
}

// A Judgement is a verdict and the numbers that explain it.
type Judgement struct {
	Verdict rollout.Verdict
	Value   float64       // the one that decided; zero if Unknown
	Limit   float64       // the limit that Value broke; zero unless Fail
	Bound   rollout.Bound // which end of the limits that was; Within unless Fail
}

// Judge compares values, one for each series a query returned, with limits.
//
// All values must be within, and the worst one decides: the one deepest
// outside or, if none is outside, the one nearest to a limit. The order of the
// values does not matter. The reference silently took the last series, and
// backends do not promise an order, so the same world could pass now and fail
// a minute later.
//
// NaN is what a backend answers for "nothing happened" (no requests, divided by
// no requests). Such a series is treated like one that is not there. Without
// any number the verdict is Unknown: no data is neither good nor bad.
//
// A value below Min is reported as that even if it is also above Max, as can
// only be where Min is greater than Max.
func Judge(values []float64, limits Limits) Judgement {
	worst, least := math.NaN(), math.Inf(1)
	for _, value := range values {
		if math.IsNaN(value) {
			continue
		}
		room := limits.room(value)
		// Among equals the lower value decides, so that the order cannot.
		if math.IsNaN(worst) || room < least || room == least && value < worst {
			worst, least = value, room
		}
	}
	switch {
	case math.IsNaN(worst):
		return Judgement{}
	case limits.Min != nil && worst < *limits.Min:
		return Judgement{Verdict: rollout.Fail, Value: worst, Limit: *limits.Min, Bound: rollout.BelowMin}
	case limits.Max != nil && worst > *limits.Max:
		return Judgement{Verdict: rollout.Fail, Value: worst, Limit: *limits.Max, Bound: rollout.AboveMax}
	}
	return Judgement{Verdict: rollout.Pass, Value: worst}
}

// room is how far a value is from the nearest limit: negative outside, zero on
// a limit, infinite without limits.
func (l Limits) room(value float64) float64 {
	room := math.Inf(1)
	if l.Min != nil {
		room = min(room, value-*l.Min)
	}
	if l.Max != nil {
		room = min(room, *l.Max-value)
	}
	return room
}
