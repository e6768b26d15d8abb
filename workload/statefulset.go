package workload

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

type statefulSet struct{ *appsv1.StatefulSet }

func ofStatefulSet(s *appsv1.StatefulSet) *Pods {
	return &Pods{
		ObjectMeta: s.ObjectMeta, Kind: "StatefulSet", Selector: s.Spec.Selector, Template: s.Spec.Template,
		Replicas: asked(s.Spec.Replicas), Available: s.Status.AvailableReplicas, Ready: s.Status.ReadyReplicas,
		of: statefulSet{s}, object: s,
	}
}

func (s statefulSet) unfit() error {
	strategy, policy := s.Spec.UpdateStrategy, s.Spec.PersistentVolumeClaimRetentionPolicy
	refuse := func(why string) error { return fmt.Errorf("StatefulSet %s.%s has %s", s.Name, s.Namespace, why) }
	switch {
	case strategy.Type != "" && strategy.Type != appsv1.RollingUpdateStatefulSetStrategyType:
		return refuse(fmt.Sprintf("spec.updateStrategy.type %s, so that new pods would wait for somebody to delete the old ones: set it to RollingUpdate", strategy.Type))
	case strategy.RollingUpdate != nil && strategy.RollingUpdate.Partition != nil && *strategy.RollingUpdate.Partition > 0:
		return refuse(fmt.Sprintf("spec.updateStrategy.rollingUpdate.partition %d, so that some pods would keep the old revision: set it to 0", *strategy.RollingUpdate.Partition))
	case policy != nil && policy.WhenScaled == appsv1.DeletePersistentVolumeClaimRetentionPolicyType && len(s.Spec.VolumeClaimTemplates) > 0:
		return refuse("spec.persistentVolumeClaimRetentionPolicy.whenScaled Delete, and a canary is scaled to zero after every release, which would delete its data: set it to Retain")
	default:
		return nil
	}
}

// spec of a twin that has claims and pods of its own. What the API server does
// not let change must be as it is; which of the two is meant is not ours to guess.
func (s statefulSet) spec(m mould) (any, error) {
	if err := s.fits(m.live); err != nil {
		return nil, err
	}
	return &appsv1.StatefulSetSpec{
		Replicas:                             new(m.replicas),
		Selector:                             m.selector,
		Template:                             m.template,
		ServiceName:                          s.Spec.ServiceName,
		VolumeClaimTemplates:                 s.Spec.VolumeClaimTemplates,
		PodManagementPolicy:                  s.Spec.PodManagementPolicy,
		UpdateStrategy:                       s.Spec.UpdateStrategy,
		RevisionHistoryLimit:                 s.Spec.RevisionHistoryLimit,
		MinReadySeconds:                      s.Spec.MinReadySeconds,
		PersistentVolumeClaimRetentionPolicy: retained(s.Spec.PersistentVolumeClaimRetentionPolicy),
		Ordinals:                             s.Spec.Ordinals,
	}, nil
}

// retained: the primary goes with its Canary, which must not take the data along.
func retained(policy *appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy) *appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy {
	if policy == nil {
		return nil // an API server that does not know the field keeps claims anyway
	}
	return &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{
		WhenDeleted: appsv1.RetainPersistentVolumeClaimRetentionPolicyType,
		WhenScaled:  appsv1.RetainPersistentVolumeClaimRetentionPolicyType,
	}
}

func (s statefulSet) fits(live *Pods) error {
	if live == nil {
		return nil
	}
	has, ok := live.of.(statefulSet)
	if !ok {
		return fmt.Errorf("the primary is a %s: delete it, and it will be made again", live.Kind)
	}
	differs := func(field string) error {
		return fmt.Errorf("its %s is not that of %s, and cannot be changed: delete it with --cascade=orphan, and it will be made again around its pods",
			field, s.Name)
	}
	switch {
	case has.Spec.ServiceName != s.Spec.ServiceName:
		return differs("spec.serviceName")
	case has.Spec.PodManagementPolicy != s.Spec.PodManagementPolicy:
		return differs("spec.podManagementPolicy")
	case !equality.Semantic.DeepEqual(has.Spec.VolumeClaimTemplates, s.Spec.VolumeClaimTemplates):
		return differs("spec.volumeClaimTemplates")
	default:
		return nil
	}
}

func (statefulSet) scaled(replicas int32) []byte { return setReplicas(replicas) }

// unready is dead when the rule's deadline passed: a StatefulSet has none itself.
func (s statefulSet) unready(rule Rule, now time.Time) (cause string, dead bool) {
	switch {
	case s.Status.ObservedGeneration < s.Generation:
		return waiting + "observed statefulset generation less than desired generation", false
	case asked(s.Spec.Replicas) == 0:
		return noReplicas, false
	}
	cause = tally{
		asked: asked(s.Spec.Replicas), all: s.Status.Replicas, updated: s.Status.UpdatedReplicas, available: s.Status.AvailableReplicas,
	}.incomplete(rule.Threshold)
	// The controller ends a rollout when all pods are ready, so that less than
	// all of them cannot wait for it.
	if cause == "" && rule.Threshold >= 100 && s.Status.CurrentRevision != s.Status.UpdateRevision {
		cause = waiting + "revision " + s.Status.UpdateRevision + " is not the current one yet"
	}
	return rule.expire(cause, now)
}
