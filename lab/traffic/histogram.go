package traffic

import (
	"math/bits"
	"time"
)

// Latencies are counted in microseconds, in groups that double, each cut into equal
// parts: a quantile is at most one part, 1/32 or 3 %, too high, and never too low.
const (
	partBits = 5
	parts    = 1 << partBits
	// 2^26 us are 67 s, far beyond every timeout of a load; what is slower counts there.
	groups = 26 - partBits + 1
	cells  = groups * parts
)

// Histogram counts latencies. The zero value is empty and ready.
type Histogram struct {
	counts [cells]uint32
	total  uint64
}

// Observe counts one latency; a negative one counts as none.
func (h *Histogram) Observe(latency time.Duration) {
	h.counts[cell(latency)]++
	h.total++
}

// Count is how many latencies were observed.
func (h *Histogram) Count() uint64 { return h.total }

// Add counts all that other has counted.
func (h *Histogram) Add(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
}

// Quantile is a latency that the share q (0 to 1) of all observed ones does not exceed,
// and zero if none was observed.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := min(uint64(q*float64(h.total)), h.total-1)
	var seen uint64
	for i, n := range h.counts {
		seen += uint64(n)
		if seen > rank {
			return upper(i)
		}
	}
	return upper(cells - 1)
}

// cell of a latency: the group is given by its highest bit, the part by those below.
func cell(latency time.Duration) int {
	us := uint64(max(latency, 0) / time.Microsecond)
	if us < parts {
		return int(us)
	}
	group := bits.Len64(us) - partBits // at least 1
	if group >= groups {
		return cells - 1
	}
	return group*parts + int(us>>(group-1)) - parts
}

// upper is the highest latency of a cell.
func upper(i int) time.Duration {
	group, part := i/parts, i%parts
	if group == 0 {
		return time.Duration(part) * time.Microsecond
	}
	us := uint64(part+parts+1)<<(group-1) - 1
	return time.Duration(us) * time.Microsecond
}
