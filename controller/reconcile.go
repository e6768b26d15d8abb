package controller

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
)

// afterConflict is when to look again if the watch shows no reason for a conflict.
const afterConflict = time.Second

// reconciler works on one Canary at a time, as doc.go draws it.
type reconciler struct {
	options   Options
	client    client.Client // reads from caches
	stock     *stock
	routes    *follower
	classes   *classes
	scalers   []schema.GroupVersionKind // that the cluster has
	memory    *memory
	probes    *pool
	asker     *asker
	voice     *voice
	turnstile *turnstile
	consumers consumers
	gauges    *gauges
	wake      func(types.NamespacedName)
	life      context.Context // of the process; probes outlive a reconcile
}

// Reconcile implements reconcile.Reconciler.
func (r *reconciler) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	canary, err := r.load(ctx, req.NamespacedName)
	switch {
	case apierrors.IsNotFound(err):
		r.forget(req)
		return reconcile.Result{}, nil
	case canary == nil:
		return reconcile.Result{}, err
	case canary.DeletionTimestamp != nil && !pledged(canary):
		r.turnstile.note(req.NamespacedName, false, false)
		return reconcile.Result{}, nil // its objects go with it
	}
	m := r.memory.of(req.NamespacedName, canary.UID)
	if canary.ResourceVersion == m.replaced {
		return reconcile.Result{RequeueAfter: together}, nil // the cache is behind our own write
	}
	if wait := r.overtaken(canary, m); wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	if err != nil {
		return reconcile.Result{}, r.refuse(ctx, canary, field.ErrorList{field.Invalid(field.NewPath("spec"), "", err.Error())})
	}
	if canary.DeletionTimestamp != nil && !canary.Spec.RevertOnDeletion {
		return r.giveBack(ctx, canary, m)
	}
	plan, faults := r.compile(ctx, canary)
	if len(faults) > 0 {
		return reconcile.Result{}, r.refuse(ctx, canary, faults)
	}
	if wrote, err := r.pledge(ctx, canary); wrote || err != nil {
		return reconcile.Result{}, r.obstructed(ctx, canary, m, err)
	}
	return r.release(ctx, canary, plan)
}

// release observes, decides, commits and acts.
func (r *reconciler) release(ctx context.Context, canary *v1beta1.Canary, plan rollout.Plan) (reconcile.Result, error) {
	key := client.ObjectKeyFromObject(canary)
	m := r.memory.of(key, canary.UID)
	if err := r.routes.follow(ctx, r.provider(canary)); err != nil {
		return reconcile.Result{}, errors.Join(err, r.voice.remark(ctx, canary, m, []rollout.Report{{Level: rollout.Warn, Message: err.Error()}}))
	}
	v, err := r.look(ctx, canary, plan)
	if err != nil {
		return reconcile.Result{}, err
	}
	stored := canary.Status.State()
	if !v.readable() {
		return reconcile.Result{}, r.unreadable(ctx, v, m)
	}
	state := v.adopt(stored)
	r.gather(ctx, v, m, state)
	r.complete(v, m, state)
	if err := r.voice.repeat(ctx, canary, m); err != nil {
		return reconcile.Result{}, errors.Join(err, r.hold(ctx, v, m, state))
	}
	next, reports := rollout.Next(plan, state, v.seen)
	r.turnstile.note(key, next.Running(), next.Starts(v.seen.Target))
	taken := v.taken(state)
	if heard := canary.Hear(taken, metav1.NewTime(v.seen.Now)); heard || next != stored || unsettled(canary) {
		if err := r.commit(ctx, v, next, reports); err != nil {
			if apierrors.IsConflict(err) {
				// Somebody was faster and the watch brings it; the timer is for a server
				// that said so and had nothing newer.
				return reconcile.Result{RequeueAfter: afterConflict}, nil
			}
			return reconcile.Result{}, err
		}
		m.at(canary.Status.Transition())
		m.hear(taken)
		reports = nil // they are in the outbox
	}
	r.gauges.release(canary, plan, next)
	return r.carryOut(ctx, v, next, reports)
}

