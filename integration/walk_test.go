package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/controller"
)

// A tutorial is a document that people learn from. Its manifests are sent byte for byte,
// into the namespaces that they name, and the Services that they call answer there.
type tutorial struct {
	estate           // the Canary, in the namespace of its manifest
	beside  []string // namespaces that are named beside it
	tester  string   // host of the load tester
	server  string   // host and port of the operator's metrics server
	others  string   // what the tutorial takes from elsewhere
	applied []string // files of what its reader applies before the Canary
	canary  string   // file of the Canary
	journey []station
}

// A station is one thing that the reader of a tutorial does, and what comes of it.
type station struct {
	does      string
	before    func(*walker) // the image is pushed; nil for nothing
	image     string
	bad       bool          // users get errors from it
	meanwhile func(*walker) // nil for nothing

	phase, serves string   // in the end, and the image of the primary
	way           string   // of the traffic, from where it was
	pages         []string // files of what the specification says, at each weight
	events        []string // in this order, among others that are not in the list
}

// A walker goes through a tutorial.
type walker struct {
	*world
	tutorial
	past *history // of the routes and of what was said
	uid  types.UID
	seen uint64 // the resourceVersion up to which earlier stations have looked
	way  string // of the traffic so far
}

// walk does what the reader of a tutorial does, one station after the other.
func (x tutorial) walk(t *testing.T) *walker {
	t.Helper()
	install(t, x.provider)
	for _, name := range append(slices.Clone(x.beside), x.namespace) {
		inhabit(t, name)
	}
	w := &walker{world: newWorldIn(plane, t, x.namespace), tutorial: x, past: newHistory()}
	w.mesh, w.pace = x.provider, 60 // a minute of the tutorial is a second
	w.given = func(o *controller.Options) { o.MetricsServer = "http://" + x.server }
	services.answers(t, x.server, w.metrics)
	services.answers(t, x.tester, w.hooks)
	w.follow(w.world, w.past)
	users := w.prepare()
	w.supervise(newInjector(script{}), time.Now())
	for _, s := range x.journey {
		w.visit(s)
		w.kept(users)
		users = users[:len(x.applied)] // the reader edits the Canary from now on
	}
	return w
}

// prepare applies what there is before the operator comes, and returns what the manifests
// say, the Canary last. The clock of the operator hurries and that of Kubernetes does not,
// so the deadline is put off; nothing else is edited.
func (w *walker) prepare() (users []*unstructured.Unstructured) {
	w.t.Helper()
	target := w.workload(w.name, "app:1")
	w.clear(target.DeepCopy())
	w.must(apply(w.ctx, plane.client, target))
	if w.others != "" {
		w.must(apply(w.ctx, plane.client, w.parse(w.others)))
	}
	for _, file := range append(slices.Clone(w.applied), w.tutorial.canary) {
		users = append(users, w.send(file))
	}
	w.uid = w.statusOf(w.name).UID
	w.hear()
	w.edit(`[{"op": "add", "path": "/spec/progressDeadlineSeconds", "value": 864000}]`)
	unstructured.RemoveNestedField(users[len(users)-1].Object, "spec", "progressDeadlineSeconds")
	return users
}

// inhabit makes a namespace that manifests name, unless Kubernetes has it, and takes it
// away again.
func inhabit(t *testing.T, name string) {
	t.Helper()
	ns := blank(corev1.SchemeGroupVersion.WithKind("Namespace"))
	ns.SetName(name)
	err := plane.client.Create(t.Context(), ns)
	if name == metav1.NamespaceDefault && apierrors.IsAlreadyExists(err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := plane.client.Delete(ctx, ns); err != nil {
			t.Errorf("delete the namespace %s: %v", name, err)
		}
		if err := vanish(ctx, plane.client, ns); err != nil {
			t.Error(err)
		}
	})
}

