package controller

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// settle acts, unless the picture is one in which nothing was left to do.
func (r *reconciler) settle(ctx context.Context, v *view, m *memo, state rollout.State) error {
	now := v.picture()
	if now != "" && now == m.still {
		return nil
	}
	if err := r.act(ctx, v, m, state); err != nil {
		return err
	}
	// After a commit the picture is of another state than the one that was asked about.
	if m.still = ""; !v.moved && now == v.still {
		m.still, m.routed = now, v.seen.Routed
	}
	return nil
}

// act makes the world match the state: first the way of the requests, then the
// pods, so that nobody is routed to what has just gone.
func (r *reconciler) act(ctx context.Context, v *view, m *memo, state rollout.State) error {
	want := rollout.Want(v.plan, state)
	if err := r.reclaim(ctx, v, m); err != nil {
		return err
	}
	uncopied := r.copyConfigs(ctx, v, m, want)
	if uncopied != nil {
		want.Primary = "" // without what it refers to, its pods would not start
	}
	if err := r.enlist(ctx, v, m, want); err != nil {
		return err
	}
	v.keep(want)
	objects, err := v.desired(want)
	if err != nil {
		return err
	}
	errs := []error{uncopied}
	for _, object := range objects {
		errs = append(errs, r.apply(ctx, v, m, object))
	}
	if err := errors.Join(errs...); err != nil {
		return err // pods stay while their route is not as it should be
	}
	v.learn(want, objects)
	if err := r.autoscale(ctx, v, m, state); err != nil {
		return err
	}
	if err := errors.Join(r.unpark(ctx, v), r.scale(ctx, v, m, want)); err != nil {
		return err
	}
	m.raised = m.transition
	return r.dropCopies(ctx, v, want, state)
}

// desired lists every object of a state, in the order in which they are applied.
func (v *view) desired(want rollout.Desired) ([]router.Object, error) {
	if want.Release != rollout.Kept {
		return v.left(want.Release)
	}
	if v.canary.Spec.TargetRef.Knative() {
		return v.revisions(want)
	}
	if v.fronted() {
		return v.fronts(want)
	}
	objects, err := v.sides(want)
	if err != nil {
		return nil, err
	}
	if want.Expose {
		traffic, err := v.traffic(want)
		if err != nil {
			return nil, err
		}
		objects = append(objects, traffic...)
	} else {
		ahead, err := v.ahead()
		if err != nil {
			return nil, err
		}
		objects = append(objects, ahead...)
	}
	// A revision other than the workload's cannot be made: there is no template.
	if want.Primary != "" && want.Primary == v.seen.Target && !v.knows(twinParts, want) {
		twin, err := workload.Primary(v.target, v.carrying(want.Route.Canary))
		if err != nil {
			return nil, fmt.Errorf("render the primary of %s: %w", v.target.Name, err)
		}
		objects = append(objects, twin)
	}
	return objects, nil
}

// sides lists the Services in front of the two sides; none if they are known to be
// as they should be.
func (v *view) sides(want rollout.Desired) ([]router.Object, error) {
	if v.knows(serviceParts, want) {
		return nil, nil
	}
	primary, canary, err := router.Services(v.service, v.live)
	if err != nil {
		return nil, fmt.Errorf("render the services of %s: %w", v.service.Name, err)
	}
	return []router.Object{canary, primary}, nil
}

// traffic lists the objects on the way of a request, the route and the apex, but for those
// that are known to be as they should be. They are asked for before a decision and after
// it, mostly for the same state.
func (v *view) traffic(want rollout.Desired) ([]router.Object, error) {
	if v.drawn.objects != nil && v.drawn.of == want {
		return v.drawn.objects, nil
	}
	objects, err := v.draw(want)
	if err == nil {
		v.drawn = drawn{of: want, objects: objects}
	}
	return objects, err
}