// carryOut acts upon a state that is written, reports, and starts what is asked next.
func (r *reconciler) carryOut(ctx context.Context, v *view, next rollout.State, reports []rollout.Report) (reconcile.Result, error) {
	canary, m := v.canary, v.memo
	if next.Paused {
		return reconcile.Result{}, r.say(ctx, v, m, reports)
	}
	failed := r.settle(ctx, v, m, next)
	if apierrors.IsConflict(failed) {
		if err := r.say(ctx, v, m, nil); err != nil {
			return reconcile.Result{}, err
		}
		return reconcile.Result{RequeueAfter: afterConflict}, nil // as above
	}
	if failed != nil {
		reports = append(reports, rollout.Report{Level: rollout.Warn, Message: failed.Error()})
	}
	if err := r.say(ctx, v, m, reports); err != nil {
		return reconcile.Result{}, err
	}
	if failed != nil {
		_, err := r.stand(ctx, v, m, reports)
		return reconcile.Result{}, errors.Join(failed, err)
	}
	if rollout.Gone(next) {
		return reconcile.Result{}, r.obstructed(ctx, canary, m, r.dismiss(ctx, canary))
	}
	result := r.ask(v, next)
	again, err := r.stand(ctx, v, m, reports)
	return sooner(result, again), err
}

// complete adds to the observation what depends on the state.
func (r *reconciler) complete(v *view, m *memo, state rollout.State) {
	if v.still = v.picture(); v.still != "" && v.still == m.still {
		v.seen.Routed = m.routed
	} else {
		v.seen.Routed = v.routed(state)
	}
	if !v.seen.Routed {
		v.seen.Refusal = router.Refusal(v.opened())
	}
	v.seen.Answers = r.answers(v, state)
	maps.DeleteFunc(m.heard, func(verb rollout.Verb, text string) bool { return v.canary.Asked(verb) != text })
	v.seen.Wishes = slices.DeleteFunc(v.canary.Wishes(), func(w rollout.Wish) bool { return m.heard[w.Verb] == w.Text })
	v.seen.Deleted = v.canary.DeletionTimestamp != nil
	if v.plan.Cookie != "" {
		v.seen.Token = letters()
	}
	if state.Starts(v.seen.Target) {
		v.seen.Queued = r.turnstile.enter(client.ObjectKeyFromObject(v.canary))
	}
}

// taken lists the wishes that the decision in a state takes up. They count as heard
// once the decision is written: one that was dropped has heard nobody.
func (v *view) taken(state rollout.State) []rollout.Wish {
	var taken []rollout.Wish
	for _, wish := range v.seen.Wishes {
		if !v.plan.Suspend && !v.seen.Deleted && wish.Concerns(state, v.seen.Target) {
			taken = append(taken, wish)
		}
	}
	return taken
}

// unreadable says what a person must mend, and lets a Canary go whose workload is
// gone already: there is nothing left to give back.
func (r *reconciler) unreadable(ctx context.Context, v *view, m *memo) error {
	if v.canary.DeletionTimestamp != nil && v.gone() {
		return r.obstructed(ctx, v.canary, m, r.dismiss(ctx, v.canary))
	}
	return r.say(ctx, v, m, v.notes)
}

// hold makes the world match a state that cannot be left yet, since not all is said of
// it: a route home waits for no event.
func (r *reconciler) hold(ctx context.Context, v *view, m *memo, state rollout.State) error {
	if state.Paused {
		return nil
	}
	return r.settle(ctx, v, m, state)
}

// letters are the value of a cookie: nobody can guess one.
func letters() string {
	const size = 10
	return strings.ToLower(rand.Text()[:size])
}

// say reports a transition once and what stands in the way once in each.
func (r *reconciler) say(ctx context.Context, v *view, m *memo, remarks []rollout.Report) error {
	if err := r.voice.repeat(ctx, v.canary, m); err != nil {
		return err
	}
	return r.voice.remark(ctx, v.canary, m, remarks)
}

// unsettled reports whether status says something that is no longer so: a spec
// that was refused and is fine now, or a generation that was edited since. Tools
// that wait for an object to settle (kstatus) look at the latter.
func unsettled(canary *v1beta1.Canary) bool {
	if canary.Status.ObservedGeneration != canary.Generation || canary.Status.Refused() != nil {
		return true
	}
	return canary.DeepCopy().Attend(time.Time{}) // the annotation serin.dev/health came or went
}

