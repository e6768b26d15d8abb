package controller

import "testing"

// Only the reference's own finalizer holds a Canary back for its workload: another
// tool's says nothing about what was promised.
func TestPledged(t *testing.T) {
	for _, tt := range []struct {
		name       string
		finalizers []string
		want       bool
	}{
		{"none", nil, false},
		{"another tool's", []string{"foregroundDeletion", "finalizer.example.com"}, false},
		{"ours among others", []string{"foregroundDeletion", "finalizer.flagger.app"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			canary := canaryAt("podinfo", 1)
			canary.Finalizers = tt.finalizers
			if got := pledged(canary); got != tt.want {
				t.Errorf("%q is pledged: %t", tt.finalizers, got)
			}
		})
	}
}
