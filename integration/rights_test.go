package integration

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/controller"
)

// limited is what every operator of these tests may do in its namespace: neither patch a
// Canary nor read the content of a Secret, nor anything of the providers that no Canary
// there uses and other tests have installed.
const limited = `
- {apiGroups: [flagger.app], resources: [canaries, metrictemplates], verbs: [get, list, watch]}
- {apiGroups: [flagger.app], resources: [canaries/status], verbs: [patch]}
- {apiGroups: [flagger.app], resources: [canaries/finalizers], verbs: [update]}
- {apiGroups: [""], resources: [secrets], verbs: [list, watch, create, patch, delete]}
- {apiGroups: [""], resources: [services, events, pods, configmaps], verbs: ["*"]}
- {apiGroups: [apps, autoscaling, keda.sh, gateway.networking.k8s.io], resources: ["*"], verbs: ["*"]}
`

// limit makes the operator a user of its own, with these rights and no other.
func (w *world) limit() { w.limitTo(limited) }

func (w *world) limitTo(rules string) {
	w.t.Helper()
	w.given = func(o *controller.Options) { o.Config.Impersonate.UserName = "operator-of-" + w.namespace }
	w.grant("operator", rules)
}

// grant gives the operator a Role of this name.
func (w *world) grant(name, rules string) {
	w.t.Helper()
	w.must(apply(w.ctx, plane.client, w.parse(fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: %s}
rules:
%s`, name, strings.TrimSpace(rules)))))
	w.must(apply(w.ctx, plane.client, w.parse(fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %[1]s}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: operator-of-%[2]s}]
`, name, w.namespace))))
}

func (w *world) revoke(name string) {
	w.t.Helper()
	w.must(plane.client.Delete(w.ctx, w.parse("{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: "+name+"}}")))
}

// hearsTimes waits until so many events of the Canary begin with the words.
func (w *world) hearsTimes(times int, words string) {
	w.t.Helper()
	words = strings.ReplaceAll(words, "NS", w.namespace)
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	seen := map[string]bool{}
	for ctx.Err() == nil {
		watch, err := plane.client.Watch(ctx, &corev1.EventList{}, client.InNamespace(w.namespace))
		w.must(err)
		for event := range watch.ResultChan() {
			if e, ok := event.Object.(*corev1.Event); ok && strings.HasPrefix(e.Message, words) {
				seen[e.Name] = true
			}
			if len(seen) >= times {
				watch.Stop()
				return
			}
		}
		watch.Stop()
	}
	w.t.Fatalf("%d events begin with %q, want %d:\n%s", len(seen), words, times, strings.Join(w.events(), "\n"))
}

// An API server that takes the finalizer neither on nor off is told of, nothing is
// done before it is on, and the Canary goes as soon as it may.
func TestFinalizerThatIsRefusedIsSaid(t *testing.T) {
	t.Parallel()
	const refusal, patching = "set the finalizers of Canary podinfo.NS: ", "- {apiGroups: [flagger.app], resources: [canaries], verbs: [patch]}"
	w := newWorld(t)
	w.limit()
	w.operate()
	w.push("app:1")
	w.revert = true
	w.canary(weighted)
	w.hearsTimes(1, refusal)
	if c := w.status(); c.Status.Phase != "" || w.deployment("podinfo-primary") != nil {
		t.Errorf("without its finalizer the Canary is %s", c.Status.Phase)
	}
	w.grant("patching", patching)
	w.phase("Initialized")
	if c := w.status(); !slices.Contains(c.Finalizers, "finalizer.flagger.app") {
		t.Fatalf("its finalizers are %q", c.Finalizers)
	}

	w.revoke("patching")
	w.must(plane.client.Delete(w.ctx, w.canaryObject("podinfo")))
	w.hearsTimes(2, refusal)
	if c, d := w.status(), w.deployment("podinfo"); c.DeletionTimestamp == nil || d.Status.AvailableReplicas != 2 {
		t.Errorf("the Canary that may not go is %s, the workload has %d pods", c.Status.Phase, d.Status.AvailableReplicas)
	}
	w.grant("patching", patching)
	w.must(vanish(w.ctx, plane.client, w.canaryObject("podinfo")))
}

// A Secret that is there and cannot be read holds the beginning like one that is
// missing, and is read as soon as it may be.
func TestConfigThatCannotBeReadHoldsAndIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limit()
	w.operate()
	w.configure("blue", "one")
	w.must(apply(w.ctx, plane.client, w.parse(configured)))
	w.canary(weighted)
	w.hearsTimes(1, "secret login.NS cannot be read, and no revision of podinfo.NS is known without it: ")
	if c := w.status(); c.Status.Phase != "" || w.deployment("podinfo-primary") != nil {
		t.Errorf("without its Secret the Canary is %s", c.Status.Phase)
	}
	w.grant("reading", `- {apiGroups: [""], resources: [secrets], verbs: [get]}`)
	w.phase("Initialized")
	w.expect("blue", "one")
}

// Routes that cannot be read are asked for when a Canary needs them, which is told, and no
// earlier.
func TestRoutesThatCannotBeReadAreSaid(t *testing.T) {
	t.Parallel()
	const routes = ", gateway.networking.k8s.io"
	if !strings.Contains(limited, routes) {
		t.Fatalf("the operator may not use %q anyway", routes)
	}
	w := newWorld(t)
	w.limitTo(strings.Replace(limited, routes, "", 1))
	w.operate()
	w.push("app:1")
	w.canary(weighted)
	w.hearsTimes(1, "the operator may not read HTTPRoute, which the provider needs; allow it to get, list and watch them (the chart's role does): ")
	if c := w.status(); c.Status.Phase != "" || w.deployment("podinfo-primary") != nil {
		t.Errorf("without its routes the Canary is %s", c.Status.Phase)
	}
	w.grant("routes", `- {apiGroups: [gateway.networking.k8s.io], resources: [httproutes], verbs: ["*"]}`)
	w.phase("Initialized")
}
