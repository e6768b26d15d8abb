package controller

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// A view is the part of the cluster that one Canary is about, read from caches.
// Objects that do not exist are nil.
type view struct {
	canary   *v1beta1.Canary
	plan     rollout.Plan
	provider router.Provider
	options  workload.Options
	memo     *memo

	target  *workload.Pods
	primary *workload.Pods
	live    router.Live
	routes  []router.Object // as the cache keeps them, see opened
	open    []router.Object
	service router.Service // without live objects, see serving
	scalers scalers
	configs configs
	knative workload.Serverless

	seen   rollout.Observation
	notes  []rollout.Report // what could not be read, for people
	told   bool             // a status was written from this view
	still  string           // the picture before a decision
	moved  bool             // something was not as it should be, and was sent
	astray [parts]bool      // of which parts it was
	fenced bool             // the status it is about was the newest
	plain  uint64           // see plainService
	drawn  drawn
}

// drawn keeps what was rendered last, which is only read.
type drawn struct {
	of      rollout.Desired
	objects []router.Object
}

// look reads the objects of a Canary. Its errors are those of the API machinery;
// what a person must mend becomes a note.
func (r *reconciler) look(ctx context.Context, canary *v1beta1.Canary, plan rollout.Plan) (*view, error) {
	v := &view{canary: canary, plan: plan, provider: r.provider(canary)}
	v.memo = r.memory.of(client.ObjectKeyFromObject(canary), canary.UID)
	v.seen.Now = r.options.clock()
	namespace := canary.Namespace
	var err error
	if v.target, err = r.pods(ctx, canary, canary.Spec.TargetRef.Name); err != nil {
		return nil, err
	}
	if v.primary, err = r.pods(ctx, canary, canary.PrimaryName()); err != nil {
		return nil, err
	}
	for name, into := range map[string]**corev1.Service{
		canary.Apex(): &v.live.Apex, canary.PrimaryService(): &v.live.Primary, canary.CanaryService(): &v.live.Canary,
	} {
		if *into, err = read(ctx, r.client, namespace, name, &corev1.Service{}); err != nil {
			return nil, err
		}
	}
	for _, ref := range v.provider.Refs(r.named(canary)) {
		object, err := read(ctx, r.client, ref.Namespace, ref.Name, blank(ref.GroupVersionKind))
		if err != nil {
			return nil, err
		}
		if object != nil {
			v.routes = append(v.routes, *object)
		}
	}
	if err := r.lookRevisions(ctx, v); err != nil {
		return nil, err
	}
	if err := r.lookScalers(ctx, v); err != nil {
		return nil, err
	}
	if err := r.track(ctx, v); err != nil {
		return nil, err
	}
	r.measure(v)
	return v, nil
}

// read gets one object from the cache; nil if there is none. It shares all its parts with
// the cache, which others read at the same time: change a copy. `make integration` runs
// with the cache's own detector of changes.
func read[T client.Object](ctx context.Context, c client.Reader, namespace, name string, into T) (T, error) {
	var none T
	err := c.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, into)
	switch {
	case apierrors.IsNotFound(err):
		return none, nil
	case err != nil:
		return none, fmt.Errorf("read %T %s.%s: %w", into, name, namespace, err)
	}
	return into, nil
}

// measure fills the observation from the objects.
func (r *reconciler) measure(v *view) {
	switch {
	case v.canary.Spec.TargetRef.Knative():
		r.measureKnative(v)
		return
	case v.fronted():
		r.measureFront(v)
		return
	}
	if v.target == nil {
		v.note("%s %s.%s not found", strings.ToLower(v.canary.Spec.TargetRef.Kind), v.canary.Spec.TargetRef.Name, v.canary.Namespace)
		return
	}
	selector, err := workload.SelectorOf(v.target, r.options.Selectors)
	if err := cmp.Or(v.target.Fit(), err); err != nil {
		v.note("%v", err)
		return
	}
	if v.configs.missing {
		return
	}
	v.options = workload.Options{
		Owner: workload.Owner{Name: v.canary.Name, UID: string(v.canary.UID)}, Selector: selector,
		Labels: r.options.Selectors, Include: r.options.Include, Live: v.primary,
		Configs: v.configs.all, Inherited: v.configs.inherited, Revision: workload.Joined(v.memo.revision(v.target), v.configs.all),
	}
	if !v.scalable() {
		return
	}
	v.seen.Copied = workload.Copied(v.target, v.options)
	v.service, err = serviceOf(v.canary, r.named(v.canary), v.options, v.target)
	if err != nil {
		v.note("%v", err)
		return
	}
	v.seen.Target = v.options.Revision
	v.seen.Parked = v.target.Parked() && !v.memo.behind(sizeOf(v.target), v.target.ResourceVersion)
	v.seen.Canary = v.health(v.target, rollout.OnCanary, v.canary.CanaryReadyPercent())
	v.seen.Primary = v.health(v.primary, rollout.OnPrimary, v.canary.PrimaryReadyPercent())
}

func (v *view) note(format string, args ...any) {
	v.notes = append(v.notes, rollout.Report{Level: rollout.Warn, Message: fmt.Sprintf(format, args...)})
}

// readable reports whether the workload could be understood; if not, nothing is
// decided and nothing is written.
func (v *view) readable() bool { return v.seen.Target != "" }

// routed reports whether the data plane serves the state: all objects on the
// way of a request are as they should be, and the provider took the route.
func (v *view) routed(state rollout.State) bool {
	want := rollout.Want(v.plan, state)
	if !want.Expose {
		return false
	}
	objects, err := v.traffic(want)
	if err != nil {
		return false
	}
	for _, object := range objects {
		if !v.is(v.find(object), object) {
			return false
		}
	}
	if len(v.provider.Kinds) == 0 {
		return !v.shares(want) || v.memo.roll == v.roll(want)
	}
	return v.accepted(want)
}

// accepted reports whether the data plane took the route. One that is given back
// leads to the apex, which no provider reads as a division.
func (v *view) accepted(want rollout.Desired) bool {
	if want.Release != rollout.Kept {
		return true
	}
	versions := v.routeVersions()
	if v.memo.took.routes != versions {
		_, accepted, err := v.provider.Parse(v.opened())
		v.memo.took = took{routes: versions, accepted: err == nil && accepted}
	}
	return v.memo.took.accepted
}
