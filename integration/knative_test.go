package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/workload"
)

var installed struct {
	sync.Mutex
	sources map[string]bool
}

// install gives the API server the definitions of a source, as their project ships them.
func install(t *testing.T, source string) {
	t.Helper()
	installed.Lock()
	defer installed.Unlock()
	if installed.sources[source] {
		return
	}
	found, err := definitions(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	for i := range found {
		object, err := definition(&found[i])
		if err == nil {
			err = apply(t.Context(), plane.client, object)
		}
		if err == nil {
			err = established(t.Context(), plane.client, object.GetName())
		}
		if err != nil {
			t.Fatal(fmt.Errorf("install %s: %w", found[i].Name, err))
		}
	}
	if installed.sources == nil {
		installed.sources = map[string]bool{}
	}
	installed.sources[source] = true
}

// serving stands in for Knative Serving: it makes a Revision of each template and routes
// to what is ready, all of it or nothing.
type serving struct {
	mu     sync.Mutex
	broken []string // images whose Revisions are not ready
	images []string // of the Revisions, in order
	splits []string // primary/canary of each change, in order
}

func (s *serving) start(w *world) {
	w.t.Helper()
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(workload.KnativeService.GroupVersion().WithKind("ServiceList"))
	watching(w.ctx, w.t, list, w.namespace, func(object client.Object) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		return client.IgnoreNotFound(s.reconcile(w.ctx, object.(*unstructured.Unstructured)))
	})
}

func (s *serving) reconcile(ctx context.Context, service *unstructured.Unstructured) error {
	containers, _, err := unstructured.NestedSlice(service.Object, "spec", "template", "spec", "containers")
	if err != nil || len(containers) == 0 {
		return err
	}
	if image := fmt.Sprint(containers[0].(map[string]any)["image"]); len(s.images) == 0 || s.images[len(s.images)-1] != image {
		s.images = append(s.images, image)
		revision := blank(workload.KnativeRevision)
		revision.SetNamespace(service.GetNamespace())
		revision.SetName(s.latest(service))
		revision.SetLabels(map[string]string{workload.KnativeLabel: service.GetName()})
		revision.Object["spec"] = map[string]any{"containers": containers}
		if err := plane.client.Create(ctx, revision); err != nil {
			return err
		}
		if err := s.judge(ctx, revision, image); err != nil {
			return err
		}
	}
	return s.route(ctx, service)
}

func (s *serving) latest(service client.Object) string {
	return fmt.Sprintf("%s-%05d", service.GetName(), len(s.images))
}

