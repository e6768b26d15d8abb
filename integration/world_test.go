package integration

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/controller"
	"github.com/serinhq/serin/rollout"
)

// A world is a namespace with a workload, the stand-ins around it, and an
// operator that watches nothing else.
type world struct {
	t         *testing.T
	plane     controlPlane
	ctx       context.Context
	namespace string
	kind      string // of the target
	pods      *kubelet
	gateway   *gateway
	metrics   *prometheus
	hooks     *receiver

	log   *journal
	agent string // user agent of the operator, for the audit log
	stop  func() // the running operator

	mesh   string // the operator's own provider; empty for gatewayapi:v1
	most   int    // releases at once in the namespace; 0 for any number
	revert bool   // the Canary is reverted when it is deleted
	pace   int    // of a clock that hurries; 0 for haste

	given func(*controller.Options) // what else the operator is told; nil for nothing
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := newWorldOn(plane, t)
	w.gateway.start(w.ctx, t, w.namespace)
	return w
}

// newWorldOn is one of another API server, which need not have the kinds of a gateway.
func newWorldOn(p controlPlane, t *testing.T) *world {
	t.Helper()
	ns := &corev1.Namespace{}
	ns.GenerateName = "t-"
	if err := p.client.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.client.Delete(context.Background(), ns); err != nil {
			t.Logf("delete the namespace: %v", err)
		}
	})
	return newWorldIn(p, t, ns.Name)
}

// newWorldIn is a world in a namespace that is there, and no other test's.
func newWorldIn(p controlPlane, t *testing.T, namespace string) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	w := &world{t: t, plane: p, ctx: ctx, namespace: namespace, kind: "Deployment", agent: "serin-test-" + namespace,
		pods: &kubelet{}, gateway: &gateway{}, metrics: newPrometheus(t), hooks: newReceiver(t), log: newJournal(t)}
	w.pods.start(ctx, t, p, namespace)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// options of an operator that watches this world only.
func (w *world) options() controller.Options {
	config := rest.CopyConfig(w.plane.config)
	config.UserAgent = w.agent
	options := controller.Options{
		Version: "test", Config: config, Namespace: w.namespace, MeshProvider: cmp.Or(w.mesh, "gatewayapi:v1"),
		MetricsServer: w.metrics.URL, Selectors: []string{"app"}, ConfigTracking: true,
		MostReleasesNamespace: w.most,
		Workers:               2, Probes: 8, Address: "127.0.0.1:0",
		Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: time.Now,
	}
	if w.given != nil {
		w.given(&options)
	}
	return options
}

// operate starts an operator. It ends with the test, or when stop is called.
func (w *world) operate() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	var running sync.WaitGroup
	running.Go(func() {
		err := controller.Run(ctx, w.options())
		if err != nil && ctx.Err() == nil {
			w.t.Errorf("the operator ended: %v", err)
		}
	})
	w.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	w.t.Cleanup(w.stop)
}

// journal shows the operator's log with the test, and keeps it. Watches of the libraries
// may say their last words after the operator has ended, and the test with it: those are
// kept and not shown, since a test that is over must not be written to.
type journal struct {
	t    *testing.T
	mu   sync.Mutex
	text strings.Builder
	over bool
}

func newJournal(t *testing.T) *journal {
	t.Helper()
	j := &journal{t: t}
	t.Cleanup(func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.over = true
	})
	return j
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.text.Write(line)
	if !j.over {
		j.t.Log(strings.TrimSpace(string(line)))
	}
	return len(line), nil
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: podinfo}
spec:
  replicas: 2
  progressDeadlineSeconds: 20
  selector: {matchLabels: {app: podinfo}}
  template:
    metadata: {labels: {app: podinfo}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: app
        image: %s
        ports: [{name: http, containerPort: 9898}]
`

// begin starts an operator and a Canary at rest, with app:1 on the primary.
func (w *world) begin(analysis string) {
	w.t.Helper()
	w.operate()
	w.push("app:1")
	w.canary(analysis)
	w.phase("Initialized")
}

// push makes the workload ask for an image, as a user's pipeline does.
func (w *world) push(image string) {
	w.t.Helper()
	w.must(apply(w.ctx, w.plane.client, w.workload("podinfo", image)))
}

// canary applies a Canary whose analysis is given as YAML.
func (w *world) canary(analysis string) {
	w.t.Helper()
	object := w.parse(canaryHead + indent(analysis))
	w.must(unstructured.SetNestedField(object.Object, w.kind, "spec", "targetRef", "kind"))
	if w.revert {
		w.must(unstructured.SetNestedField(object.Object, true, "spec", "revertOnDeletion"))
	}
	w.must(apply(w.ctx, w.plane.client, object))
}

const canaryHead = `
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: podinfo}
spec:
  provider: gatewayapi:v1
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: podinfo}
  progressDeadlineSeconds: 30
  service:
    port: 80
    targetPort: 9898
    gatewayRefs: [{name: public}]
  analysis:
    interval: 10s
    threshold: 1
