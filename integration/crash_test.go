package integration

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/serinhq/serin/api/v1beta1"
)

// The operator is stopped after each of its commits, before it can have done
// everything that follows from it, and a new one goes on: same end, same route,
// no event twice and none missing, no hook called for a step that was left.
func TestOperatorThatDiesAfterEveryCommitChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate()
	w.push("app:1")
	w.canary(weighted + "webhooks:\n- {name: after, type: post-rollout, url: " + w.hooks.URL + "/after}\n")
	restarts := w.restartAtEveryTransitionUntil("Initialized")
	w.push("app:2")
	restarts += w.restartAtEveryTransitionUntil("Succeeded")
	w.metrics.set(50, 20)
	w.push("app:3")
	restarts += w.restartAtEveryTransitionUntil("Failed")
	t.Logf("the operator was restarted %d times", restarts)

	if got, want := w.gateway.seen(), "100/0 80/20 60/40 100/0 80/20 100/0"; got != want {
		t.Errorf("the route went through %s, want %s", got, want)
	}
	if got := w.image("podinfo-primary"); got != "app:2" {
		t.Errorf("the primary runs %s", got)
	}
	want := []string{
		"Initialization done! podinfo.NS",
		"New revision detected! Scaling up podinfo.NS",
		"Starting canary analysis for podinfo.NS",
		"Advance podinfo.NS canary weight 20",
		"Advance podinfo.NS canary weight 40",
		"Copying podinfo.NS template spec to podinfo-primary.NS",
		"Routing all traffic to primary",
		"Promotion completed! Scaling down podinfo.NS",
		"Post-rollout check after passed",
		"New revision detected! Scaling up podinfo.NS",
		"Starting canary analysis for podinfo.NS",
		"Advance podinfo.NS canary weight 20",
		"Halt podinfo.NS advancement success rate 50.00% < 99%",
		"Rolling back podinfo.NS failed checks threshold reached 1",
		"Canary failed! Scaling down podinfo.NS",
		"Post-rollout check after passed",
	}
	var got []string
	for _, e := range w.events() {
		if slices.Contains(want, e) {
			got = append(got, e)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events, -want +got\n%s", diff)
	}
}

// restartAtEveryTransitionUntil stops the operator whenever status moved, and
// starts another one, until the phase is reached with nothing pending.
func (w *world) restartAtEveryTransitionUntil(phase string) (restarts int) {
	w.t.Helper()
	last := w.status().Status.Transition()
	moved := make(chan bool)
	go func() {
		defer close(moved)
		err := follow(w.ctx, plane.client, blank(v1beta1.GroupVersion().WithKind("Canary")), w.namespace, "podinfo",
			func(u *unstructured.Unstructured) bool {
				canary, err := v1beta1.Decode(u.Object)
				if err != nil || canary.Status.Transition() <= last {
					return false
				}
				last = canary.Status.Transition()
				over := string(canary.Status.Phase) == phase && len(canary.Status.Rollout.Pending) == 0
				select {
				case moved <- over:
				case <-w.ctx.Done():
				}
				return over
			})
		if err != nil {
			w.t.Errorf("follow the Canary: %v", err)
		}
	}()
	for over := range moved {
		if over {
			continue
		}
		w.stop()
		restarts++
		w.operate()
	}
	return restarts
}
