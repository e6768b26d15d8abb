package workload

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
)

// ScaleUp returns the replicas with which a canary without an autoscaler comes
// up: its own if it has any, else the primary's, else 1. The primary may be nil.
func ScaleUp(target, primary *appsv1.Deployment) int32 {
	if n := replicas(target); n > 0 {
		return n
	}
	if primary != nil {
		return max(1, replicas(primary))
	}
	return 1
}

// replicas is what d is asked for; none asked is one, as for the API server.
func replicas(d *appsv1.Deployment) int32 {
	if d.Spec.Replicas == nil {
		return 1
	}
	return *d.Spec.Replicas
}

// Scaled renders the JSON merge patch that sets the replicas of a workload. The
// target is the user's, so this one field is patched and nothing is applied.
func Scaled(replicas int32) []byte {
	return fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
}
