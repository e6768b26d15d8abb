package integration

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/router"
)

// borrowings are Canaries behind a route of the user's, of each kind but the HTTPRoute.
func borrowings() []estate {
	return []estate{
		{name: "users-grpcroute", provider: "gatewayapi:v1:GRPCRoute", folder: "serin"},
		{name: "users-tcproute", provider: "gatewayapi:v1:TCPRoute", folder: "serin"},
		{name: "users-tlsroute", provider: "gatewayapi:v1:TLSRoute", folder: "serin"},
		{name: "users-virtualservice", provider: "istio", source: "istio", folder: "serin"},
		{name: "users-httpproxy", provider: "contour", source: "contour", folder: "serin"},
		{name: "users-routetable", provider: "gloo", source: "gloo", folder: "serin"},
		{name: "users-traefikservice", provider: "traefik", source: "traefik", folder: "serin"},
	}
}

// A route of the user's, of whatever kind, is divided for the time of a release and is
// then what it was; nothing but the division is ever another. One operator has all of
// them at once.
func TestRouteOfTheUserOfEveryKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all, h := borrowings(), newHistory()
	for i := range all {
		all[i].namespace = w.namespace
		if all[i].source != "" {
			install(t, all[i].source)
		}
	}
	w.served()
	whole := map[string]map[string]string{}
	for _, e := range all {
		whole[e.name] = w.lend(e, h)
	}
	w.supervise(newInjector(script{}), time.Now())
	for _, e := range all {
		w.named(e.name, "it to be at rest", func(c *v1beta1.Canary) bool { return c.Status.Phase == "Initialized" })
		w.must(apply(w.ctx, w.plane.client, w.workload(e.name, "app:2")))
	}
	for _, e := range all {
		t.Run(e.name, func(t *testing.T) {
			w := *w
			w.t = t
			w.named(e.name, "the release to end", func(c *v1beta1.Canary) bool {
				return c.Status.Phase == "Succeeded" && len(c.Status.Rollout.Pending) == 0
			})
			w.lent(e, h, whole[e.name])
		})
	}
}

// lend makes the user's route and a Canary behind it, and returns the names of what the
// route may be as a whole: as its user wrote it, with the canary named, and at two shares
// of it. The API server says what it is there with all defaults.
func (w *world) lend(e estate, h *history) map[string]string {
	w.t.Helper()
	whole := map[string]string{}
	for share, name := range map[int]string{0: "home", announced: "named", 20: "20 %", 40: "40 %"} {
		users, _, _ := e.at(w.t, share)
		w.must(w.plane.client.Create(w.ctx, users[0], client.DryRunAll, strict))
		whole[wholly(users[0])] = name
	}
	users, declared, _ := e.at(w.t, 0)
	w.must(w.plane.client.Create(w.ctx, users[0], client.FieldOwner("user")))
	e.follow(w, h)
	w.must(apply(w.ctx, w.plane.client, w.workload(e.name, "app:1")))
	w.must(w.plane.client.Create(w.ctx, declared, strict))
	return whole
}

// lent waits until a route is its user's again, and checks what it was until then.
func (w *world) lent(e estate, h *history, whole map[string]string) {
	w.t.Helper()
	route := router.Providers[e.provider].Edit.Kind
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	var way []string
	err := h.until(ctx, "the route to be its user's again", func(seen []version) bool {
		way = nil
		for _, v := range seen {
			if v.GetKind() == route.Kind && e.concerns(v) {
				way = append(way, cmp.Or(whole[wholly(v.Unstructured)], "something else: "+wholly(v.Unstructured)))
			}
		}
		way = slices.Compact(way)
		return len(way) > 1 && way[len(way)-1] == "home"
	})
	want := "home, named, 20 %, 40 %, named, home"
	if e.provider == "traefik" { // drops a route with a Service that has no pods
		want = "home, 20 %, 40 %, home"
	}
	if got := strings.Join(way, ", "); err != nil || got != want {
		w.t.Errorf("the route was %s, want %s: %v", got, want, err)
	}
}

// wholly is all of an object that is not the API server's own, but for the note of the
// operator on it.
func wholly(object *unstructured.Unstructured) string {
	annotations := object.GetAnnotations()
	delete(annotations, router.OriginalAnnotation)
	text, err := (&unstructured.Unstructured{Object: map[string]any{"kind": object.GetKind(), "spec": object.Object["spec"],
		"more": []any{fmt.Sprint(object.GetLabels(), annotations, object.GetOwnerReferences(), object.GetFinalizers())}}}).MarshalJSON()
	return cmp.Or(string(text), fmt.Sprint(err))
}
