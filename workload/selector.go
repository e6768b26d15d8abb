package workload

import (
	"fmt"
	"strings"
)

// Selector is the label that tells the pods of one side from the other: the
// target's pods carry Key=Value, the primary's pods Key=Value-primary.
type Selector struct{ Key, Value string }

// Primary is the value of the label on the primary's pods.
func (s Selector) Primary() string { return s.Value + "-primary" }

// SelectorOf returns the first of labels that the target selects its pods by.
// The error names the labels that were tried.
func SelectorOf(target *Pods, labels []string) (Selector, error) {
	if target.Selector != nil {
		for _, key := range labels {
			if value, ok := target.Selector.MatchLabels[key]; ok {
				return Selector{Key: key, Value: value}, nil
			}
		}
	}
	return Selector{}, fmt.Errorf("%s %s.%s selects its pods by none of the labels %s: add one to spec.selector.matchLabels, or name its own in -selector-labels",
		target.Kind, target.Name, target.Namespace, strings.Join(labels, ", "))
}
