package workload

import appsv1 "k8s.io/api/apps/v1"

// Selector is the label that tells the pods of one side from the other: the
// target's pods carry Key=Value, the primary's pods Key=Value-primary.
type Selector struct{ Key, Value string }

// Primary is the value of the label on the primary's pods.
func (s Selector) Primary() string { return s.Value + "-primary" }

// SelectorOf returns the first of labels that the target selects its pods by.
// The error names the labels that were tried.
func SelectorOf(target *appsv1.Deployment, labels []string) (Selector, error) {
	return Selector{}, nil
}
