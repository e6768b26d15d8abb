package controller

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// atRest is a look at a Canary all of whose objects are as they should be.
func atRest() *view {
	v := &view{canary: canaryAt("podinfo", 1), provider: router.Providers["gatewayapi:v1"], memo: &memo{settled: map[string]cause{}}}
	v.canary.Spec.TargetRef.Kind = "Deployment"
	v.target = &workload.Pods{Kind: "Deployment", ObjectMeta: metav1.ObjectMeta{Name: "podinfo", UID: "t", Generation: 3, ResourceVersion: "10"}}
	v.primary = &workload.Pods{Kind: "Deployment", ObjectMeta: metav1.ObjectMeta{Name: "podinfo-primary", UID: "p", Generation: 2, ResourceVersion: "11",
		Labels: map[string]string{"app": "podinfo-primary"}, OwnerReferences: workload.Owner{Name: "podinfo", UID: "uid"}.References()}}
	v.live.Apex = &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "podinfo", ResourceVersion: "12"}}
	route := router.Object{}
	route.SetKind("HTTPRoute")
	route.SetName("podinfo")
	route.SetResourceVersion("13")
	v.routes = []router.Object{route}
	v.seen.Target = "one"
	return v
}

// What is not rendered again must be what would be found as it is.
func TestWhatIsKnown(t *testing.T) {
	const all = "services route primary"
	home := rollout.Desired{Expose: true, Primary: "one", Route: rollout.Split(0)}
	for _, c := range []struct {
		name   string
		change func(v *view, want *rollout.Desired)
		known  string
	}{
		{"nothing happened", func(*view, *rollout.Desired) {}, all},
		{"status was written", func(v *view, _ *rollout.Desired) { v.canary.ResourceVersion = "20" }, all},
		{"pods became ready", func(v *view, _ *rollout.Desired) { v.primary.ResourceVersion, v.primary.Ready = "20", 5 }, all},
		{"the Canary was edited", func(v *view, _ *rollout.Desired) { v.canary.Generation++ }, "services"},
		{"the Services are to have another port", func(v *view, _ *rollout.Desired) { v.service.Port = 81 }, "primary"},
		{"the workload was edited", func(v *view, _ *rollout.Desired) { v.target.Generation++ }, "services route"},
		{"the workload was labelled", func(v *view, _ *rollout.Desired) { v.target.Labels = map[string]string{"team": "a"} }, "services route"},
		{"a new revision", func(v *view, _ *rollout.Desired) { v.seen.Target = "two" }, "services route"},
		{"the primary was edited", func(v *view, _ *rollout.Desired) { v.primary.Generation++ }, "services route"},
		{"a label of the primary is gone", func(v *view, _ *rollout.Desired) { delete(v.primary.Labels, "app") }, "services route"},
		{"the primary has another owner", func(v *view, _ *rollout.Desired) { v.primary.OwnerReferences[0].Name = "other" }, "services route"},
		{"the primary is gone", func(v *view, _ *rollout.Desired) { v.primary = nil }, "services route"},
		{"the apex was changed", func(v *view, _ *rollout.Desired) { v.live.Apex.ResourceVersion = "20" }, "route primary"},
		{"the route was changed", func(v *view, _ *rollout.Desired) { v.routes[0].SetResourceVersion("20") }, "services primary"},
		{"the route is gone", func(v *view, _ *rollout.Desired) { v.routes = nil }, "services primary"},
		{"another weight", func(_ *view, want *rollout.Desired) { want.Route = rollout.Split(200) }, "services primary"},
		{"a release is under way", func(_ *view, want *rollout.Desired) { want.Trying = true }, "services primary"},
		{"the mesh has another name", func(v *view, _ *rollout.Desired) { v.service.Mesh = "b" }, "primary"},
		{"a ConfigMap is tracked", func(v *view, _ *rollout.Desired) { v.configs.all = []workload.Config{{Kind: "ConfigMap", Name: "a"}} }, ""},
		{"the Canary goes", func(_ *view, want *rollout.Desired) { want.Release = rollout.Named }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, now, want := atRest(), atRest(), home
			before.learn(home, nil)
			now.memo = before.memo
			c.change(now, &want)
			now.keep(want)
			var known []string
			for p, name := range [parts]string{serviceParts: "services", routeParts: "route", twinParts: "primary"} {
				if now.memo.known[p].picture != 0 {
					known = append(known, name)
				}
			}
			if got := strings.Join(known, " "); got != c.known {
				t.Errorf("known are %q, not %q", got, c.known)
			}
		})
	}
}

// What was not as it should be is not known, and neither are the parts beside it forgotten.
func TestWhatIsAstrayIsNotKnown(t *testing.T) {
	v, home := atRest(), rollout.Desired{Expose: true, Primary: "one", Route: rollout.Split(0)}
	v.astray[routeParts] = true
	v.learn(home, v.routes)
	if !v.knows(serviceParts, home) || v.knows(routeParts, home) || !v.knows(twinParts, home) {
		t.Errorf("known: %+v", v.memo.known)
	}
}

// What is kept counts as found today: the cause is that of the newest transition, so that a
// change of somebody else's is told later on, too.
func TestWhatIsKnownIsSettled(t *testing.T) {
	v, home := atRest(), rollout.Desired{Expose: true, Primary: "one", Route: rollout.Split(0)}
	v.learn(home, v.routes)
	v.canary.Status.Rollout.Transition = 7
	v.keep(home)
	if got := v.memo.settled["HTTPRoute podinfo"]; got.transition != 7 {
		t.Errorf("the route was settled in transition %d", got.transition)
	}
}
