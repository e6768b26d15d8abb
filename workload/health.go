package workload

import (
	"time"

	"github.com/serinhq/serin/rollout"
	appsv1 "k8s.io/api/apps/v1"
)

// A Rule says when the pods of a side are ready.
type Rule struct {
	Side      rollout.Side
	Threshold int           // percent of updated pods that must be available, 1 to 100
	Deadline  time.Duration // how long pods may be unavailable before the side is dead
}

// Health says how the pods of one side are. Ready means rolled out as the rule
// demands, with at least one pod; Dead that the Deployment's own progress
// deadline passed, or that its pods were unavailable longer than the rule's.
// A Deployment asked for no pods is not ready: traffic must not go there.
// Reason is the text users know, for example
//
//	podinfo-primary.test not ready: waiting for rollout to finish: 1 old replicas are pending termination
func Health(d *appsv1.Deployment, rule Rule, now time.Time) rollout.Health { return rollout.Health{} }
