package controller

import (
	"fmt"

	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// fronted reports whether the target is a Service, of Kubernetes or Knative. It is the apex too, which
// stays the user's: requests come to it by themselves and to its copies by the
// route.
func (v *view) fronted() bool { return v.canary.Spec.TargetRef.Kind == "Service" }

func (v *view) front() workload.Front {
	return workload.Front{Owner: v.options.Owner, Target: v.live.Apex, Primary: v.live.Primary, Canary: v.live.Canary,
		Include: v.options.Include}
}

// gone reports whether there is nothing left to give the traffic back to.
func (v *view) gone() bool {
	switch {
	case v.canary.Spec.TargetRef.Knative():
		return v.knative.Service == nil
	case v.fronted():
		return v.live.Apex == nil
	}
	return v.target == nil
}

// measureFront fills the observation of a Service. Whether anybody answers
// behind it is for the checks to say.
func (r *reconciler) measureFront(v *view) {
	if v.live.Apex == nil {
		v.note("service %s.%s not found", v.canary.Spec.TargetRef.Name, v.canary.Namespace)
		return
	}
	v.options = workload.Options{
		Owner: workload.Owner{Name: v.canary.Name, UID: string(v.canary.UID)}, Include: r.options.Include}
	var err error
	if v.service, err = serviceOf(v.canary, r.named(v.canary), v.options, &workload.Pods{}); err != nil {
		v.note("%v", err)
		return
	}
	front := v.front()
	v.seen.Target, v.seen.Copied, v.seen.Parked = front.Revision(), front.Copied(), true
	v.seen.Canary = there(front.Canary != nil, v.canary.CanaryService(), v.canary.Namespace)
	v.seen.Primary = there(front.Primary != nil, v.canary.PrimaryService(), v.canary.Namespace)
}

func there(is bool, name, namespace string) rollout.Health {
	if is {
		return rollout.Health{Ready: true, Serving: true}
	}
	return rollout.Health{Reason: fmt.Sprintf("service %s.%s not found", name, namespace)}
}

// fronts lists the objects of a state: the copies and the way to them. The
// primary copy changes last, when the canary has proved itself.
func (v *view) fronts(want rollout.Desired) ([]router.Object, error) {
	var objects []router.Object
	canary, err := v.front().Copy(rollout.OnCanary)
	if err != nil {
		return nil, fmt.Errorf("render the canary of %s: %w", v.live.Apex.Name, err)
	}
	objects = append(objects, canary)
	if want.Primary != "" && want.Primary == v.seen.Target {
		primary, err := v.front().Copy(rollout.OnPrimary)
		if err != nil {
			return nil, fmt.Errorf("render the primary of %s: %w", v.live.Apex.Name, err)
		}
		objects = append(objects, primary)
	}
	if want.Expose {
		traffic, err := v.traffic(want)
		if err != nil {
			return nil, err
		}
		objects = append(objects, traffic...)
	}
	return objects, nil
}
