package workload

import (
	"fmt"
	"maps"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// parkingLabel in the node selector of its pod template parks a DaemonSet: no
// node has it. It is Flagger's, so that either operator can take over.
const parkingLabel = "flagger.app/scale-to-zero"

type daemonSet struct{ *appsv1.DaemonSet }

func ofDaemonSet(d *appsv1.DaemonSet) *Pods {
	pods := &Pods{
		ObjectMeta: d.ObjectMeta, Kind: "DaemonSet", Selector: d.Spec.Selector, Template: unparked(d.Spec.Template),
		Replicas: 1, Available: d.Status.NumberAvailable, Ready: d.Status.NumberReady,
		of: daemonSet{d}, object: d,
	}
	if parked(d.Spec.Template) {
		pods.Replicas = 0
	}
	return pods
}

func parked(template corev1.PodTemplateSpec) bool {
	_, is := template.Spec.NodeSelector[parkingLabel]
	return is
}

// unparked is the template that the user meant: parking is no revision, and no
// primary must ever have it.
func unparked(template corev1.PodTemplateSpec) corev1.PodTemplateSpec {
	if parked(template) {
		template.Spec.NodeSelector = maps.Clone(template.Spec.NodeSelector)
		delete(template.Spec.NodeSelector, parkingLabel)
	}
	return template
}

func (d daemonSet) unfit() error {
	if kind := d.Spec.UpdateStrategy.Type; kind != "" && kind != appsv1.RollingUpdateDaemonSetStrategyType {
		return fmt.Errorf("DaemonSet %s.%s has spec.updateStrategy.type %s, so that new pods would wait for somebody to delete the old ones: set it to RollingUpdate",
			d.Name, d.Namespace, kind)
	}
	return nil
}

func (d daemonSet) spec(m mould) (any, error) {
	return &appsv1.DaemonSetSpec{
		Selector:             m.selector,
		Template:             m.template,
		UpdateStrategy:       d.Spec.UpdateStrategy,
		MinReadySeconds:      d.Spec.MinReadySeconds,
		RevisionHistoryLimit: d.Spec.RevisionHistoryLimit,
	}, nil
}

// scaled patches one key of the node selector: the others are the user's.
func (daemonSet) scaled(replicas int32) []byte {
	value := `"true"`
	if replicas > 0 {
		value = "null"
	}
	return fmt.Appendf(nil, `{"spec":{"template":{"spec":{"nodeSelector":{%q:%s}}}}}`, parkingLabel, value)
}

// unready is dead when the rule's deadline passed: a DaemonSet has none itself.
func (d daemonSet) unready(rule Rule, now time.Time) (cause string, dead bool) {
	switch {
	case d.Status.ObservedGeneration < d.Generation:
		return waiting + "observed daemonset generation less than desired generation", false
	case parked(d.Spec.Template):
		return "scaled to zero: its pod template selects nodes by " + parkingLabel, false
	}
	return rule.expire(d.incomplete(rule.Threshold), now)
}

// incomplete: a DaemonSet that no node runs has no pods to send traffic to.
func (d daemonSet) incomplete(threshold int) string {
	desired, updated := d.Status.DesiredNumberScheduled, d.Status.UpdatedNumberScheduled
	need := atLeast(desired, threshold)
	switch {
	case desired == 0:
		return waiting + "no node matches its pod template"
	case updated < desired:
		return fmt.Sprintf(waiting+"%d out of %d new pods have been updated", updated, desired)
	case d.Status.NumberAvailable < need:
		return fmt.Sprintf(waiting+"%d of %d (readyThreshold %d%%) updated pods are available", d.Status.NumberAvailable, need, threshold)
	default:
		return ""
	}
}
