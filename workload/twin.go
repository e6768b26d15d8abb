package workload

import (
	"maps"
	"slices"
	"strings"

	"github.com/serinhq/serin/rollout"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// toolkit marks keys that tell a GitOps tool to manage an object. On a copy they
// would make it delete the copy.
const toolkit = "toolkit.fluxcd.io"

// restartedAt is left by kubectl rollout restart. It says nothing about what a
// primary was made from.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

// A rewriting returns what a value of a selector label in an affinity rule
// becomes on the primary.
type rewriting func(target *Pods, s Selector, key, value string) string

// rewriteName is Flagger's rule: only the name of the target is recognised.
func rewriteName(target *Pods, _ Selector, _, value string) string {
	if value == target.Name {
		return value + "-primary"
	}
	return value
}

// rewriteNone is Flagger's rule for a DaemonSet.
func rewriteNone(_ *Pods, _ Selector, _, value string) string { return value }

// rewriteBoth recognises also the value by which the pods are really selected;
// otherwise a primary whose label is not the name would keep away from the
// canary's pods and not from its own.
func rewriteBoth(target *Pods, s Selector, key, value string) string {
	if key == s.Key && value == s.Value {
		return s.Primary()
	}
	return rewriteName(target, s, key, value)
}

// flaggers is the rule by which Flagger made the primary of a target.
func flaggers(target *Pods) rewriting {
	if target.Kind == "DaemonSet" {
		return rewriteNone
	}
	return rewriteName
}

// twin is the pod template of the primary, without its flagger-id.
func twin(target *Pods, o Options, rewrite rewriting) corev1.PodTemplateSpec {
	t := target.Template.DeepCopy()
	t.Labels = withoutToolkit(t.Labels)
	t.Labels[o.Selector.Key] = o.Selector.Primary()
	t.Annotations = withoutToolkit(t.Annotations)
	delete(t.Annotations, flaggerID)
	for _, selector := range spreads(&t.Spec) {
		renameIn(selector, func(key, value string) string {
			if !slices.Contains(o.Labels, key) {
				return value
			}
			return rewrite(target, o.Selector, key, value)
		})
	}
	return *t
}

// meaning is the revision of a primary's template without what promotions and
// restarts leave on it.
func meaning(template corev1.PodTemplateSpec) rollout.Revision {
	template.Annotations = maps.Clone(template.Annotations)
	delete(template.Annotations, flaggerID)
	delete(template.Annotations, restartedAt)
	return Revision(template)
}

// spreads lists the selectors by which pods keep away from one another.
func spreads(spec *corev1.PodSpec) []*metav1.LabelSelector {
	var selectors []*metav1.LabelSelector
	if spec.Affinity != nil && spec.Affinity.PodAntiAffinity != nil {
		anti := spec.Affinity.PodAntiAffinity
		for _, term := range anti.RequiredDuringSchedulingIgnoredDuringExecution {
			selectors = append(selectors, term.LabelSelector)
		}
		for _, term := range anti.PreferredDuringSchedulingIgnoredDuringExecution {
			selectors = append(selectors, term.PodAffinityTerm.LabelSelector)
		}
	}
	for _, constraint := range spec.TopologySpreadConstraints {
		selectors = append(selectors, constraint.LabelSelector)
	}
	return slices.DeleteFunc(selectors, func(s *metav1.LabelSelector) bool { return s == nil })
}

func renameIn(selector *metav1.LabelSelector, rename func(key, value string) string) {
	for key, value := range selector.MatchLabels {
		selector.MatchLabels[key] = rename(key, value)
	}
	for _, e := range selector.MatchExpressions {
		for i, value := range e.Values {
			e.Values[i] = rename(e.Key, value)
		}
	}
}

// withoutToolkit returns a copy, never nil.
func withoutToolkit(keys map[string]string) map[string]string {
	kept := map[string]string{}
	for key, value := range keys {
		if !strings.Contains(key, toolkit) {
			kept[key] = value
		}
	}
	return kept
}

func primaryLabels(target *Pods, o Options) map[string]string {
	labels := CopiedLabels(target.Labels, o.Include)
	labels[o.Selector.Key] = o.Selector.Primary()
	return labels
}

// primaryAnnotations copies all annotations at creation and those of the
// prefixes at promotion. In between the primary keeps those it has.
func primaryAnnotations(target *Pods, o Options, same bool) map[string]string {
	annotations := withoutToolkit(target.Annotations)
	maps.DeleteFunc(annotations, func(key, _ string) bool {
		if key == corev1.LastAppliedConfigAnnotation || strings.HasPrefix(key, "deployment.kubernetes.io/") || strings.HasPrefix(key, "deprecated.daemonset.template.generation") {
			return true // kubectl's and the controllers', about that very object
		}
		if o.Live == nil || included(key, o.Include) {
			return false
		}
		_, has := o.Live.Annotations[key]
		return !same || !has
	})
	annotations[RevisionAnnotation] = string(o.revision(target))
	return annotations
}

// CopiedLabels are those of an object that something made after it has, too: by
// prefixes of -include-label-prefix, and never those of GitOps tools.
func CopiedLabels(labels map[string]string, prefixes []string) map[string]string {
	kept := withoutToolkit(labels)
	maps.DeleteFunc(kept, func(key, _ string) bool { return !included(key, prefixes) })
	return kept
}

func included(key string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		return prefix == "*" || prefix != "" && strings.HasPrefix(key, prefix)
	})
}
