package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/controller"
)

// edit changes the Canary as kubectl patch does.
func (w *world) edit(patch string) {
	w.t.Helper()
	w.must(plane.client.Patch(w.ctx, w.canaryObject("podinfo"), client.RawPatch(types.JSONPatchType, []byte(patch)), client.FieldOwner("user")))
}

// refuses waits until the Canary is refused with a message that has the words.
func (w *world) refuses(words string) {
	w.t.Helper()
	w.until("it to be refused with "+words, func(c *v1beta1.Canary) bool {
		refused := c.Status.Refused()
		return refused != nil && strings.Contains(refused.Message, words)
	})
}

// Where other namespaces are blocked, a release under which a metric is turned to a
// template of one does not ask it, does not go on, and does not lose its traffic.
func TestTemplateOfOthersIsBlockedUnderARelease(t *testing.T) {
	t.Parallel()
	near, far := newGuarded(t), newGuarded(t)
	w, others := newWorld(t), newWorld(t)
	w.template(near.URL)
	others.template(far.URL)
	w.given = func(o *controller.Options) { o.SameNamespace = true }
	w.hooks.refuse("gate", true)
	w.begin(templated + "webhooks:\n- {name: gate, type: confirm-promotion, url: " + w.hooks.URL + "/gate}\n")
	w.push("app:2")
	w.until("the promotion to wait for approval", func(c *v1beta1.Canary) bool { return c.Status.Phase == "WaitingPromotion" })

	const path = "/spec/analysis/metrics/0/templateRef/namespace"
	w.edit(`[{"op": "add", "path": "` + path + `", "value": "` + others.namespace + `"}]`)
	w.refuses("spec.analysis.metrics[0].templateRef.namespace")
	w.hooks.refuse("gate", false)
	w.wait(15 * time.Second) // longer than an interval
	if c := w.status(); c.Status.Phase != "WaitingPromotion" || w.image("podinfo-primary") != "app:1" {
		t.Errorf("with a template of others it went on to %s", c.Status.Phase)
	}
	w.edit(`[{"op": "remove", "path": "` + path + `"}]`)
	w.phase("Succeeded")
	if got, want := w.gateway.seen(), "100/0 50/50 100/0"; got != want {
		t.Errorf("the route went through %s, want %s", got, want)
	}
	if queries := far.asked(); len(queries) > 0 {
		t.Errorf("the server of others was asked %q", queries)
	}
}

// A metric with a template and a query is two questions, and both must pass.
func TestMetricWithTemplateAndQueryAsksBoth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := newGuarded(t)
	w.template(server.URL)
	w.metrics.set(2, 20)
	w.begin(templated + "  query: errors{namespace=\"{{ namespace }}\"}\n")
	w.push("app:2")
	w.phase("Succeeded")
	if len(server.asked()) == 0 {
		t.Error("the template was not asked")
	}
	w.metrics.set(7, 20)
	w.push("app:3")
	w.phase("Failed")
	if halt := "Halt podinfo.NS advancement 404s percentage 7.00 > 5"; !slices.Contains(w.events(), halt) {
		t.Errorf("no event %q in %q", halt, w.events())
	}
}

// A Service whose copies are as they should be costs the API server nothing.
func TestIdleServiceCostsNoRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.kind = "Service"
	w.operate()
	w.must(apply(w.ctx, plane.client, w.parse(fmt.Sprintf(service, "1"))))
	w.canary(weighted)
	w.phase("Initialized")
	w.must(apply(w.ctx, plane.client, w.parse(fmt.Sprintf(service, "2"))))
	w.phase("Succeeded")

	const settle, quiet = 5 * time.Second, 30 * time.Second // three intervals
	from := time.Now().Add(settle)
	w.wait(settle + quiet)
	if requests := audited(t, w.agent, from); len(requests) > 0 {
		t.Errorf("with nothing to do the operator asked:\n%s", strings.Join(requests, "\n"))
	}
}

// A DaemonSet is released to an audience and with mirrored requests like a Deployment.
func TestDaemonSetToAnAudienceAndMirrored(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		analysis string
		meant    func(rule map[string]any) bool
		ways     string
	}{
		"A/B": {"iterations: 2\nmatch: [{headers: {x-user: {exact: insider}}}]\n", func(rule map[string]any) bool {
			text := fmt.Sprint(rule["matches"])
			return strings.Contains(text, "x-user") && strings.Contains(text, "insider")
		}, "100/0 0/100 100/0"},
		"mirroring": {"maxWeight: 50\nstepWeight: 25\nmirror: true\n", func(rule map[string]any) bool {
			return strings.Contains(fmt.Sprint(rule["filters"]), "RequestMirror")
		}, "100/0 75/25 50/50 100/0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.kind = "DaemonSet"
			w.node()
			w.operate()
			w.ask(daemonSet, "app:1")
			w.canary(c.analysis)
			w.phase("Initialized")
			w.ask(daemonSet, "app:2")
			w.reachesRoute(func(u *unstructured.Unstructured) bool {
				rules, _, err := unstructured.NestedSlice(u.Object, "spec", "rules")
				return err == nil && len(rules) > 0 && c.meant(rules[0].(map[string]any))
			})
			w.phase("Succeeded")
			if got := w.runs("podinfo-primary"); got != "app:2" || !w.parked("podinfo") || w.parked("podinfo-primary") {
				t.Errorf("the primary runs %s; the canary is parked %t", got, w.parked("podinfo"))
			}
			// The only pod of a DaemonSet on one node goes before the next one comes, so
			// that the canary may have to stand in for the primary.
			got := w.gateway.seen()
			if name == "mirroring" {
				got = strings.Replace(got, " 0/100", "", 1)
			}
			if got != c.ways {
				t.Errorf("the route went through %s, want %s", got, c.ways)
			}
		})
	}
}