// judge says whether a Revision is ready.
func (s *serving) judge(ctx context.Context, revision *unstructured.Unstructured, image string) error {
	condition := map[string]any{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
	if slices.Contains(s.broken, image) {
		condition["status"], condition["reason"], condition["message"] = "False", "ExitCode1", "Container failed with: panic"
	}
	body, err := json.Marshal(map[string]any{"status": map[string]any{
		"observedGeneration": revision.GetGeneration(), "conditions": []any{condition}}})
	if err != nil {
		return err
	}
	return plane.client.Status().Patch(ctx, revision, client.RawPatch(types.MergePatchType, body))
}

// crash makes the Revisions of an image break that were ready.
func (s *serving) crash(w *world, image string) {
	w.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = append(s.broken, image)
	revision := blank(workload.KnativeRevision)
	revision.SetNamespace(w.namespace)
	revision.SetName(fmt.Sprintf("podinfo-%05d", 1+slices.Index(s.images, image)))
	w.must(plane.client.Get(w.ctx, client.ObjectKeyFromObject(revision), revision))
	w.must(s.judge(w.ctx, revision, image))
}

// route divides the traffic as the spec says; one target that is not ready, and
// everything stays as it was.
func (s *serving) route(ctx context.Context, service *unstructured.Unstructured) error {
	before, _, _ := unstructured.NestedMap(service.Object, "status")
	ready, _, _ := unstructured.NestedString(service.Object, "status", "latestReadyRevisionName")
	if !slices.Contains(s.broken, s.images[len(s.images)-1]) {
		ready = s.latest(service)
	}
	targets, _, _ := unstructured.NestedSlice(service.Object, "spec", "traffic")
	if len(targets) == 0 {
		targets = []any{map[string]any{"latestRevision": true, "percent": int64(100)}}
	}
	condition := map[string]any{"type": "RoutesReady", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
	traffic, shares := []any{}, []int64{0, 0}
	for _, target := range targets {
		target := target.(map[string]any)
		latest, _ := target["latestRevision"].(bool)
		name, _ := target["revisionName"].(string)
		percent, _ := target["percent"].(int64)
		side := 0
		if latest {
			name, side = ready, 1
		}
		shares[side] += percent
		var number int
		if _, err := fmt.Sscanf(strings.TrimPrefix(name, service.GetName()+"-"), "%d", &number); err != nil || slices.Contains(s.broken, s.images[number-1]) {
			condition["status"], condition["reason"] = "False", "RevisionMissing"
		}
		traffic = append(traffic, map[string]any{"revisionName": name, "latestRevision": latest, "percent": percent})
	}
	after := map[string]any{"observedGeneration": service.GetGeneration(), "latestCreatedRevisionName": s.latest(service), "conditions": []any{condition}}
	if ready != "" {
		after["latestReadyRevisionName"] = ready
	}
	if condition["status"] == "True" {
		after["traffic"] = traffic
		s.note(fmt.Sprintf("%d/%d", shares[0], shares[1]))
	} else if old, ok := before["traffic"]; ok {
		after["traffic"] = old
	}
	if equalJSON(before, after) {
		return nil
	}
	body, err := json.Marshal(map[string]any{"status": after})
	if err != nil {
		return err
	}
	return plane.client.Status().Patch(ctx, service, client.RawPatch(types.MergePatchType, body))
}

func (s *serving) note(split string) {
	if len(s.splits) == 0 || s.splits[len(s.splits)-1] != split {
		s.splits = append(s.splits, split)
	}
}

// seen returns the divisions of the traffic since it was asked last.
func (s *serving) seen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := strings.Join(s.splits, " ")
	s.splits = s.splits[max(len(s.splits)-1, 0):]
	return all
}

const ksvc = `
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: podinfo}
spec:
  template:
    spec:
      containers: [{image: "%s"}]
`

// serve makes the Knative Service ask for an image, as a user's pipeline does.
func (w *world) serve(image string) {
	w.t.Helper()
	w.must(apply(w.ctx, plane.client, w.parse(fmt.Sprintf(ksvc, image))))
}

// serverless starts an operator, the stand-in and a Canary of a Knative Service at rest.
func serverless(t *testing.T, analysis string) (*world, *serving) {
	t.Helper()
	install(t, "knative")
	w, s := newWorld(t), &serving{}
	s.start(w)
	w.operate()
	w.serve("app:1")
	canary := w.parse(`
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: podinfo}
spec:
  provider: knative
  targetRef: {apiVersion: serving.knative.dev/v1, kind: Service, name: podinfo}
  progressDeadlineSeconds: 20
  revertOnDeletion: true
  analysis:
    interval: 10s
    threshold: 1
` + indent(analysis))
	w.must(plane.client.Create(w.ctx, canary, strict))
	w.phase("Initialized")
	return w, s
}

func (w *world) ksvc() *unstructured.Unstructured {
	w.t.Helper()
	object := blank(workload.KnativeService)
	w.must(plane.client.Get(w.ctx, types.NamespacedName{Namespace: w.namespace, Name: "podinfo"}, object))
	return object
}

// pinned waits until the Service names a primary and leads what it says to it.
func (w *world) pinned(revision, traffic string) {
	w.t.Helper()
	var got string
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	err := follow(ctx, plane.client, blank(workload.KnativeService), w.namespace, "podinfo", func(u *unstructured.Unstructured) bool {
		var shares []string
		targets, _, _ := unstructured.NestedSlice(u.Object, "status", "traffic")
		for _, target := range targets {
			target := target.(map[string]any)
			shares = append(shares, fmt.Sprintf("%v:%v", target["revisionName"], target["percent"]))
		}
		got = u.GetAnnotations()[workload.PrimaryRevision] + " " + strings.Join(shares, " ")
		return got == revision+" "+traffic
	})
	if err != nil {
		w.t.Fatalf("the traffic goes to %s, want %s %s: %v", got, revision, traffic, err)
	}
}

// The primary of a Knative Service is a Revision, to which its traffic is pinned:
// through a good release, a bad one, and one that breaks under its users.
func TestKnativeServiceIsReleasedAndUndone(t *testing.T) {
	t.Parallel()
	w, s := serverless(t, weighted)
	w.pinned("podinfo-00001", "podinfo-00001:0 podinfo-00001:100")
	s.seen()

	w.serve("app:2")
	w.phase("Succeeded")
	if got, want := s.seen(), "100/0 80/20 60/40 100/0"; got != want {
		t.Errorf("the traffic went through %s, want %s", got, want)
	}
	w.pinned("podinfo-00002", "podinfo-00002:0 podinfo-00002:100")
	if status := w.status().Status; status.LastAppliedSpec != "podinfo-00002" || status.LastPromotedSpec != "podinfo-00002" {
		t.Errorf("status names %s and %s", status.LastAppliedSpec, status.LastPromotedSpec)
	}
	if asked := w.metrics.all(); !strings.Contains(asked, w.namespace+"/podinfo-00002") || strings.Contains(asked, "podinfo-00001") {
		t.Errorf("the checks did not ask about the Revision that was released:\n%s", asked)
	}
	if object := w.ksvc(); len(object.GetOwnerReferences()) > 0 || metav1.GetControllerOf(object) != nil {
		t.Errorf("the user's Service was claimed: %v", object.GetOwnerReferences())
	}

	w.metrics.set(50, 20)
	w.serve("app:3")
	w.phase("Failed")
	if got, want := s.seen(), "100/0 80/20 100/0"; got != want {
		t.Errorf("a bad release went through %s, want %s", got, want)
	}
	w.pinned("podinfo-00002", "podinfo-00003:0 podinfo-00002:100")

	w.metrics.set(100, 20)
	w.serve("app:4")
	w.until("the first users", func(c *v1beta1.Canary) bool { return c.Status.CanaryWeight == 20 })
	w.pinned("podinfo-00002", "podinfo-00004:20 podinfo-00002:80")
	s.crash(w, "app:4")
	w.phase("Failed")
	w.pinned("podinfo-00002", "podinfo-00002:100")
}

// A Revision that never becomes ready is given up, and does not keep its Service from
// being given back.
func TestKnativeRevisionThatNeverStartsIsGivenUp(t *testing.T) {
	t.Parallel()
	w, s := serverless(t, weighted)
	s.seen()
	s.mu.Lock()
	s.broken = append(s.broken, "app:2")
	s.mu.Unlock()
	w.serve("app:2")
	w.phase("Failed")
	if got, want := s.seen(), "100/0"; got != want {
		t.Errorf("the traffic went through %s, want %s", got, want)
	}
	const said = "Rolling back podinfo.NS progress deadline exceeded Knative Revision podinfo-00002.NS is not ready: ExitCode1: Container failed with: panic"
	if events := w.events(); !slices.Contains(events, said) {
		t.Errorf("no event says %q in %q", said, events)
	}
	w.must(plane.client.Delete(w.ctx, w.canaryObject("podinfo")))
	w.must(vanish(w.ctx, plane.client, w.canaryObject("podinfo")))
	w.pinned("", "podinfo-00001:100")
}

// What somebody else makes of the traffic does not last, and what is given back is as
// Knative would have it.
func TestKnativeTrafficIsKeptAndGivenBack(t *testing.T) {
	t.Parallel()
	w, _ := serverless(t, "iterations: 2")
	body := []byte(`{"metadata":{"annotations":{"flagger.app/primary-revision":null}},"spec":{"traffic":[{"latestRevision":true,"percent":100}]}}`)
	w.must(plane.client.Patch(w.ctx, w.ksvc(), client.RawPatch(types.MergePatchType, body)))
	w.pinned("podinfo-00001", "podinfo-00001:0 podinfo-00001:100")
	w.heard("Knative Service podinfo." + w.namespace + " was changed by somebody else in metadata.annotations, spec.traffic: set back")
	w.serve("app:2")
	w.phase("Succeeded")
	w.pinned("podinfo-00002", "podinfo-00002:0 podinfo-00002:100")

	w.must(plane.client.Delete(w.ctx, w.canaryObject("podinfo")))
	w.must(vanish(w.ctx, plane.client, w.canaryObject("podinfo")))
	w.pinned("", "podinfo-00002:100")
	if got := w.ksvc().Object["spec"].(map[string]any)["traffic"]; !equalJSON(got, []any{map[string]any{"latestRevision": true, "percent": 100}}) {
		t.Errorf("spec.traffic was left as %v", got)
	}
}
