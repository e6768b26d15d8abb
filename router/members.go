package router

import (
	"github.com/serinhq/serin/rollout"
)

// MemberLabel marks the pods of both sides that stand behind the apex Service while a
// release divides the traffic by their numbers. Its value is the name of the apex.
const MemberLabel = "serin.dev/behind"

// Members says how many of the ready pods of each side are to stand behind one
// Service, so that the canary's part of them comes closest to its share of the
// traffic, in tenths of a percent. A Service gives each of its pods as many
// connections as any other.
//
// There are never fewer of them than the primary has: the wanted capacity. Of equally
// good choices the one with the most pods counts, then the one with fewer canaries.
// Each side has at least one pod, unless it gets nothing or has none.
func Members(primary, canary, share int) (p, c int) {
	switch {
	case share <= 0 || canary == 0:
		return primary, 0
	case share >= rollout.Full || primary == 0:
		return 0, canary
	}
	best := -1.0
	for few := 1; few <= primary; few++ {
		// For so many primaries the part grows with the canaries: the best number is one
		// of the two around the exact one.
		exact := few * share / (rollout.Full - share)
		for _, many := range []int{exact, exact + 1} {
			many = min(max(many, 1, primary-few), canary)
			if few+many < primary {
				continue
			}
			off := distance(few, many, share)
			if best < 0 || off < best || off == best && (few+many > p+c || few+many == p+c && many < c) {
				best, p, c = off, few, many
			}
		}
	}
	if best < 0 { // the canary is too small to fill up: all that there is
		return primary, canary
	}
	return p, c
}

// distance of the canaries' part from a share.
func distance(primary, canary, share int) float64 {
	off := float64(canary)/float64(primary+canary) - float64(share)/float64(rollout.Full)
	return max(off, -off)
}

// Shared renders the apex as it leads to the members of both sides: mark them before.
// What is said of a live one at [Apex] holds here, too.
func Shared(s Service, live Live) (Object, error) {
	return s.service(s.Name, map[string]any{MemberLabel: s.Name}, s.Apex, live.Apex)
}