`

// another is a weighted Canary for a workload of another name.
func (w *world) another(name string) *unstructured.Unstructured {
	w.t.Helper()
	return w.parse(strings.ReplaceAll(canaryHead+indent(weighted), "podinfo", name))
}

// workload is the Deployment of another name. Replicas are the operator's once it is there.
func (w *world) workload(name, image string) *unstructured.Unstructured {
	w.t.Helper()
	object := w.parse(strings.ReplaceAll(fmt.Sprintf(deployment, image), "podinfo", name))
	if w.deployment(name) != nil {
		unstructured.RemoveNestedField(object.Object, "spec", "replicas")
	}
	return object
}

// canaryObject names a Canary of this world.
func (w *world) canaryObject(name string) *unstructured.Unstructured {
	object := blank(v1beta1.GroupVersion().WithKind("Canary"))
	object.SetNamespace(w.namespace)
	object.SetName(name)
	return object
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")
}

func (w *world) parse(text string) *unstructured.Unstructured {
	w.t.Helper()
	object := &unstructured.Unstructured{}
	w.must(yaml.Unmarshal([]byte(text), &object.Object))
	object.SetNamespace(w.namespace)
	return object
}

// status reads the Canary once.
func (w *world) status() *v1beta1.Canary {
	w.t.Helper()
	return w.statusOf("podinfo")
}

func (w *world) statusOf(name string) *v1beta1.Canary {
	w.t.Helper()
	raw := w.canaryObject(name)
	w.must(w.plane.client.Get(w.ctx, client.ObjectKeyFromObject(raw), raw))
	canary, err := v1beta1.Decode(raw.Object)
	w.must(err)
	return canary
}

// until waits for the Canary to look as the function wants.
func (w *world) until(what string, holds func(*v1beta1.Canary) bool) {
	w.t.Helper()
	w.named("podinfo", what, holds)
}

// named waits for one of several Canaries.
func (w *world) named(name, what string, holds func(*v1beta1.Canary) bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	err := follow(ctx, w.plane.client, blank(v1beta1.GroupVersion().WithKind("Canary")), w.namespace, name,
		func(u *unstructured.Unstructured) bool {
			canary, err := v1beta1.Decode(u.Object)
			return err == nil && holds(canary)
		})
	if err != nil {
		status, _ := yaml.Marshal(w.statusOf(name).Status)
		w.t.Fatalf("waited for: %s\n%v\nstatus:\n%s\nevents:\n%s", what, err, status, strings.Join(w.events(), "\n"))
	}
}

// phase waits for a phase with nothing left to do.
func (w *world) phase(phase string) {
	w.t.Helper()
	w.until("phase "+phase, func(c *v1beta1.Canary) bool {
		return string(c.Status.Phase) == phase && c.Status.Rollout != nil && len(c.Status.Rollout.Pending) == 0
	})
}

// events returns the texts of all events of the Canary, sorted by name, which is the order
// of their transitions. What a transition has to say is in its status first, so those that
// are due are awaited; one that does not come is for the test to miss.
func (w *world) events() []string {
	w.t.Helper()
	const most = 30 * time.Second
	limit := time.After(most)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		written := w.written()
		if !w.owing(written) {
			return w.texts(written)
		}
		select {
		case <-tick.C:
		case <-limit:
			return w.texts(written)
		}
	}
}

// written are the events of Canaries that are there now.
func (w *world) written() []corev1.Event {
	w.t.Helper()
	list := &corev1.EventList{}
	w.must(w.plane.client.List(w.ctx, list, client.InNamespace(w.namespace)))
	slices.SortFunc(list.Items, func(a, b corev1.Event) int { return strings.Compare(a.Name, b.Name) })
	return slices.DeleteFunc(list.Items, func(e corev1.Event) bool { return e.InvolvedObject.Kind != "Canary" })
}

// texts of events, in which the namespace is NS.
func (w *world) texts(events []corev1.Event) []string {
	var all []string
	for _, e := range events {
		all = append(all, strings.ReplaceAll(e.Message, w.namespace, "NS"))
	}
	return all
}

// owing reports whether the last transition of the Canary has more to say. One before it
// may have said the same.
func (w *world) owing(written []corev1.Event) bool {
	w.t.Helper()
	raw := w.canaryObject("podinfo")
	if err := w.plane.client.Get(w.ctx, client.ObjectKeyFromObject(raw), raw); err != nil {
		w.must(client.IgnoreNotFound(err))
		return false
	}
	canary, err := v1beta1.Decode(raw.Object)
	if err != nil {
		return false // what is wrong with it is another test's
	}
	transition := fmt.Sprintf("podinfo.%08x", uint64(canary.Status.Transition()))
	return slices.ContainsFunc(canary.Status.Posted(), func(r rollout.Report) bool {
		return !slices.ContainsFunc(written, func(e corev1.Event) bool {
			return strings.HasPrefix(e.Name, transition) && e.Message == r.Message
		})
	})
}

// deployment reads a Deployment; nil if there is none.
func (w *world) deployment(name string) *appsv1.Deployment {
	w.t.Helper()
	d := &appsv1.Deployment{}
	if !w.finds(name, d) {
		return nil
	}
	return d
}

// finds reads an object of the world into one of its kind, and reports whether it is there.
func (w *world) finds(name string, into client.Object) bool {
	w.t.Helper()
	err := w.plane.client.Get(w.ctx, types.NamespacedName{Namespace: w.namespace, Name: name}, into)
	w.must(client.IgnoreNotFound(err))
	return err == nil
}

func (w *world) image(name string) string {
	w.t.Helper()
	d := w.deployment(name)
	if d == nil {
		return "none"
	}
	return d.Spec.Template.Spec.Containers[0].Image
}
