package controller

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// knativeView is a Canary of a Knative Service whose annotation names the given
// Revision, of which web-00001 and web-00002 are there.
func knativeView(annotation string) *view {
	service := blank(workload.KnativeService)
	service.SetNamespace("shop")
	service.SetName("web")
	if annotation != "" {
		service.SetAnnotations(map[string]string{workload.PrimaryRevision: annotation})
	}
	service.Object["status"] = map[string]any{"latestCreatedRevisionName": "web-00002", "latestReadyRevisionName": "web-00002"}
	v := &view{canary: canaryAt("web", 1), provider: router.Providers["knative"], routes: []router.Object{*service}, memo: &memo{}}
	v.canary.Namespace = "shop"
	v.canary.Spec.TargetRef = v1beta1.TargetRef{APIVersion: "serving.knative.dev/v1", Kind: "Service", Name: "web"}
	v.knative = workload.Serverless{Service: service, Revisions: map[string]*router.Object{}}
	for i, name := range []string{"web-00001", "web-00002"} {
		revision := blank(workload.KnativeRevision)
		revision.SetName(name)
		revision.SetCreationTimestamp(metav1.NewTime(time.Date(2026, 1, 1, 0, 3*i, 0, 0, time.UTC)))
		revision.Object["status"] = map[string]any{"observedGeneration": int64(0), "conditions": []any{map[string]any{"type": "Ready", "status": "True"}}}
		v.knative.Revisions[name] = revision
	}
	v.service = router.Service{Namespace: "shop", Name: "web", Target: "web"}
	return v
}

