package integration

import (
	"fmt"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/controller"
)

// With each traffic provider an operator that takes over in the middle of a release goes
// on at the weight that it finds, to the end; nothing is written that says the same as
// before; and Flagger could take over again. One operator has all of them at once.
func TestFlaggerIsReplacedWithEveryProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mesh = "kuma" // an operator of one namespace sees objects of the cluster for this one only
	w.given = func(o *controller.Options) { o.IngressPrefix = "nginx.ingress.kubernetes.io" }
	for _, e := range estates() {
		if e.source != "" {
			install(t, e.source)
		}
	}
	new(serving).start(w)
	w.served()
	t.Cleanup(func() { w.discard(trafficRoute, "kuma") })
	w.replaced(estates())
}

// replaced lets Flagger leave all estates at a share of the canary, and has one operator
// for all of them from then on.
func (w *world) replaced(all []estate) {
	w.t.Helper()
	const share = 20
	h := newHistory()
	for i := range all {
		all[i].namespace = w.namespace
	}
	before := map[string]string{}
	for _, e := range all {
		w.bequeath(e, share)
		e.follow(w, h)
		users, _, _ := e.at(w.t, share)
		for _, user := range users {
			w.must(w.plane.client.Get(w.ctx, client.ObjectKeyFromObject(user), user))
			before[user.GetKind()+" "+user.GetName()] = fmt.Sprint(user.GetGeneration(), user.GetLabels(), user.GetAnnotations())
		}
	}
	for _, e := range all {
		w.sign(e, share)
		seen := e.seen(w, h)
		if way, _ := e.journey(seen); way != "80/20" {
			w.t.Errorf("what Flagger left for %s divides the traffic by %q", e.name, way)
		}
	}
	w.supervise(newInjector(script{}), time.Now())
	for _, e := range all {
		w.t.Run(e.name, func(t *testing.T) {
			w := *w
			w.t = t
			w.named(e.name, "Serin to go on to the end", func(c *v1beta1.Canary) bool {
				return c.Status.Rollout != nil && c.Status.Phase == "Succeeded" && len(c.Status.Rollout.Pending) == 0
			})
			seen, _ := h.versions()
			way, stirred := e.journey(seen)
			if want := "80/20 60/40 100/0"; way != want {
				t.Errorf("the traffic went through %s, want %s", way, want)
			}
			for _, what := range stirred {
				t.Error(what)
			}
			w.fit(e, before)
		})
	}
}
