package workload

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

type deployment struct{ *appsv1.Deployment }

func ofDeployment(d *appsv1.Deployment) *Pods {
	return &Pods{
		ObjectMeta: d.ObjectMeta, Kind: "Deployment", Selector: d.Spec.Selector, Template: d.Spec.Template,
		Replicas: asked(d.Spec.Replicas), Available: d.Status.AvailableReplicas, Ready: d.Status.ReadyReplicas,
		of: deployment{d}, object: d,
	}
}

func (deployment) unfit() error { return nil }

func (d deployment) spec(m mould) (any, error) {
	return &appsv1.DeploymentSpec{
		Replicas:                new(m.replicas),
		Selector:                m.selector,
		Template:                m.template,
		Strategy:                d.Spec.Strategy,
		MinReadySeconds:         d.Spec.MinReadySeconds,
		RevisionHistoryLimit:    d.Spec.RevisionHistoryLimit,
		ProgressDeadlineSeconds: d.Spec.ProgressDeadlineSeconds,
	}, nil
}

func (deployment) scaled(replicas int32) []byte { return setReplicas(replicas) }

// unready is dead when the Deployment's own progress deadline passed, or when it
// was unavailable for longer than the rule's.
func (d deployment) unready(rule Rule, now time.Time) (cause string, dead bool) {
	if d.Status.ObservedGeneration < d.Generation {
		return waiting + "observed deployment generation less than desired generation", false
	}
	if asked(d.Spec.Replicas) == 0 {
		return noReplicas, false
	}
	if c := condition(d.Deployment, appsv1.DeploymentProgressing); c != nil && c.Reason == "ProgressDeadlineExceeded" {
		return fmt.Sprintf("deployment %q exceeded its progress deadline", d.Name), true
	}
	cause = tally{
		asked: asked(d.Spec.Replicas), all: d.Status.Replicas, updated: d.Status.UpdatedReplicas, available: d.Status.AvailableReplicas,
	}.incomplete(rule.Threshold)
	if cause == "" {
		return "", false
	}
	c := condition(d.Deployment, appsv1.DeploymentAvailable)
	dead = c != nil && c.Status == corev1.ConditionFalse && c.Reason == "MinimumReplicasUnavailable" &&
		now.Sub(c.LastUpdateTime.Time) > rule.Deadline
	return cause, dead
}

func condition(d *appsv1.Deployment, kind appsv1.DeploymentConditionType) *appsv1.DeploymentCondition {
	for i := range d.Status.Conditions {
		if d.Status.Conditions[i].Type == kind {
			return &d.Status.Conditions[i]
		}
	}
	return nil
}