// Which Revision is the primary comes from the state, and what people make of the
// annotation only where there is no state.
func TestKnative(t *testing.T) {
	ours := func(v *view) {
		v.canary.Status.Store(rollout.State{Phase: rollout.Failed, Revision: "web-00002", Promoted: "web-00001"}, v.plan, time.Time{})
	}
	flaggers := func(v *view) {
		v.canary.Status = v1beta1.CanaryStatus{Phase: rollout.Failed, LastPromotedSpec: "5498f4fcd6", LastAppliedSpec: "5498f4fcd6"}
	}
	for _, c := range []struct {
		name, annotation string
		status           func(*view)
		want             rollout.Desired
		objects          string
	}{
		{"named at first, nothing moves", "", func(*view) {}, rollout.Desired{Primary: "web-00002"}, "web-00002"},
		{"named already", "web-00002", func(*view) {}, rollout.Desired{Primary: "web-00002"}, ""},
		{"promoted", "web-00001", ours, rollout.Desired{Primary: "web-00002", Expose: true, Route: rollout.Split(0)}, "web-00002 latest 0 web-00002 100"},
		{"a step", "web-00001", ours, rollout.Desired{Primary: "web-00001", Expose: true, Route: rollout.Split(200)}, "web-00001 latest 20 web-00001 80"},
		{"failed", "web-00001", ours, rollout.Desired{Expose: true, Route: rollout.Split(0)}, "web-00001 latest 0 web-00001 100"},
		{"a failed promotion goes back", "web-00002", ours, rollout.Desired{Expose: true, Route: rollout.Split(0)}, "web-00001 latest 0 web-00001 100"},
		{"the annotation is gone", "", ours, rollout.Desired{Expose: true, Route: rollout.Split(0)}, "web-00001 latest 0 web-00001 100"},
		{"a hash of Flagger's is no name", "web-00001", flaggers, rollout.Desired{Expose: true, Route: rollout.Split(0)}, "web-00001 latest 0 web-00001 100"},
		{"a Revision that was deleted", "web-00009", flaggers, rollout.Desired{Expose: true, Route: rollout.Split(0)}, "error"},
		{"about to be given back", "web-00001", ours, rollout.Desired{Expose: true, Release: rollout.Named}, "web-00001 latest 0 web-00001 100"},
		{"given back", "web-00001", ours, rollout.Desired{Expose: true, Release: rollout.Served}, "latest 100"},
		{"given back, its Revision deleted", "web-00009", flaggers, rollout.Desired{Expose: true, Release: rollout.Alone}, "latest 100"},
		{"never begun", "", func(*view) {}, rollout.Desired{Expose: true, Release: rollout.Alone}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := knativeView(c.annotation)
			c.status(v)
			objects, err := v.desired(c.want)
			if c.objects == "error" {
				if err == nil || !strings.Contains(err.Error(), "web-00009.shop: it was deleted; delete the Canary") {
					t.Errorf("no refusal: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := divisionsOf(objects); got != c.objects {
				t.Errorf("got %q, want %q", got, c.objects)
			}
		})
	}
}

// divisionsOf says in short what Knative Services are asked for.
func divisionsOf(objects []router.Object) string {
	var words []string
	for _, object := range objects {
		if pinned := object.GetAnnotations()[workload.PrimaryRevision]; pinned != "" {
			words = append(words, pinned)
		}
		traffic, _, err := unstructured.NestedFieldNoCopy(object.Object, "spec", "traffic")
		if err != nil {
			return err.Error()
		}
		targets, _ := traffic.([]any)
		for _, target := range targets {
			name := "latest"
			if revision, ok := target.(map[string]any)["revisionName"].(string); ok {
				name = revision
			}
			words = append(words, name, fmt.Sprint(target.(map[string]any)["percent"]))
		}
	}
	return strings.Join(words, " ")
}

// Who takes the annotation away is somebody else; the cause of the object is the same.
func TestKnativeAnnotationIsNoCause(t *testing.T) {
	before, after := knativeView("web-00001"), knativeView("")
	service := blank(workload.KnativeService)
	service.SetName("web")
	for _, v := range []*view{before, after} {
		v.canary.Status.Store(rollout.State{Phase: rollout.Initialized, Revision: "web-00001", Promoted: "web-00001"}, v.plan, time.Time{})
	}
	if before.cause(service.GetKind(), service.GetName()) != after.cause(service.GetKind(), service.GetName()) {
		t.Errorf("%+v became %+v", before.cause(service.GetKind(), service.GetName()), after.cause(service.GetKind(), service.GetName()))
	}
	unstructured.RemoveNestedField(after.knative.Revisions["web-00002"].Object, "status")
	if before.cause(service.GetKind(), service.GetName()) == after.cause(service.GetKind(), service.GetName()) {
		t.Error("a Revision that broke changes nothing")
	}
}

// A broken canary is not named in the route home, which Knative would not follow. One
// that was never ready does not matter: Knative leads nobody to it.
func TestKnativeBrokenCanaryIsLeftOut(t *testing.T) {
	v := knativeView("web-00001")
	unstructured.RemoveNestedField(v.knative.Revisions["web-00002"].Object, "status", "conditions")
	for routable, want := range map[string]string{"web-00002": "web-00001 web-00001 100", "web-00001": "web-00001 latest 0 web-00001 100"} {
		v.knative.Service.Object["status"].(map[string]any)["latestReadyRevisionName"] = routable
		v.drawn = drawn{} // another look
		objects, err := v.desired(rollout.Desired{Primary: "web-00001", Expose: true, Route: rollout.Split(0)})
		if got := divisionsOf(objects); err != nil || got != want {
			t.Errorf("%s was ready last: got %q, %v, want %q", routable, got, err, want)
		}
	}
}

// Queries ask about the Revision that is judged.
func TestKnativeQueriesKnowTheRevision(t *testing.T) {
	v := knativeView("web-00001")
	if got := v.asked(question{revision: "web-00002"}).Route(); got != "web-00002" {
		t.Errorf("the route of a query is %s", got)
	}
	if v.canary.Spec.RouteRef != nil {
		t.Error("the Canary itself was changed")
	}
	v.canary.Spec.TargetRef.APIVersion = "v1"
	if got := v.asked(question{revision: "web-00002"}).Route(); got != "web" {
		t.Errorf("the route of a core Service is %s", got)
	}
}

// What Flagger was analysing is known by when its Revision was made.
func TestKnativeRevisionIsProven(t *testing.T) {
	v := knativeView("web-00001")
	for minute, want := range map[int]bool{2: false, 3: true, 5: true} {
		v.canary.Status.LastTransitionTime = metav1.NewTime(time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC))
		if got := v.proven(); got != want {
			t.Errorf("Flagger looked in minute %d, the Revision is of minute 3: proven is %t", minute, got)
		}
	}
}

// The cache keeps of a Revision what is read of it.
func TestKnativeRevisionsAreCachedWithoutPods(t *testing.T) {
	revision := blank(workload.KnativeRevision)
	revision.Object["spec"] = map[string]any{"containers": []any{map[string]any{"image": "web:1"}}}
	revision.Object["status"] = map[string]any{"observedGeneration": int64(1)}
	kept := revision.DeepCopy()
	delete(kept.Object, "spec")
	got, err := slim(revision)
	if diff := cmp.Diff(kept, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	service := blank(workload.KnativeService)
	service.Object["spec"] = map[string]any{"traffic": []any{}}
	if slimKnative(service); service.Object["spec"] == nil {
		t.Error("the Service lost its traffic")
	}
}

// An annotation may be all that is left to take away.
func TestKnativeAnnotationIsTakenBack(t *testing.T) {
	given := knativeView("").routes[0]
	if live := &knativeView("web-00001").routes[0]; !pinnedStill(live, given) || pinnedStill(live, *live) || pinnedStill(&given, given) {
		t.Error("it is not seen whether a Service is still pinned")
	}
}
