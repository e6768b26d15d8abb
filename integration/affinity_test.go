package integration

import (
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/serinhq/serin/api/v1beta1"
)

const sticky = weighted + "sessionAffinity: {cookieName: side, primaryCookieName: home, maxAge: 3600, path: /}\n"

// The cookies of a release are in status from the write that gives the canary its
// first traffic, whoever operates, and in the route; at the end users are told to
// drop theirs, and the next release has other ones.
func TestCookiesLastAsLongAsTheRelease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.begin(sticky)
	if status := w.status().Status; status.SessionAffinityCookie+status.PrimarySessionAffinityCookie+status.PreviousSessionAffinityCookie != "" {
		t.Errorf("cookies before the first release: %+v", status)
	}
	always := w.cookiesFollowTheWeight()

	w.push("app:2")
	w.weight(20)
	first := w.status().Status
	if !strings.HasPrefix(first.SessionAffinityCookie, "side=") || !strings.HasPrefix(first.PrimarySessionAffinityCookie, "home=") {
		t.Errorf("cookies at the first weight: %q and %q", first.SessionAffinityCookie, first.PrimarySessionAffinityCookie)
	}
	w.stop()
	w.operate()
	w.weight(40)
	if second := w.status().Status; second.SessionAffinityCookie != first.SessionAffinityCookie || second.PrimarySessionAffinityCookie != first.PrimarySessionAffinityCookie {
		t.Errorf("another operator gave other cookies: %q and %q became %q and %q", first.SessionAffinityCookie, first.PrimarySessionAffinityCookie,
			second.SessionAffinityCookie, second.PrimarySessionAffinityCookie)
	}
	w.routeSets(3, first.SessionAffinityCookie+"; Max-Age=3600; Path=/", first.PrimarySessionAffinityCookie+"; Max-Age=10; Path=/")

	w.phase("Succeeded")
	last := w.status().Status
	if last.PreviousSessionAffinityCookie != first.SessionAffinityCookie || last.SessionAffinityCookie+last.PrimarySessionAffinityCookie != "" {
		t.Errorf("at the end the cookies are %q, %q and %q", last.SessionAffinityCookie, last.PrimarySessionAffinityCookie, last.PreviousSessionAffinityCookie)
	}
	w.routeSets(3, first.SessionAffinityCookie+"; Max-Age=-1; Path=/")

	w.push("app:3")
	w.weight(20)
	if again := w.status().Status.SessionAffinityCookie; again == first.SessionAffinityCookie {
		t.Errorf("the next release has the same cookie, %s", again)
	}
	always()
}

// cookiesFollowTheWeight watches that there is a cookie if and only if the canary
// has traffic, until the returned function ends it.
func (w *world) cookiesFollowTheWeight() (end func()) {
	var watching sync.WaitGroup
	over := make(chan struct{})
	watching.Go(func() {
		err := follow(w.ctx, plane.client, blank(v1beta1.GroupVersion().WithKind("Canary")), w.namespace, "podinfo", func(u *unstructured.Unstructured) bool {
			canary, err := v1beta1.Decode(u.Object)
			if err == nil && (canary.Status.CanaryWeight > 0) != (canary.Status.SessionAffinityCookie != "") {
				w.t.Errorf("weight %d with the cookie %q", canary.Status.CanaryWeight, canary.Status.SessionAffinityCookie)
			}
			select {
			case <-over:
				return true
			default:
				return false
			}
		})
		if err != nil && w.ctx.Err() == nil {
			w.t.Errorf("follow the Canary: %v", err)
		}
	})
	// The watch ends with the next change, or with the namespace.
	w.t.Cleanup(watching.Wait)
	return func() { close(over) }
}

// routeSets waits until the live route has so many rules and sets these cookies.
func (w *world) routeSets(rules int, cookies ...string) {
	w.t.Helper()
	err := follow(w.ctx, plane.client, blank(httpRoute), w.namespace, "podinfo", func(route *unstructured.Unstructured) bool {
		list, _, _ := unstructured.NestedSlice(route.Object, "spec", "rules")
		body, err := route.MarshalJSON()
		if err != nil || len(list) != rules || strings.Count(string(body), `"Set-Cookie"`) < len(cookies) {
			return false
		}
		for _, cookie := range cookies {
			if !strings.Contains(string(body), cookie) {
				return false
			}
		}
		return true
	})
	if err != nil {
		route := blank(httpRoute)
		w.must(plane.client.Get(w.ctx, types.NamespacedName{Namespace: w.namespace, Name: "podinfo"}, route))
		body, _ := route.MarshalJSON()
		w.t.Fatalf("the route does not set %q in %d rules: %v\n%s", cookies, rules, err, body)
	}
}
