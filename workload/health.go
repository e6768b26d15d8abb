package workload

import (
	"fmt"
	"time"

	"github.com/serinhq/serin/rollout"
)

// A Rule says when the pods of a side are ready.
type Rule struct {
	Side      rollout.Side
	Threshold int           // percent of updated pods that must be available, 1 to 100
	Deadline  time.Duration // how long pods may be unavailable before the side is dead

	// Since when the pods have not been as they were asked to be, as far as the
	// caller knows; zero if they were when it last looked. Only a Deployment's
	// status has this time itself. It must not be the time of the last write of
	// a status: each of them would postpone the deadline.
	Since time.Time
}

// Health says how the pods of one side are. Ready means rolled out as the rule
// demands, with at least one pod available; Dead that the workload's own
// progress deadline passed, or that it was unavailable longer than the rule's.
// A workload asked for no pods is not ready: traffic must not go there.
// Reason is the text users know, for example
//
//	podinfo-primary.test not ready: waiting for rollout to finish: 1 old replicas are pending termination
func Health(p *Pods, rule Rule, now time.Time) rollout.Health {
	health := rollout.Health{Serving: p.Available > 0}
	cause, dead := p.of.unready(rule, now)
	if cause == "" {
		health.Ready = true
		return health
	}
	health.Dead = dead
	health.Reason = p.subject(rule.Side, dead) + ": " + cause
	return health
}

// subject begins the reason why a side is not ready. People search for these
// words, misspelt or not.
func (p *Pods) subject(side rollout.Side, dead bool) string {
	name := p.Name + "." + p.Namespace
	switch {
	case side == rollout.OnCanary && p.Kind == "DaemonSet":
		return fmt.Sprintf("canary damonset %s not ready with retryable %t", name, !dead)
	case side == rollout.OnCanary && p.Kind == "StatefulSet":
		return "canary statefulset " + name + " not ready"
	case side == rollout.OnCanary:
		return "canary deployment " + name + " not ready"
	case p.Kind == "DaemonSet":
		return "primary daemonset " + name + " not ready"
	default:
		return name + " not ready"
	}
}

// The beginning of most causes, and one of them.
const (
	waiting    = "waiting for rollout to finish: "
	noReplicas = "scaled to zero: no replicas are desired"
)

// A tally counts replicas.
type tally struct{ asked, all, updated, available int32 }

// incomplete says what a rollout still waits for.
func (t tally) incomplete(threshold int) string {
	need := atLeast(t.updated, threshold)
	switch {
	case t.updated < t.asked:
		return fmt.Sprintf(waiting+"%d out of %d new replicas have been updated", t.updated, t.asked)
	case t.all > t.updated:
		return fmt.Sprintf(waiting+"%d old replicas are pending termination", t.all-t.updated)
	case t.available < need:
		return fmt.Sprintf(waiting+"%d of %d (readyThreshold %d%%) updated replicas are available", t.available, need, threshold)
	default:
		return ""
	}
}

// atLeast is a share of pods, rounded down, as users have tuned it, but never to
// no pod at all.
func atLeast(pods int32, threshold int) int32 {
	return max(1, int32(int64(pods)*int64(threshold)/100))
}

// expire replaces a cause that has lasted for too long.
func (r Rule) expire(cause string, now time.Time) (string, bool) {
	if cause == "" || r.Since.IsZero() || now.Sub(r.Since) <= r.Deadline {
		return cause, false
	}
	return fmt.Sprintf("exceeded its progressDeadlineSeconds: %d", int64(r.Deadline/time.Second)), true
}
