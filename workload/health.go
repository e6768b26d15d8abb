package workload

import (
	"fmt"
	"time"

	"github.com/serinhq/serin/rollout"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// A Rule says when the pods of a side are ready.
type Rule struct {
	Side      rollout.Side
	Threshold int           // percent of updated pods that must be available, 1 to 100
	Deadline  time.Duration // how long pods may be unavailable before the side is dead
}

// Health says how the pods of one side are. Ready means rolled out as the rule
// demands, with at least one pod available; Dead that the Deployment's own
// progress deadline passed, or that it was unavailable longer than the rule's.
// A Deployment asked for no pods is not ready: traffic must not go there.
// Reason is the text users know, for example
//
//	podinfo-primary.test not ready: waiting for rollout to finish: 1 old replicas are pending termination
func Health(d *appsv1.Deployment, rule Rule, now time.Time) rollout.Health {
	health := rollout.Health{Serving: d.Status.AvailableReplicas > 0}
	cause, dead := unready(d, rule, now)
	if cause == "" {
		health.Ready = true
		return health
	}
	health.Dead = dead
	health.Reason = fmt.Sprintf("%s.%s not ready: %s", d.Name, d.Namespace, cause)
	if rule.Side == rollout.OnCanary {
		health.Reason = "canary deployment " + health.Reason
	}
	return health
}

// unready returns the first cause why d is not ready, or "", and whether
// waiting is useless. While the status is of an older generation nothing in it
// can be held against the new one.
func unready(d *appsv1.Deployment, rule Rule, now time.Time) (cause string, dead bool) {
	if d.Status.ObservedGeneration < d.Generation {
		return "waiting for rollout to finish: observed deployment generation less than desired generation", false
	}
	if replicas(d) == 0 {
		return "scaled to zero: no replicas are desired", false
	}
	if c := condition(d, appsv1.DeploymentProgressing); c != nil && c.Reason == "ProgressDeadlineExceeded" {
		return fmt.Sprintf("deployment %q exceeded its progress deadline", d.Name), true
	}
	if cause = incomplete(d.Status, replicas(d), rule.Threshold); cause == "" {
		return "", false
	}
	c := condition(d, appsv1.DeploymentAvailable)
	dead = c != nil && c.Status == corev1.ConditionFalse && c.Reason == "MinimumReplicasUnavailable" &&
		now.Sub(c.LastUpdateTime.Time) > rule.Deadline
	return cause, dead
}

// incomplete says what a rollout to so many replicas still waits for. The
// threshold is rounded down, as users have tuned it, but never to no pod at all.
func incomplete(status appsv1.DeploymentStatus, replicas int32, threshold int) string {
	const waiting = "waiting for rollout to finish: "
	need := max(1, int32(int64(status.UpdatedReplicas)*int64(threshold)/100))
	switch {
	case status.UpdatedReplicas < replicas:
		return fmt.Sprintf(waiting+"%d out of %d new replicas have been updated", status.UpdatedReplicas, replicas)
	case status.Replicas > status.UpdatedReplicas:
		return fmt.Sprintf(waiting+"%d old replicas are pending termination", status.Replicas-status.UpdatedReplicas)
	case status.AvailableReplicas < need:
		return fmt.Sprintf(waiting+"%d of %d (readyThreshold %d%%) updated replicas are available", status.AvailableReplicas, need, threshold)
	default:
		return ""
	}
}

func condition(d *appsv1.Deployment, kind appsv1.DeploymentConditionType) *appsv1.DeploymentCondition {
	for i := range d.Status.Conditions {
		if d.Status.Conditions[i].Type == kind {
			return &d.Status.Conditions[i]
		}
	}
	return nil
}
