package integration

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
)

// front is a route that a user keeps in a repository: two ways to the apex, with what an
// HTTPRoute of ours would not have, and one to something else.
const front = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: front}
spec:
  parentRefs: [{name: public}]
  hostnames: [shop.example.com]
  rules:
  - matches: [{path: {type: PathPrefix, value: /api}}]
    filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-team, value: shop}]}}]
    backendRefs: [{name: podinfo, port: 80}]
  - matches: [{path: {type: PathPrefix, value: /cart}}]
    backendRefs: [{name: cart, port: 80}]
  - backendRefs: [{name: podinfo, port: 80, weight: 3}, {name: old, port: 80, weight: 1}]
`

const inFront = `
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: podinfo}
spec:
  provider: gatewayapi:v1
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: podinfo}
  routeRef: {apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, name: front}
  progressDeadlineSeconds: 30
  service: {port: 80, targetPort: 9898}
  analysis:
    interval: 10s
    threshold: 1
`

// flux applies the user's route as it is in the repository.
func (w *world) flux() {
	w.t.Helper()
	route := client.ApplyConfigurationFromUnstructured(w.parse(front))
	w.must(plane.client.Apply(w.ctx, route, client.FieldOwner("kustomize-controller"), client.ForceOwnership))
}

// atRest starts a Canary in front of which the user's route is, and returns its spec.
func (w *world) atRest() any {
	w.t.Helper()
	w.operate()
	w.push("app:1")
	w.flux()
	original := w.usersRoute()
	w.must(apply(w.ctx, plane.client, w.parse(inFront+indent(weighted))))
	w.phase("Initialized")
	return original.Object["spec"]
}

func (w *world) usersRoute() *unstructured.Unstructured {
	w.t.Helper()
	route := blank(httpRoute)
	w.must(plane.client.Get(w.ctx, types.NamespacedName{Namespace: w.namespace, Name: "front"}, route))
	return route
}

// becomes waits for the user's route.
func (w *world) becomes(holds func(*unstructured.Unstructured) bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := follow(ctx, plane.client, blank(httpRoute), w.namespace, "front", holds); err != nil {
		w.t.Fatalf("%v\nthe route is %v", err, w.usersRoute().Object["spec"])
	}
}

// again reports whether the route is what its user wrote, with nothing left behind.
func again(original any) func(*unstructured.Unstructured) bool {
	return func(u *unstructured.Unstructured) bool {
		return reflect.DeepEqual(u.Object["spec"], original) && u.GetAnnotations()["serin.dev/original"] == ""
	}
}

// divides reports whether both ways to the apex give a fifth to the canary, and the other
// backends what they had.
func divides(u *unstructured.Unstructured) bool {
	var all []string
	rules, _, _ := unstructured.NestedSlice(u.Object, "spec", "rules")
	for _, rule := range rules {
		refs, _, _ := unstructured.NestedSlice(rule.(map[string]any), "backendRefs")
		for _, ref := range refs {
			all = append(all, fmt.Sprint(ref.(map[string]any)["name"], " ", ref.(map[string]any)["weight"]))
		}
	}
	return strings.Join(all, ", ") == "podinfo 80, podinfo-canary 20, cart 1, podinfo 240, podinfo-canary 60, old 100"
}

// The user's own route is divided while a release is under way, and is what it was behind
// it, whether the release was good or bad, and whatever a GitOps tool does meanwhile.
func TestRouteOfTheUserIsDividedAndLeftAsItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	original := w.atRest()
	before := w.usersRoute()
	if !again(original)(before) || before.GetGeneration() != 1 {
		t.Errorf("at rest the route is %v, of generation %d", before.Object["spec"], before.GetGeneration())
	}
	if w.finds("podinfo", blank(httpRoute)) {
		t.Error("there is a route of the operator's, too")
	}

	w.push("app:2")
	revision := w.weight(20)
	w.annotate(map[string]any{"serin.dev/pause": revision})
	w.until("the pause to be taken up", func(c *v1beta1.Canary) bool { return c.Status.Rollout.Held })
	w.becomes(divides)
	w.flux()
	divided := w.usersRoute().GetGeneration()
	w.becomes(func(u *unstructured.Unstructured) bool { return u.GetGeneration() >= divided && divides(u) })
	w.heard("HTTPRoute front." + w.namespace + " was changed by somebody else in spec.rules")
	w.annotate(map[string]any{"serin.dev/resume": revision})
	w.phase("Succeeded")
	w.becomes(again(original))
	// A backend that gets its share together with its name costs requests.
	if seen := w.gateway.seen(); !strings.HasPrefix(seen, "1 100/0 80/20") || !strings.Contains(seen, "60/40 100/0") {
		t.Errorf("the gateway saw the splits %s, want the canary named before its share and after it", seen)
	}
	if got := w.image("podinfo-primary"); got != "app:2" {
		t.Errorf("the primary runs %s", got)
	}
	if owners := w.usersRoute().GetOwnerReferences(); len(owners) > 0 {
		t.Errorf("the route has the owners %v", owners)
	}

	w.metrics.set(50, 20)
	w.push("app:3")
	w.phase("Failed")
	w.becomes(again(original))
	if seen := w.gateway.seen(); strings.Count(seen, "80/20") < 3 {
		t.Errorf("the gateway saw the splits %s", seen)
	}
}

// A Canary that is deleted in the middle of a release leaves the user's route as it was,
// with revertOnDeletion and without.
func TestDeletedCanaryGivesTheRouteOfTheUserBack(t *testing.T) {
	t.Parallel()
	for name, revert := range map[string]bool{"reverted": true, "not reverted": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			original := w.atRest()
			if revert {
				w.edit(`[{"op": "add", "path": "/spec/revertOnDeletion", "value": true}]`)
			}
			w.push("app:2")
			revision := w.weight(20)
			w.annotate(map[string]any{"serin.dev/pause": revision})
			w.becomes(divides)
			w.must(plane.client.Delete(w.ctx, w.canaryObject("podinfo")))
			w.must(vanish(w.ctx, plane.client, w.canaryObject("podinfo")))
			if route := w.usersRoute(); !again(original)(route) {
				t.Errorf("the route was left as %v, %v", route.Object["spec"], route.GetAnnotations())
			}
			if all := w.said("Terminating canary"); all != revert {
				t.Errorf("the rest is given back, too: %t", all)
			}
		})
	}
}

// Who names another route in the middle of a release gets the first one back.
func TestRouteThatIsNoLongerNamedIsGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	original := w.atRest()
	w.push("app:2")
	revision := w.weight(20)
	w.annotate(map[string]any{"serin.dev/pause": revision})
	w.becomes(divides)
	w.edit(`[{"op": "remove", "path": "/spec/routeRef"}, {"op": "add", "path": "/spec/service/gatewayRefs", "value": [{"name": "public"}]}]`)
	w.becomes(again(original))
	w.reachesRoute(func(u *unstructured.Unstructured) bool { return splitOf(u) == "80/20" })
}

// What cannot be divided is said before a release, and holds it.
func TestRouteThatLeadsElsewhereIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate()
	w.push("app:1")
	w.must(apply(w.ctx, plane.client, w.parse(strings.ReplaceAll(front, "name: podinfo,", "name: other,"))))
	w.must(apply(w.ctx, plane.client, w.parse(inFront+indent(weighted))))
	w.heard("this HTTPRoute does not lead to Service podinfo: let one of its backends name it")
}
