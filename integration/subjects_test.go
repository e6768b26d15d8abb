package integration

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/serinhq/serin/api/v1beta1"
)

// A subject is what a release is about. Its versions are 1 and 2.
type subject struct {
	kind    string               // of the target
	ref     string               // spec.autoscalerRef
	prepare func(*world)         // what else there is, before everything
	push    func(*world, string) // makes the user's object ask for a version
	runs    func(*world) string  // what the primary serves
}

// aDeployment is released by its image.
func aDeployment() subject {
	return subject{
		kind:    "Deployment",
		prepare: func(*world) {},
		push:    func(w *world, version string) { w.push("app:" + version) },
		runs:    func(w *world) string { return w.image("podinfo-primary") },
	}
}

// aDaemonSet replaces a pod only when the next one is there: on the one node of these
// tests the primary would otherwise be without pods for a moment.
func aDaemonSet() subject {
	surging := strings.Replace(daemonSet, "spec:\n", "spec:\n  updateStrategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}\n", 1)
	return subject{
		kind:    "DaemonSet",
		prepare: func(w *world) { w.node() },
		push:    func(w *world, version string) { w.ask(surging, "app:"+version) },
		runs:    func(w *world) string { return w.runs("podinfo-primary") },
	}
}

func aStatefulSet() subject {
	return subject{
		kind:    "StatefulSet",
		prepare: func(*world) {},
		push:    func(w *world, version string) { w.ask(statefulSet, "app:"+version) },
		runs:    func(w *world) string { return w.runs("podinfo-primary") },
	}
}

// aService is released by its selector.
func aService() subject {
	return subject{
		kind:    "Service",
		prepare: func(*world) {},
		push: func(w *world, version string) {
			w.must(apply(w.ctx, plane.client, w.parse(fmt.Sprintf(service, version))))
		},
		runs: func(w *world) string { return w.service("podinfo-primary").Spec.Selector["version"] },
	}
}

// aScaledDeployment has a HorizontalPodAutoscaler.
func aScaledDeployment() subject {
	s := aDeployment()
	s.ref = "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, name: podinfo}"
	s.prepare = func(w *world) { w.must(apply(w.ctx, plane.client, w.parse(hpa))) }
	return s
}

// aConfiguration is a Deployment of which only a ConfigMap changes.
func aConfiguration() subject {
	colors := map[string]string{"1": "blue", "2": "green"}
	return subject{
		kind: "Deployment",
		prepare: func(w *world) {
			w.configure(colors["1"], "one")
			w.must(apply(w.ctx, plane.client, w.parse(configured)))
		},
		push: func(w *world, version string) { w.configure(colors[version], "one") },
		runs: func(w *world) string { color, _, _ := w.content(); return color },
	}
}

// steered is a person who stops a release at its first stage, lets it go on and
// approves both stages.
func steered(w *world) {
	revision := w.paused()
	w.annotate(map[string]any{"serin.dev/pause": nil, "serin.dev/resume": revision})
	w.until("the pause to end", func(c *v1beta1.Canary) bool { return !c.Status.Rollout.Held })
	w.annotate(map[string]any{"serin.dev/approve": revision + " first"})
	w.weight(40)
	w.annotate(map[string]any{"serin.dev/approve": revision + " second"})
}

// stopped is a person who stops a release at its first stage and ends it.
func stopped(w *world) {
	revision := w.paused()
	w.annotate(map[string]any{"serin.dev/abort": revision})
}

// paused is at the first stage, by the wish of a person.
func (w *world) paused() (revision string) {
	w.t.Helper()
	revision = w.weight(20)
	w.until("the checks of the stage to pass", func(c *v1beta1.Canary) bool { return c.Status.Rollout.Passed })
	w.reachesRoute(func(route *unstructured.Unstructured) bool { return splitOf(route) == "80/20" })
	w.annotate(map[string]any{"serin.dev/pause": revision})
	w.until("the pause to be taken up", func(c *v1beta1.Canary) bool { return c.Status.Rollout.Held })
	return revision
}
