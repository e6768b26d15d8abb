package controller

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/serinhq/serin/explain"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
)

const (
	// patience is for how long a release may stand still before status says why:
	// pods that come up as they should, and a route that is being taken, cost no
	// write.
	patience = 10 * time.Second

	// mostWaits bounds the reasons that are written in one transition, should one
	// contain something that never stays the same.
	mostWaits = 16

	// mostPods is how many pods are read for the cause of one that is not ready.
	mostPods = 20
)

// waits is what a process remembers of a release that stands still.
type waits struct {
	said map[string]bool // reasons written in this transition
	pods string          // what the pods said last
	read time.Time       // when they were asked
}

// tell writes into status, beside a transition, what it means for people.
func (v *view) tell(before, after rollout.State, reports []rollout.Report) {
	if before != after {
		turn := explain.Turn{Plan: v.plan, State: after, Seen: v.seen, Entered: reports}
		v.canary.Status.Tell(explain.Account(v.canary, before, turn))
	}
	v.told = true
}

// stand says in status why a release stands still, if it has for a while and the
// reason is another one than status has. It returns when to look for that again.
func (r *reconciler) stand(ctx context.Context, v *view, m *memo, remarks []rollout.Report) (time.Duration, error) {
	state := v.canary.Status.State()
	if v.told || v.canary.Status.Rollout == nil {
		return 0, nil // the write of this transition has said it; its event comes
	}
	turn := explain.Turn{Plan: v.plan, State: state, Seen: v.seen, Entered: v.canary.Status.Posted(), Remarks: remarks, Stood: true}
	text, _ := turn.Stands()
	if text == v.canary.Status.Rollout.WaitsFor && !v.unready(text) {
		return 0, nil
	}
	if early := patience - v.seen.Now.Sub(state.Since); early > 0 && v.seen.Now.After(state.Since) {
		return early, nil
	}
	var again time.Duration
	if v.unready(text) {
		again = v.plan.Interval
		turn.Pods = r.trouble(ctx, v, m, text)
	}
	account := explain.Account(v.canary, state, turn)
	if account.WaitsFor == v.canary.Status.Rollout.WaitsFor || m.waits.said[account.WaitsFor] || len(m.waits.said) >= mostWaits {
		return again, nil
	}
	v.canary.Status.Tell(account)
	if err := r.write(ctx, v.canary); err != nil {
		if apierrors.IsConflict(err) {
			// Somebody was faster and the watch brings it; the timer is for a server that
			// said so and had nothing newer.
			return afterConflict, nil
		}
		return again, fmt.Errorf("say what Canary %s.%s waits for: %w", v.canary.Name, v.canary.Namespace, err)
	}
	put(&m.waits.said, account.WaitsFor, true)
	return again, nil
}

// unready reports whether a text is that of a side that is not ready.
func (v *view) unready(text string) bool {
	return text != "" && (text == v.seen.Primary.Reason || text == v.seen.Canary.Reason)
}

// trouble asks the pods of a side that is not ready for the cause, at most once
// an interval: it may change without the workload changing. Not being allowed
// to read pods is no error: the workload's own reason is told without it.
func (r *reconciler) trouble(ctx context.Context, v *view, m *memo, text string) string {
	if !m.waits.read.IsZero() && v.seen.Now.Sub(m.waits.read) < v.plan.Interval {
		return m.waits.pods
	}
	side := v.target
	if text == v.seen.Primary.Reason {
		side = v.primary
	}
	if side == nil {
		return "" // a Service has no pods of its own
	}
	found, err := r.podsOf(ctx, side)
	if err != nil {
		r.log(v.canary).Debug("read the pods that are not ready", "err", err)
	}
	m.waits.read, m.waits.pods = v.seen.Now, workload.Trouble(side, found)
	return m.waits.pods
}

// podsOf reads some pods of a workload from the API server: they are needed so
// rarely that a cache of all pods would be a waste.
func (r *reconciler) podsOf(ctx context.Context, p *workload.Pods) ([]corev1.Pod, error) {
	selector, err := metav1.LabelSelectorAsSelector(p.Selector)
	if err != nil {
		return nil, fmt.Errorf("selector of %s %s.%s: %w", p.Kind, p.Name, p.Namespace, err)
	}
	var pods corev1.PodList
	err = r.asker.live.List(ctx, &pods, client.InNamespace(p.Namespace), client.MatchingLabelsSelector{Selector: selector}, client.Limit(mostPods))
	if err != nil {
		return nil, fmt.Errorf("list pods of %s %s.%s: %w", p.Kind, p.Name, p.Namespace, err)
	}
	return pods.Items, nil
}

// sooner is a result that comes back after a time at the latest; zero for none.
func sooner(result reconcile.Result, after time.Duration) reconcile.Result {
	if after > 0 && (result.RequeueAfter == 0 || after < result.RequeueAfter) {
		result.RequeueAfter = after
	}
	return result
}
