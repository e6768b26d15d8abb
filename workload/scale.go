package workload

import "fmt"

// ScaleUp returns the replicas with which a canary without an autoscaler comes
// up: its own if it has any, else the primary's, else 1. The primary may be nil.
func ScaleUp(target, primary *Pods) int32 {
	if target.Replicas > 0 {
		return target.Replicas
	}
	if primary != nil {
		return max(1, primary.Replicas)
	}
	return 1
}

// Scaled renders the JSON merge patch that sets the replicas of a workload. The
// target is the user's, so this one field is patched and nothing is applied. A
// DaemonSet has no replicas: it is parked for 0 and has its pods back for others.
func Scaled(target *Pods, replicas int32) []byte { return target.of.scaled(replicas) }

func setReplicas(replicas int32) []byte {
	return fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
}