// manifest of a tutorial, as it is.
func manifest(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "api", "v1beta1", "testdata", "compat", file+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// send applies the very bytes of a manifest, and returns what they say.
func (w *walker) send(file string) *unstructured.Unstructured {
	w.t.Helper()
	text := manifest(w.t, file)
	said := &unstructured.Unstructured{}
	w.must(yaml.Unmarshal(text, &said.Object))
	w.clear(said)
	w.must(plane.client.Patch(w.ctx, said.DeepCopy(), client.RawPatch(types.ApplyPatchType, text), client.FieldOwner("kubectl"), strict))
	return said
}

// clear deletes an object when the test ends, with all that is owned by it: the
// namespace default stays.
func (w *walker) clear(object *unstructured.Unstructured) {
	w.t.Helper()
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		err := plane.client.Delete(ctx, object, client.PropagationPolicy(metav1.DeletePropagationForeground))
		if client.IgnoreNotFound(err) != nil {
			w.t.Errorf("delete %s %s: %v", object.GetKind(), object.GetName(), err)
			return
		}
		if err := vanish(ctx, plane.client, object); err != nil {
			w.t.Error(err)
		}
	})
}

// edit changes the Canary as its user does.
func (w *walker) edit(patch string) {
	w.t.Helper()
	w.must(plane.client.Patch(w.ctx, w.canaryObject(w.name), client.RawPatch(types.JSONPatchType, []byte(patch))))
}

// kept: what the user has applied is as it was applied, and was not written by the operator.
func (w *walker) kept(users []*unstructured.Unstructured) {
	w.t.Helper()
	for _, said := range users {
		live := blank(said.GroupVersionKind())
		w.must(plane.client.Get(w.ctx, client.ObjectKeyFromObject(said), live))
		if differ := lacking("", live.Object, said.Object); len(differ) > 0 {
			w.t.Errorf("%s %s of the user is another: %s", said.GetKind(), said.GetName(), strings.Join(differ, ", "))
		}
		for _, entry := range live.GetManagedFields() {
			if entry.Manager == "serin" && entry.Subresource == "" {
				w.t.Errorf("the operator wrote to %s %s of the user: %s", said.GetKind(), said.GetName(), entry.FieldsV1)
			}
		}
	}
}

// visit goes to a station and looks at what is there.
func (w *walker) visit(s station) {
	w.t.Helper()
	if s.before != nil {
		s.before(w)
	}
	w.metrics.set(100, 20)
	if s.bad {
		w.metrics.set(69.17, 20)
	}
	w.must(apply(w.ctx, plane.client, w.workload(w.name, s.image)))
	if s.meanwhile != nil {
		s.meanwhile(w)
	}
	w.named(w.name, s.does+": "+s.phase, func(c *v1beta1.Canary) bool {
		return string(c.Status.Phase) == s.phase && c.Status.Rollout != nil && len(c.Status.Rollout.Pending) == 0 && w.image(w.name+"-primary") == s.serves
	})
	all, fresh := w.news()
	way, _ := w.estate.journey(all)
	if want := strings.TrimSpace(w.way + " " + s.way); way != want {
		w.t.Errorf("%s: the traffic went through %s, want %s", s.does, way, want)
	}
	w.way = way
	w.compare(s, fresh)
	if got := milestones(texts(fresh), s.events); !slices.Equal(got, s.events) {
		w.t.Errorf("%s: events (-want +got)\n%s\nof all\n%s", s.does, cmp.Diff(s.events, got), strings.Join(texts(fresh), "\n"))
	}
}

func eventKind() schema.GroupVersionKind { return corev1.SchemeGroupVersion.WithKind("Event") }

// hear remembers the events of the Canary.
func (w *walker) hear() {
	w.t.Helper()
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(eventKind())
	watching(w.ctx, w.t, list, w.namespace, func(object client.Object) error {
		if !w.tells(object.(*unstructured.Unstructured)) {
			return nil
		}
		return w.past.add(object)
	})
}

// tells reports whether an object is an event of the Canary, and not of one that a
// test before this one had in the namespace.
func (w *walker) tells(u *unstructured.Unstructured) bool {
	return u.GroupVersionKind() == eventKind() && textAt(u, "involvedObject", "uid") == string(w.uid)
}

