package controller

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
)

// standing is a view of a release at its arrival, so long after it was entered.
func standing(since time.Duration, canary rollout.Health) *view {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	v := &view{canary: canaryAt("podinfo", 3), plan: rollout.Plan{
		Subject:  rollout.Subject{Name: "podinfo", Namespace: "test", Target: "podinfo", Kind: "Deployment"},
		Steps:    []rollout.Step{{Route: rollout.Split(0)}, {Route: rollout.Split(100), Hold: time.Minute, Check: rollout.Checks, Enter: rollout.Advance}},
		Interval: time.Minute, Deadline: 10 * time.Minute, Threshold: 1, Strategy: rollout.Canary,
	}}
	v.seen = rollout.Observation{Now: began, Target: "v2", Copied: "v1", Routed: true, Primary: rollout.Health{Ready: true, Serving: true}, Canary: canary}
	state := rollout.State{Phase: rollout.Progressing, Revision: "v2", Promoted: "v1", Since: began}
	v.canary.Status.Store(state, v.plan, began)
	v.tell(rollout.State{Phase: rollout.Succeeded, Revision: "v1", Promoted: "v1"}, state, nil)
	v.seen.Now, v.told = began.Add(since), false
	v.target = &workload.Pods{Kind: "Deployment", ObjectMeta: metav1.ObjectMeta{Name: "podinfo", Namespace: "test"}}
	return v
}

// A reconciler without any client: what would be a request here is a panic.
func TestStandingCostsNothing(t *testing.T) {
	reason := "canary deployment podinfo.test not ready: waiting for rollout to finish: 0 of 2 updated replicas are available"
	young := rollout.Health{Reason: reason}
	remarks := []rollout.Report{{Level: rollout.Warn, Message: reason}}
	memory := newMemory().of(types.NamespacedName{Name: "podinfo"}, "uid")
	resting := standing(time.Hour, rollout.Health{})
	resting.canary.Status.Store(rollout.State{Phase: rollout.Succeeded, Revision: "v2", Promoted: "v2"}, resting.plan, resting.seen.Now)
	resting.canary.Status.Tell(v1beta1.Account{})
	committed := standing(time.Hour, young)
	committed.told = true
	for _, tt := range []struct {
		name    string
		view    *view
		remarks []rollout.Report
		again   time.Duration
	}{
		{"pods that come up are given time", standing(3*time.Second, young), remarks, patience - 3*time.Second},
		{"what status says already", standing(time.Minute, rollout.Health{Ready: true, Serving: true}), nil, 0},
		{"a Canary at rest", resting, nil, 0},
		{"a transition was just written", committed, remarks, 0},
		{"a Canary that nobody looked at", &view{canary: &v1beta1.Canary{}}, remarks, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			again, err := new(reconciler).stand(context.Background(), tt.view, memory, tt.remarks)
			if err != nil || again != tt.again {
				t.Errorf("again in %s, %v; want %s", again, err, tt.again)
			}
		})
	}
}

// A status that somebody else wrote first is said again, also if no watch brings anything.
func TestStandLooksAgainAfterAConflict(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","code":409}`)
	}))
	t.Cleanup(server.Close)
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(kind("Canary"), meta.RESTScopeNamespace)
	c, err := client.New(&rest.Config{Host: server.URL}, client.Options{Mapper: mapper})
	if err != nil {
		t.Fatal(err)
	}
	v := standing(time.Hour, rollout.Health{Ready: true, Serving: true})
	v.seen.Routed = false
	memory := newMemory()
	m := memory.of(types.NamespacedName{Name: "podinfo"}, "uid")
	again, err := (&reconciler{client: c, memory: memory}).stand(t.Context(), v, m, nil)
	if err != nil || again != afterConflict {
		t.Errorf("again in %s, %v; want %s", again, err, afterConflict)
	}
}

func TestTellWithTheTransition(t *testing.T) {
	a := standing(0, rollout.Health{}).canary.Status.Account()
	if a.WaitsFor != "the pods of podinfo.test to be ready" || a.Until != "2026-01-02T03:14:05Z" || a.Stage == nil || a.Started.IsZero() {
		t.Errorf("told %+v", a)
	}
}

func TestSooner(t *testing.T) {
	for _, tt := range []struct{ result, after, want time.Duration }{
		{0, 0, 0}, {0, 5, 5}, {9, 5, 5}, {3, 5, 3}, {3, 0, 3},
	} {
		if got := sooner(reconcile.Result{RequeueAfter: tt.result}, tt.after).RequeueAfter; got != tt.want {
			t.Errorf("%d and %d: %d, want %d", tt.result, tt.after, got, tt.want)
		}
	}
}
