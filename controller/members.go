package controller

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// shares reports whether a state divides the traffic by the numbers of pods behind the
// apex. At home the apex selects the primary's pods, as with the reference.
func (v *view) shares(want rollout.Desired) bool {
	return v.provider.Caps.Members && v.plan.Routes && !v.fronted() &&
		want.Expose && want.Release == rollout.Kept && want.Route.Canary > 0
}

// apex renders the Service that users talk to.
func (v *view) apex(want rollout.Desired) (router.Object, error) {
	if v.shares(want) {
		return router.Shared(v.service, v.live)
	}
	return router.Apex(v.service, v.live)
}

// roll names what decides who stands behind the apex: how many pods of each side are
// ready changes the status of their workload.
func (v *view) roll(want rollout.Desired) string {
	text := fmt.Sprintf("%d", want.Route.Canary)
	for _, pods := range []*workload.Pods{v.target, v.primary} {
		text += "/"
		if pods != nil {
			text += pods.ResourceVersion
		}
	}
	return text
}

// enlist marks the pods that stand behind the apex, those who come before those who
// go: there are never fewer than are wanted. Pods are read and marked only when their
// number or the share changed, and never at home.
func (r *reconciler) enlist(ctx context.Context, v *view, m *memo, want rollout.Desired) error {
	roll := v.roll(want)
	if !v.shares(want) || m.roll == roll {
		return nil
	}
	primary, err := r.standing(ctx, v.primary)
	if err != nil {
		return err
	}
	canary, err := r.standing(ctx, v.target)
	if err != nil {
		return err
	}
	p, c := router.Members(serving(primary), serving(canary), want.Route.Canary)
	for _, come := range []bool{true, false} {
		for i, pod := range slices.Concat(primary, canary) {
			member := i < p || i >= len(primary) && i < len(primary)+c
			if member != come || (pod.Labels[router.MemberLabel] == v.service.Name) == member {
				continue
			}
			v.moved = true
			if err := r.fence(ctx, v); err != nil {
				return err
			}
			if err := r.mark(ctx, pod, v.service.Name, member); err != nil {
				return err
			}
		}
	}
	m.roll = roll
	return r.sayMembers(ctx, v, m, want, [2]int{p, c})
}

// gather lets the pods of the state that is written stand behind the apex before it is
// asked whether they do: nothing else would wake the Canary if they did already. An
// error is told when the state is acted on.
func (r *reconciler) gather(ctx context.Context, v *view, m *memo, state rollout.State) {
	if v.plan.Suspend {
		return
	}
	if err := r.enlist(ctx, v, m, rollout.Want(v.plan, state)); err != nil {
		r.log(v.canary).Debug("mark the pods behind the apex", "err", err)
	}
}

// sayMembers tells how far the part of the canary is from what was asked, if the pods
// are too few to come closer.
func (r *reconciler) sayMembers(ctx context.Context, v *view, m *memo, want rollout.Desired, have [2]int) error {
	all := have[0] + have[1]
	if all == 0 {
		return nil
	}
	part := have[1] * rollout.Full / all
	if off := part - want.Route.Canary; max(off, -off) < rollout.Percent(1) {
		return nil
	}
	said := rollout.Report{Level: rollout.Info, Message: fmt.Sprintf("%d of %d pods behind %s.%s are of the canary: %s of the traffic instead of %s",
		have[1], all, v.service.Name, v.service.Namespace, percentOf(part), percentOf(want.Route.Canary))}
	return r.voice.remark(ctx, v.canary, m, []rollout.Report{said})
}

func percentOf(share int) string {
	return strconv.FormatFloat(float64(share)/float64(rollout.Percent(1)), 'f', -1, 64) + "%"
}

// standing lists the pods of a side: the ready ones first, of those the members, then
// by name, so that as few as possible change.
func (r *reconciler) standing(ctx context.Context, p *workload.Pods) ([]corev1.Pod, error) {
	if p == nil {
		return nil, nil
	}
	selector, err := metav1.LabelSelectorAsSelector(p.Selector)
	if err != nil {
		return nil, fmt.Errorf("selector of %s %s.%s: %w", p.Kind, p.Name, p.Namespace, err)
	}
	var pods corev1.PodList
	if err := r.asker.live.List(ctx, &pods, client.InNamespace(p.Namespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return nil, fmt.Errorf("list pods of %s %s.%s: %w", p.Kind, p.Name, p.Namespace, err)
	}
	slices.SortFunc(pods.Items, func(a, b corev1.Pod) int {
		return cmp.Or(last(!upright(a), !upright(b)), last(a.Labels[router.MemberLabel] == "", b.Labels[router.MemberLabel] == ""), cmp.Compare(a.Name, b.Name))
	})
	return pods.Items, nil
}

// last orders what is true behind what is not.
func last(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// upright reports whether a pod is ready and stays.
func upright(pod corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

func serving(pods []corev1.Pod) int {
	n := 0
	for _, pod := range pods {
		if upright(pod) {
			n++
		}
	}
	return n
}

// mark puts a pod behind the apex, or takes it away. One that has gone meanwhile stands
// nowhere.
func (r *reconciler) mark(ctx context.Context, pod corev1.Pod, apex string, member bool) error {
	var value any
	if member {
		value = apex
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": map[string]any{router.MemberLabel: value}}})
	if err != nil {
		return fmt.Errorf("encode the label of pod %s.%s: %w", pod.Name, pod.Namespace, err)
	}
	object := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name}}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Pod"))
	err = r.client.Patch(ctx, object, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(manager))
	if err := client.IgnoreNotFound(err); err != nil {
		return fmt.Errorf("mark pod %s.%s: %w", pod.Name, pod.Namespace, err)
	}
	return nil
}

// selects reports whether a Service selects its pods by nothing else than it should: the
// selector is one value, and all of it is ours.
func selects(live *unstructured.Unstructured, object router.Object) bool {
	if object.GetKind() != "Service" {
		return true
	}
	has, _, err := unstructured.NestedMap(live.Object, "spec", "selector")
	if err != nil {
		return false
	}
	wants, _, err := unstructured.NestedMap(object.Object, "spec", "selector")
	return err == nil && (len(wants) == 0 || len(has) == len(wants))
}
