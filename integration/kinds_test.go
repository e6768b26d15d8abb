package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
)

const daemonSet = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: podinfo}
spec:
  selector: {matchLabels: {app: podinfo}}
  template:
    metadata: {labels: {app: podinfo}}
    spec:
      terminationGracePeriodSeconds: 0
      tolerations: [{operator: Exists}]
      containers:
      - name: app
        image: %s
        ports: [{name: http, containerPort: 9898}]
`

const statefulSet = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: podinfo}
spec:
  replicas: 2
  serviceName: peers
  selector: {matchLabels: {app: podinfo}}
  template:
    metadata: {labels: {app: podinfo}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: app
        image: %s
        ports: [{name: http, containerPort: 9898}]
        volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`

// ask makes a workload of any kind ask for an image, as a user's pipeline does:
// what parks it stays the operator's.
func (w *world) ask(manifest, image string) {
	w.t.Helper()
	object := w.parse(fmt.Sprintf(manifest, image))
	if w.podsOf("podinfo") != nil {
		unstructured.RemoveNestedField(object.Object, "spec", "replicas")
	}
	w.must(apply(w.ctx, plane.client, object))
}

// podsOf reads a workload of the world's kind; nil if there is none.
func (w *world) podsOf(name string) *unstructured.Unstructured {
	w.t.Helper()
	object := blank(appsv1.SchemeGroupVersion.WithKind(w.kind))
	if !w.finds(name, object) {
		return nil
	}
	return object
}

func (w *world) runs(name string) string {
	w.t.Helper()
	object := w.podsOf(name)
	if object == nil {
		return "none"
	}
	containers, _, err := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
	w.must(err)
	return fmt.Sprint(containers[0].(map[string]any)["image"])
}

// parked reports whether a workload asks for no pods.
func (w *world) parked(name string) bool {
	w.t.Helper()
	object := w.podsOf(name)
	selector, _, err := unstructured.NestedStringMap(object.Object, "spec", "template", "spec", "nodeSelector")
	w.must(err)
	replicas, has, err := unstructured.NestedInt64(object.Object, "spec", "replicas")
	w.must(err)
	return selector["flagger.app/scale-to-zero"] == "true" || has && replicas == 0
}

// node makes the nodes of the cluster one, for DaemonSets.
func (w *world) node() {
	w.t.Helper()
	err := plane.client.Create(w.ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node"}})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		w.t.Fatal(err)
	}
}

// Good and bad releases of the kinds that are not Deployments.
func TestOtherKindsAreReleasedAndUndone(t *testing.T) {
	t.Parallel()
	for kind, c := range map[string]struct{ manifest, ready string }{
		"DaemonSet":   {daemonSet, "primary daemonset podinfo-primary.NS not ready: "},
		"StatefulSet": {statefulSet, "podinfo-primary.NS not ready: "},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.kind = kind
			w.node()
			w.operate()
			w.ask(c.manifest, "app:1")
			w.canary(weighted)
			w.phase("Initialized")
			if w.runs("podinfo-primary") != "app:1" || !w.parked("podinfo") || w.parked("podinfo-primary") {
				t.Fatalf("the primary runs %s, parked %t; the canary is parked %t",
					w.runs("podinfo-primary"), w.parked("podinfo-primary"), w.parked("podinfo"))
			}
			w.ask(c.manifest, "app:2")
			w.phase("Succeeded")
			if got := w.runs("podinfo-primary"); got != "app:2" || !w.parked("podinfo") || w.parked("podinfo-primary") {
				t.Errorf("at the end of a good release the primary runs %s; the canary is parked %t", got, w.parked("podinfo"))
			}
			// The only pod of a DaemonSet on one node goes before the next one comes,
			// so that the canary may have to stand in for the primary.
			got := strings.Replace(w.gateway.seen(), " 0/100", "", 1)
			if want := "100/0 80/20 60/40 100/0"; got != want {
				t.Errorf("the route went through %s, want %s", got, want)
			}

			w.pods.breakImage("app:3")
			w.ask(c.manifest, "app:3")
			w.phase("Failed")
			if got := w.runs("podinfo-primary"); got != "app:2" || !w.parked("podinfo") {
				t.Errorf("at the end of a bad release the primary runs %s; the canary is parked %t", got, w.parked("podinfo"))
			}
			begins := func(e string) bool { return strings.HasPrefix(e, c.ready) }
			if events := w.events(); !slices.ContainsFunc(events, begins) {
				t.Errorf("no event begins with %q in %q", c.ready, events)
			}
		})
	}
}

// A primary that is made while its target is parked must not be parked too.
func TestPrimaryDaemonSetIsMadeAgainWithPods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.kind = "DaemonSet"
	w.node()
	w.operate()
	w.ask(daemonSet, "app:1")
	w.canary(weighted)
	w.phase("Initialized")
	gone := w.podsOf("podinfo-primary")
	w.must(plane.client.Delete(w.ctx, gone, client.PropagationPolicy("Background")))
	w.must(follow(w.ctx, plane.client, blank(gone.GroupVersionKind()), w.namespace, "podinfo-primary", func(u *unstructured.Unstructured) bool {
		available, _, _ := unstructured.NestedInt64(u.Object, "status", "numberAvailable")
		return u.GetUID() != gone.GetUID() && available > 0
	}))
	if !w.parked("podinfo") {
		t.Error("the canary came up for it")
	}
}