// texts of the events among versions, in the order of their transitions.
func texts(all []version) (found []string) {
	events := slices.DeleteFunc(slices.Clone(all), func(v version) bool { return v.GroupVersionKind() != eventKind() })
	slices.SortFunc(events, func(a, b version) int { return strings.Compare(a.GetName(), b.GetName()) })
	for _, v := range events {
		found = append(found, textAt(v.Unstructured, "message"))
	}
	return found
}

// hears waits for an event of the Canary.
func (w *walker) hears(text string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := w.past.until(ctx, "the event "+text, func(all []version) bool { return slices.Contains(texts(all), text) }); err != nil {
		w.t.Fatalf("%v in\n%s", err, strings.Join(w.events(), "\n"))
	}
}

// news are all versions up to now, and those of them that no station has looked at.
func (w *walker) news() (all, fresh []version) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	for _, gvk := range append(slices.Clone(w.kinds()), eventKind()) {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(gvk)
		w.must(plane.client.List(w.ctx, list, client.InNamespace(w.namespace)))
		for _, live := range list.Items {
			if !w.tells(&live) && !(gvk != eventKind() && w.concerns(&live)) {
				continue
			}
			w.must(w.past.until(ctx, gvk.Kind+" "+live.GetName(), func(seen []version) bool {
				all = seen
				return slices.ContainsFunc(seen, func(v version) bool {
					return v.GetUID() == live.GetUID() && v.GetResourceVersion() == live.GetResourceVersion()
				})
			}))
		}
	}
	for _, v := range all {
		if v.revision > w.seen {
			fresh = append(fresh, v)
		}
	}
	w.seen = all[len(all)-1].revision
	return all, fresh
}

// compare checks each version of a route against what the specification says about the
// weights of this station, and in the end everything that it says is there.
func (w *walker) compare(s station, fresh []version) {
	w.t.Helper()
	want := map[string][]*unstructured.Unstructured{} // at each weight
	for _, split := range append(strings.Fields(s.way), "100/0") {
		var primary, canary int
		if _, err := fmt.Sscanf(split, "%d/%d", &primary, &canary); err != nil {
			w.t.Fatal(err)
		}
		for _, page := range s.pages {
			for _, object := range w.documents(w.t, "tutorial/"+page, canary) {
				key := object.GetKind() + " " + object.GetName()
				want[key] = append(want[key], object)
			}
		}
	}
	for _, v := range fresh {
		key := v.GetKind() + " " + v.GetName()
		if v.GroupVersionKind() == eventKind() || slices.ContainsFunc(want[key], func(said *unstructured.Unstructured) bool { return alike(said, v.Unstructured) }) {
			continue
		}
		w.t.Errorf("%s: %s at %d is at no weight what the specification says: %v", s.does, key, v.revision, plain(v.Unstructured))
	}
	for key, said := range want {
		live := blank(said[0].GroupVersionKind())
		w.must(plane.client.Get(w.ctx, client.ObjectKeyFromObject(said[0]), live))
		if differ := lacking("", live.Object, said[len(said)-1].Object); len(differ) > 0 {
			w.t.Errorf("%s: %s is not as the specification says: %s", s.does, key, strings.Join(differ, ", "))
		}
		if owner := metav1.GetControllerOf(live); owner == nil || owner.Kind != "Canary" || owner.Name != w.name {
			w.t.Errorf("%s: %s is owned by %v", s.does, key, live.GetOwnerReferences())
		}
	}
}

// alike reports whether an object is what the specification says, with nothing beside it.
func alike(said, live *unstructured.Unstructured) bool { return plain(said) == plain(live) }

// plain is what a user reads of a route.
func plain(u *unstructured.Unstructured) string {
	text, err := json.Marshal([]any{u.GroupVersionKind(), u.GetLabels(), u.GetAnnotations(), u.Object["spec"]})
	if err != nil {
		return err.Error()
	}
	return string(text)
}