// draw renders what traffic lists.
func (v *view) draw(want rollout.Desired) ([]router.Object, error) {
	if want.Release != rollout.Kept {
		return v.left(want.Release)
	}
	var objects []router.Object
	if v.provider.Render != nil && !v.knows(routeParts, want) {
		service, err := v.pinning(want)
		if err != nil {
			return nil, err
		}
		service.Trying = want.Trying
		routes, err := v.provider.Render(service, want.Route)
		if err != nil {
			return nil, fmt.Errorf("render the route of %s: %w", v.service.Name, err)
		}
		for i := range routes {
			if err := v.claim(&routes[i]); err != nil {
				return nil, err
			}
		}
		objects = append(objects, routes...)
	}
	if v.fronted() || v.knows(serviceParts, want) {
		return objects, nil
	}
	apex, err := v.apex(want)
	if err != nil {
		return nil, fmt.Errorf("render the service %s: %w", v.service.Name, err)
	}
	return append(objects, apex), nil
}

// claim makes sure that a route is this Canary's to write. One that was there
// before belongs to the user, and must not vanish with the Canary.
func (v *view) claim(route *router.Object) error {
	live := v.find(*route)
	if live == nil {
		return nil
	}
	switch v.options.Owner.Claim(live) {
	case workload.Ours:
	case workload.Unclaimed:
		route.SetOwnerReferences(nil)
	case workload.Theirs:
		return fmt.Errorf("%s belongs to another Canary: give spec.service.name another value, or delete that Canary", placed(*route))
	}
	return nil
}

// find returns the live object with the kind and name of the given one, as JSON.
func (v *view) find(object router.Object) *unstructured.Unstructured {
	for i := range v.routes {
		if v.routes[i].GetKind() == object.GetKind() && v.routes[i].GetName() == object.GetName() {
			return &v.opened()[i]
		}
	}
	switch twin := v.scalers.twin; {
	case twin != nil && object.GetKind() == twin.GetKind() && object.GetName() == twin.GetName():
		return twin
	case v.primary != nil && object.GetKind() == v.primary.Kind && object.GetName() == v.primary.Name:
		live, err := v.primary.Object()
		if err != nil {
			return nil
		}
		return &live
	case object.GetKind() != "Service":
		return nil
	}
	for _, service := range []*corev1.Service{v.live.Apex, v.live.Primary, v.live.Canary} {
		if service != nil && service.Name == object.GetName() {
			return plain(service)
		}
	}
	return nil
}

// plain is a Service as JSON; nil if it cannot be encoded, which none that came from JSON
// can be.
func plain(service *corev1.Service) *unstructured.Unstructured {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(service)
	if err != nil {
		return nil
	}
	object := &unstructured.Unstructured{Object: content}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Service")) // a cache keeps none
	return object
}

// apply sends an object if the cluster has another one. What was sent already
// is not sent again before the cache has moved; until then the cache does not know
// what the cluster has, and that it shows what is wanted now means nothing.
func (r *reconciler) apply(ctx context.Context, v *view, m *memo, object router.Object) error {
	name := title(object)
	live := v.find(object)
	before := ""
	if live != nil {
		before = live.GetResourceVersion()
		if !m.behind(name, before) && v.is(live, object) && !pinnedStill(live, object) {
			delete(m.applied, name) // arrived: should it be deleted, it is made again
			put(&m.settled, name, v.cause(object.GetKind(), object.GetName()))
			return nil
		}
	}
	v.moved, v.astray[v.partOf(object)] = true, true
	sum := digest(object)
	if last, ok := m.applied[name]; ok && last.digest == sum && last.before == before {
		return nil
	}
	if err := r.fence(ctx, v); err != nil {
		return err
	}
	version, err := r.send(ctx, v, live, object)
	if err != nil {
		return fmt.Errorf("apply %s: %w", placed(object), err)
	}
	put(&m.applied, name, applied{digest: sum, before: before})
	if r.unmoved(v, m, live, object, version) {
		return nil
	}
	verb := "updated"
	if live == nil {
		verb = "created"
	}
	r.log(v.canary).Info(fmt.Sprintf("%s %s", placed(object), verb))
	defer delete(m.settled, name)
	return r.corrected(ctx, v, m, live, object)
}

func digest(object router.Object) string {
	text, err := json.Marshal(object.Object)
	if err != nil {
		return "" // equal to no other: the object is applied
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