// Each side of a StatefulSet has claims of its own, and keeps them.
func TestStatefulSidesHaveClaimsOfTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.kind = "StatefulSet"
	w.operate()
	w.ask(statefulSet, "app:1")
	w.canary(weighted)
	w.phase("Initialized")
	claims := &corev1.PersistentVolumeClaimList{}
	w.must(plane.client.List(w.ctx, claims, client.InNamespace(w.namespace)))
	var got []string
	for _, claim := range claims.Items {
		got = append(got, claim.Name)
	}
	slices.Sort(got)
	want := []string{"data-podinfo-0", "data-podinfo-1", "data-podinfo-primary-0", "data-podinfo-primary-1"}
	if !slices.Equal(got, want) {
		t.Errorf("the claims are %q, want %q", got, want)
	}
}

// A workload that cannot be released says why, and nothing is made of it.
func TestUnfitWorkloadIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.kind = "DaemonSet"
	w.node()
	w.operate()
	w.ask(strings.Replace(daemonSet, "spec:", "spec:\n  updateStrategy: {type: OnDelete}", 1), "app:1")
	w.canary(weighted)
	event := blank(corev1.SchemeGroupVersion.WithKind("Event"))
	w.hears(event, "DaemonSet podinfo."+w.namespace+" has spec.updateStrategy.type OnDelete, so that")
	if w.podsOf("podinfo-primary") != nil {
		t.Error("a primary was made")
	}
	w.ask(daemonSet, "app:1")
	w.until("it to be mended", func(c *v1beta1.Canary) bool { return c.Status.Phase == "Initialized" })
}

// hears waits for an event whose text begins with the words.
func (w *world) hears(event *unstructured.Unstructured, words string) {
	w.t.Helper()
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(event.GroupVersionKind())
	list.SetKind("EventList")
	watch, err := plane.client.Watch(w.ctx, list, client.InNamespace(w.namespace))
	w.must(err)
	defer watch.Stop()
	for e := range watch.ResultChan() {
		u, ok := e.Object.(*unstructured.Unstructured)
		if !ok {
			continue
		}
		if message, _, _ := unstructured.NestedString(u.Object, "message"); strings.HasPrefix(message, words) {
			return
		}
	}
	w.t.Fatalf("nobody said %q in %q", words, w.events())
}

const service = `
apiVersion: v1
kind: Service
metadata: {name: podinfo}
spec:
  type: NodePort
  selector: {app: podinfo, version: "%s"}
  ports: [{name: http, port: 80, targetPort: 9898}]
`

// A Service is released by its selector: the copy behind the route gets the
// traffic, the primary copy the selector once that was good. The target itself
// stays as its user wrote it.
func TestServiceIsReleased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.kind = "Service"
	w.operate()
	w.must(apply(w.ctx, plane.client, w.parse(fmt.Sprintf(service, "1"))))
	w.canary(weighted)
	w.phase("Initialized")
	first := w.service("podinfo-primary")
	w.must(apply(w.ctx, plane.client, w.parse(fmt.Sprintf(service, "2"))))
	w.phase("Succeeded")
	if got, want := w.gateway.seen(), "100/0 80/20 60/40 100/0"; got != want {
		t.Errorf("the route went through %s, want %s", got, want)
	}
	target := w.service("podinfo")
	if len(target.OwnerReferences) > 0 {
		t.Errorf("the target was claimed: %v", target.OwnerReferences)
	}
	for _, name := range []string{"podinfo-primary", "podinfo-canary"} {
		copied := w.service(name)
		if copied.Spec.Selector["version"] != "2" || len(copied.OwnerReferences) != 1 || copied.Spec.ClusterIP == target.Spec.ClusterIP {
			t.Errorf("%s selects %v, is owned by %v and has address %s", name, copied.Spec.Selector, copied.OwnerReferences, copied.Spec.ClusterIP)
		}
	}
	if now := w.service("podinfo-primary"); now.Spec.ClusterIP != first.Spec.ClusterIP || now.Spec.Ports[0].NodePort != first.Spec.Ports[0].NodePort {
		t.Errorf("the promotion moved the primary from %v to %v", first.Spec, now.Spec)
	}

	w.metrics.set(50, 20)
	w.must(apply(w.ctx, plane.client, w.parse(fmt.Sprintf(service, "3"))))
	w.phase("Failed")
	if got := w.service("podinfo-primary").Spec.Selector["version"]; got != "2" {
		t.Errorf("after a bad release the primary selects version %s", got)
	}
}

func (w *world) service(name string) *corev1.Service {
	w.t.Helper()
	s := &corev1.Service{}
	w.must(plane.client.Get(w.ctx, types.NamespacedName{Namespace: w.namespace, Name: name}, s))
	return s
}
