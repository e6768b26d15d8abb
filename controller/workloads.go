package controller

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
)

// workloads are empty objects of the kinds whose pods are released. All of them
// are watched; they are of Kubernetes itself, so that every cluster has them.
var workloads = map[string]func() client.Object{
	"Deployment":  func() client.Object { return &appsv1.Deployment{} },
	"DaemonSet":   func() client.Object { return &appsv1.DaemonSet{} },
	"StatefulSet": func() client.Object { return &appsv1.StatefulSet{} },
}

// pods reads a workload of the Canary's kind from the cache; nil if there is none,
// and for a Service, which has no pods of its own.
func (r *reconciler) pods(ctx context.Context, canary *v1beta1.Canary, name string) (*workload.Pods, error) {
	empty, ok := workloads[canary.Spec.TargetRef.Kind]
	if !ok {
		return nil, nil
	}
	object, err := read(ctx, r.client, canary.Namespace, name, empty())
	if err != nil || object == nil {
		return nil, err
	}
	return workload.Of(object)
}

// health of a side. The memo knows since when the pods are not as they should
// be; a step that began later gives them all of the time again.
func (v *view) health(p *workload.Pods, side rollout.Side, percent int) rollout.Health {
	if p == nil {
		delete(v.memo.unready, side)
		return rollout.Health{}
	}
	rule := workload.Rule{Side: side, Threshold: percent, Deadline: v.plan.Deadline}
	if first, ok := v.memo.unready[side]; ok {
		rule.Since = later(first, v.canary.Status.State().Since)
	}
	health := workload.Health(p, rule, v.seen.Now)
	_, known := v.memo.unready[side]
	switch {
	case health.Ready || p.Parked():
		delete(v.memo.unready, side)
	case !known:
		put(&v.memo.unready, side, v.seen.Now)
	}
	return health
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// scale patches how many pods the workload asks for: the only field of the
// user's object that is ever written.
func (r *reconciler) scale(ctx context.Context, v *view, m *memo, want rollout.Desired) error {
	if v.target == nil {
		return nil
	}
	var replicas int32
	switch want.Canary {
	case rollout.Leave:
		return nil
	case rollout.Up:
		replicas = v.awake(m, want.Share)
	case rollout.Zero:
	}
	if v.target.Replicas == replicas && !m.behind(sizeOf(v.target), v.target.ResourceVersion) {
		return nil
	}
	v.moved = true
	sent, err := r.resize(ctx, v, v.target, replicas)
	if sent && replicas == 0 {
		r.log(v.canary).Info(fmt.Sprintf("Scaling down %s %s.%s", v.target.Kind, v.target.Name, v.target.Namespace))
	}
	return err
}

// unpark brings back the pods of a DaemonSet that is a primary and is parked all
// the same: Flagger makes such a one while its target is parked. An apply cannot
// take away a key of the node selector that is somebody else's.
func (r *reconciler) unpark(ctx context.Context, v *view) error {
	if v.primary == nil || v.primary.Kind != "DaemonSet" || !v.primary.Parked() ||
		v.options.Owner.Claim(v.primary) != workload.Ours {
		return nil
	}
	v.moved = true
	_, err := r.resize(ctx, v, v.primary, 1)
	return err
}

// sizeOf names the size of a workload among what was sent.
func sizeOf(p *workload.Pods) string { return "size of " + p.Name }

// resize patches the size of a workload and reports whether it did. Like an
// apply, a patch is not sent again before the cache has moved.
func (r *reconciler) resize(ctx context.Context, v *view, p *workload.Pods, replicas int32) (bool, error) {
	m := v.memo
	sent, name := applied{digest: fmt.Sprintf("%d replicas", replicas), before: p.ResourceVersion}, sizeOf(p)
	if m.applied[name] == sent {
		return false, nil
	}
	if err := r.fence(ctx, v); err != nil {
		return false, err
	}
	object := bare(appsv1.SchemeGroupVersion.WithKind(p.Kind), p.Namespace, p.Name)
	patch := client.RawPatch(types.MergePatchType, workload.Scaled(p, replicas))
	if err := r.client.Patch(ctx, object, patch, client.FieldOwner(manager)); err != nil {
		return false, fmt.Errorf("scale %s %s.%s to %d: %w", p.Kind, p.Name, p.Namespace, replicas, err)
	}
	put(&m.applied, name, sent)
	return true, nil
}