// commit writes the decision, fenced by the resourceVersion that it was based on.
func (r *reconciler) commit(ctx context.Context, v *view, state rollout.State, reports []rollout.Report) error {
	canary, before := v.canary, v.canary.Status.State()
	canary.Status.Store(state, v.plan, v.seen.Now)
	v.remember(state)
	canary.Status.ObservedGeneration = canary.Generation
	canary.Status.DropCondition(v1beta1.Accepted)
	canary.Status.Post(reports)
	canary.Status.Owe(r.voice.courier.waiting(canary.UID))
	v.tell(before, state, reports)
	canary.Attend(v.seen.Now)
	if err := r.write(ctx, canary); err != nil {
		return fmt.Errorf("commit %s of Canary %s.%s: %w", state.Phase, canary.Name, canary.Namespace, err)
	}
	r.memory.of(client.ObjectKeyFromObject(canary), canary.UID).at(canary.Status.Transition())
	r.log(canary).Debug("committed", "phase", state.Phase, "step", state.Step, "weight", canary.Status.CanaryWeight,
		"revision", state.Revision)
	return nil
}

// refuse says in a condition what is wrong with a spec. A running release is
// left as it is: its traffic does not move.
func (r *reconciler) refuse(ctx context.Context, canary *v1beta1.Canary, faults field.ErrorList) error {
	message := faults.ToAggregate().Error()
	m := r.memory.of(client.ObjectKeyFromObject(canary), canary.UID)
	before := canary.Status.DeepCopy()
	canary.Status.SetCondition(v1beta1.Condition{
		Type: v1beta1.Accepted, Status: metav1.ConditionFalse, Reason: "InvalidSpec", Message: message}, r.options.clock())
	canary.Status.ObservedGeneration = canary.Generation
	canary.Attend(r.options.clock())
	if !sameConditions(before, &canary.Status) || before.ObservedGeneration != canary.Generation {
		if err := r.write(ctx, canary); err != nil && !apierrors.IsConflict(err) {
			return fmt.Errorf("refuse Canary %s.%s: %w", canary.Name, canary.Namespace, err)
		}
	}
	return r.voice.remark(ctx, canary, m, []rollout.Report{{Level: rollout.Warn, Message: "invalid canary spec: " + message}})
}

func sameConditions(a, b *v1beta1.CanaryStatus) bool {
	if len(a.Conditions) != len(b.Conditions) {
		return false
	}
	for i := range a.Conditions {
		if a.Conditions[i] != b.Conditions[i] {
			return false
		}
	}
	return true
}

// write replaces the status of the stored object and takes over its new version.
func (r *reconciler) write(ctx context.Context, canary *v1beta1.Canary) error {
	before := canary.ResourceVersion
	patch, err := json.Marshal([]map[string]any{
		{"op": "replace", "path": "/metadata/resourceVersion", "value": before}, // a conflict if it is no longer that
		{"op": "add", "path": "/status", "value": canary.Status},                // whole, also where there is one
	})
	if err != nil {
		return fmt.Errorf("encode status: %w", err)
	}
	written := bare(kind("Canary"), canary.Namespace, canary.Name)
	if err := r.client.Status().Patch(ctx, written, client.RawPatch(types.JSONPatchType, patch), client.FieldOwner(manager)); err != nil {
		return err
	}
	canary.ResourceVersion = written.ResourceVersion
	if before != canary.ResourceVersion {
		r.memory.of(client.ObjectKeyFromObject(canary), canary.UID).replaced = before
	}
	return nil
}

func (r *reconciler) forget(req reconcile.Request) {
	r.probes.keep(req.NamespacedName, nil)
	r.turnstile.note(req.NamespacedName, false, false)
	r.gauges.forget(req.NamespacedName)
	r.consumers.set(req.NamespacedName, nil)
	if r.memory.forget(req.NamespacedName) {
		r.options.Log.Info(fmt.Sprintf("Deleting %s.%s from cache", req.Name, req.Namespace))
	}
}

func (r *reconciler) log(canary *v1beta1.Canary) *slog.Logger {
	return r.options.Log.With("canary", canary.Name+"."+canary.Namespace)
}
