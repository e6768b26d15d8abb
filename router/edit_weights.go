package router

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/serinhq/serin/rollout"
)

const (
	weightKey      = "weight"
	greatestWeight = 1_000_000 // that every kind takes
)

// written are the weights of the backends that take part, as they are written.
func (l *openList) written() []*int64 {
	weights := []*int64{}
	for _, entry := range l.entries {
		if backend, ok := entry.(map[string]any); ok && l.counts(backend) {
			weights = append(weights, writtenWeight(backend))
		}
	}
	return weights
}

func writtenWeight(backend map[string]any) *int64 {
	if number, ok := counted(backend[weightKey]); ok {
		return &number
	}
	return nil
}

// meant is what written weights mean to the traffic system.
func (l *openList) meant(written []*int64) []int64 {
	weights, sum := make([]int64, len(written)), int64(0)
	for i, w := range written {
		weights[i] = l.absent
		if w != nil {
			weights[i] = max(*w, 0)
		}
		sum += weights[i]
	}
	if l.absent == 0 && sum == 0 {
		for i := range weights {
			weights[i] = 1
		}
	}
	return weights
}

// weights are those of all entries; a mirror has none.
func (l *openList) weights() []int64 {
	weights, meant := make([]int64, len(l.entries)), l.meant(l.written())
	for i, entry := range l.entries {
		if backend, ok := entry.(map[string]any); ok && l.counts(backend) {
			weights[i], meant = meant[0], meant[1:]
		}
	}
	return weights
}

func (l *openList) weight(i int) int64 { return l.weights()[i] }

// fits reports whether written weights divide as the entries do.
func (l *openList) fits(written []*int64) bool {
	before, now := l.meant(written), l.meant(l.written())
	if len(before) != len(now) {
		return false
	}
	whole, all := sum(before), sum(now)
	for i := range before {
		if before[i]*all != now[i]*whole {
			return false
		}
	}
	return (whole == 0) == (all == 0)
}

func sum(all []int64) (total int64) {
	for _, n := range all {
		total += n
	}
	return total
}

// kept is what has to be known to undo a division.
func (l *openList) kept() keptList {
	return keptList{At: l.at, Weights: l.written(), Single: l.single}
}

// reweigh gives the backends the weights that they had.
func (l *openList) reweigh(list keptList) {
	rest := list.Weights
	for i, entry := range l.entries {
		if backend, ok := entry.(map[string]any); ok && l.counts(backend) {
			l.entries[i], rest = weighing(entry, rest[0]), rest[1:]
		}
	}
	l.single = list.Single && len(l.entries) == 1
}

// divided are the entries with the canary beside each apex. Other backends keep their
// part exactly, which takes weights that are as many times greater as the division is
// fine. There is nothing to divide where the apex gets nothing.
func (l *openList) divided(canary int) ([]any, error) {
	unit, share := int64(rollout.Full), int64(canary)
	if percent := rollout.Percent(1); canary%percent == 0 {
		unit, share = unit/int64(percent), share/int64(percent)
	}
	weights := l.weights()
	shrink, here := int64(0), int64(0)
	for i, weight := range weights {
		shrink = divisor(shrink, weight)
		if l.names(l.entries[i], l.service.Name) {
			here += weight
		}
	}
	if here == 0 {
		return nil, nil
	}
	var all []any
	for i, entry := range l.entries {
		backend, ok := entry.(map[string]any)
		if !ok || !l.counts(backend) {
			all = append(all, entry)
			continue
		}
		weight := weights[i] / max(shrink, 1)
		if weight*unit > greatestWeight {
			return nil, fmt.Errorf("a weight of %d cannot be divided into tenths of a percent: give weights of at most %d",
				weights[i], greatestWeight/rollout.Full)
		}
		if !l.names(entry, l.service.Name) || weight == 0 {
			all = append(all, weighing(entry, new(weight*unit)))
			continue
		}
		if err := l.divisible(backend); err != nil {
			return nil, err
		}
		if home := weight * (unit - share); home > 0 || !l.sparing {
			all = append(all, weighing(entry, &home))
		}
		all = append(all, weighing(l.renamed(entry, l.service.CanaryName()), new(weight*share)))
	}
	return all, nil
}

// divisor is the greatest that both numbers have.
func divisor(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// divisible says why a backend cannot lead to the canary, too.
func (l *openList) divisible(backend map[string]any) error {
	ref, _ := l.Editor.service(backend, l.service.Namespace)
	if ref.unfit != "" {
		return errors.New(ref.unfit)
	}
	if ref.port == nil || l.service.serves(ref.port) {
		return nil
	}
	return fmt.Errorf("port %v is none of Service %s: name port %d, or let spec.service.portDiscovery find it",
		ref.port, l.service.CanaryName(), l.service.Port)
}

// serves reports whether the Services of the two sides have a port, by number or name.
func (s Service) serves(port any) bool {
	number, numeric := counted(port)
	name, _ := port.(string)
	main := numeric && number == int64(s.Port) || name != "" && name == s.portName()
	return main || slices.ContainsFunc(s.Ports, func(p Port) bool {
		return numeric && number == int64(p.Number) || name != "" && name == p.Name
	})
}

// share is the canary's part of what leads to the Service, if anything does.
func (l *openList) share() (share int, leads bool) {
	var home, canary int64
	for i, entry := range l.entries {
		switch {
		case l.names(entry, l.service.Name):
			home, leads = home+l.weight(i), true
		case l.home(i) >= 0, l.alone(i):
			canary, leads = canary+l.weight(i), true
		}
	}
	if home+canary == 0 {
		return 0, false
	}
	return int(canary * int64(rollout.Full) / (home + canary)), leads
}

// weighing is a copy of a backend with another weight; nil for none.
func weighing(entry any, weight *int64) map[string]any {
	backend := weightless(entry.(map[string]any))
	if weight != nil {
		backend[weightKey] = *weight
	}
	return backend
}

func weightless(backend map[string]any) map[string]any {
	rest := maps.Clone(backend)
	delete(rest, weightKey)
	return rest
}
