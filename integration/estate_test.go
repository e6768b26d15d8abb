package integration

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// An estate is what Flagger leaves of one Canary, in testdata/flagger: the objects of
// its user, the Canary, and behind it what Flagger made. Of a venture there is the Canary
// alone, in testdata/serin.
type estate struct {
	name, provider string
	source         string // of the definitions; none for kinds of Kubernetes
	folder         string // of testdata; empty for flagger

	namespace string
}

func estates() []estate {
	return []estate{
		{name: "gatewayapi", provider: "gatewayapi:v1"},
		{name: "istio", provider: "istio", source: "istio"},
		{name: "contour", provider: "contour", source: "contour"},
		{name: "traefik", provider: "traefik", source: "traefik"},
		{name: "gloo", provider: "gloo", source: "gloo"},
		{name: "nginx", provider: "nginx"},
		{name: "skipper", provider: "skipper"},
		{name: "apisix", provider: "apisix", source: "apisix"},
		{name: "split-v1alpha1", provider: "smi:v1alpha1", source: splits},
		{name: "split-v1alpha2", provider: "smi:v1alpha2", source: splits},
		{name: "split-v1alpha3", provider: "smi:v1alpha3", source: splits},
		{name: "kuma", provider: "kuma", source: "kuma"},
		{name: "appmesh", provider: "appmesh:v1beta2", source: "appmesh"},
		{name: "knative", provider: "knative", source: "knative"},
	}
}

// ventures are Canaries whose routes Flagger does not know, or makes as others.
func ventures() []estate {
	return []estate{
		{name: "httproute-v1beta1", provider: "gatewayapi:v1beta1", folder: "serin"},
		{name: "grpcroute", provider: "gatewayapi:v1:GRPCRoute", folder: "serin"},
		{name: "tcproute", provider: "gatewayapi:v1:TCPRoute", folder: "serin"},
		{name: "tlsroute", provider: "gatewayapi:v1:TLSRoute", folder: "serin"},
	}
}

// at is what there is at a share of the canary, in percent.
func (e estate) at(t *testing.T, canary int) (users []*unstructured.Unstructured, declared *unstructured.Unstructured, made []*unstructured.Unstructured) {
	t.Helper()
	for _, object := range e.documents(t, cmp.Or(e.folder, "flagger")+"/"+e.name, canary) {
		switch {
		case object.GetKind() == "Canary":
			declared = object
		case declared == nil:
			users = append(users, object)
		default:
			made = append(made, object)
		}
	}
	return users, declared, made
}

// announced is the share of a canary that is named and has none.
const announced = -1

// documents of a file in testdata, at a share of the canary in percent.
func (e estate) documents(t *testing.T, file string, canary int) []*unstructured.Unstructured {
	t.Helper()
	page, err := template.ParseFiles(filepath.Join("testdata", filepath.FromSlash(file)+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	share := max(canary, 0)
	if err := page.Execute(&text, map[string]any{"Name": e.name, "Namespace": e.namespace, "Primary": 100 - share, "Canary": share, "Named": canary != 0}); err != nil {
		t.Fatal(err)
	}
	var all []*unstructured.Unstructured
	for _, document := range strings.Split(text.String(), "\n---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
			t.Fatalf("%s: %v\n%s", file, err, document)
		}
		if object.GetKind() != trafficRoute.Kind {
			object.SetNamespace(e.namespace)
		}
		all = append(all, object)
	}
	return all
}

// kinds of the routes.
func (e estate) kinds() []schema.GroupVersionKind { return router.Providers[e.provider].Kinds }

// bequeath makes all that Flagger leaves in the middle of a release.
func (w *world) bequeath(e estate, canary int) {
	w.t.Helper()
	users, declared, made := e.at(w.t, canary)
	for _, object := range users {
		w.must(w.plane.client.Create(w.ctx, object))
	}
	if e.provider == "knative" {
		w.revise(made[0])
	} else {
		target := w.workload(e.name, "app:2")
		w.must(unstructured.SetNestedField(target.Object, int64(1), "spec", "replicas"))
		w.must(apply(w.ctx, w.plane.client, target))
		made = append(e.documents(w.t, "flagger/workload", canary), made...)
	}
	w.must(apply(w.ctx, w.plane.client, declared))
	for _, object := range made {
		if e.owns(object) {
			yes := true
			object.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "flagger.app/v1beta1", Kind: "Canary", Name: e.name, UID: declared.GetUID(),
				Controller: &yes, BlockOwnerDeletion: &yes}})
		}
		if e.provider == "knative" {
			w.must(w.plane.client.Patch(w.ctx, object, client.Merge, client.FieldOwner("flagger")))
			continue
		}
		w.must(w.plane.client.Create(w.ctx, object, client.FieldOwner("flagger")))
	}
}

// owns reports whether Flagger puts an owner on an object.
func (e estate) owns(object *unstructured.Unstructured) bool {
	return object.GetKind() != trafficRoute.Kind && e.provider != "knative"
}

// revise makes the two Revisions of a Knative Service, as its user does, and takes the
// template from what Flagger writes.
func (w *world) revise(service *unstructured.Unstructured) {
	w.t.Helper()
	for i, image := range []string{"app:1", "app:2"} {
		users := w.parse(strings.ReplaceAll(fmt.Sprintf(ksvc, image), "podinfo", service.GetName()))
		w.must(apply(w.ctx, w.plane.client, users))
		revision := fmt.Sprintf("%s-%05d", service.GetName(), i+1)
		w.must(follow(w.ctx, w.plane.client, blank(service.GroupVersionKind()), w.namespace, service.GetName(), func(u *unstructured.Unstructured) bool {
			return textAt(u, "status", "latestReadyRevisionName") == revision
		}))
	}
	unstructured.RemoveNestedField(service.Object, "spec", "template")
}

// sign writes the status of Flagger in the middle of a release, once its pods are there.
func (w *world) sign(e estate, canary int) {
	w.t.Helper()
	if e.provider != "knative" {
		for _, name := range []string{e.name, e.name + "-primary"} {
			w.rolled(name, 1)
		}
	}
	raw := w.canaryObject(e.name)
	w.must(w.plane.client.Get(w.ctx, client.ObjectKeyFromObject(raw), raw))
	status := w.parse(legacy{phase: "Progressing"}.record()).Object["status"].(map[string]any)
	status["canaryWeight"] = int64(canary)
	raw.Object["status"] = status
	w.must(w.plane.client.Status().Update(w.ctx, raw, client.FieldOwner("flagger")))
}

func newHistory() *history { return &history{moved: make(chan struct{}), known: map[string]bool{}} }

// follow remembers all versions of the routes of an estate.
func (e estate) follow(w *world, h *history) {
	w.t.Helper()
	for _, gvk := range e.kinds() {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
		w.plane.watching(w.ctx, w.t, list, w.namespace, func(object client.Object) error {
			if !e.concerns(object) {
				return nil
			}
			return h.add(object)
		})
	}
}

// seen are the versions of everything once all of the estate is among them.
func (e estate) seen(w *world, h *history) (all []version) {
	w.t.Helper()
	_, _, made := e.at(w.t, 20)
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	w.must(h.until(ctx, "what Flagger left for "+e.name, func(seen []version) bool {
		known := map[string]bool{}
		for _, v := range seen {
			known[v.GetKind()+v.GetName()] = true
		}
		all = seen
		return !slices.ContainsFunc(made, func(u *unstructured.Unstructured) bool { return !known[u.GetKind()+u.GetName()] })
	}))
	return all
}

// concerns reports whether an object is of this estate. Those of the cluster may be of
// another test with a longer name.
func (e estate) concerns(object client.Object) bool {
	if object.GetNamespace() == "" {
		return object.GetName() == e.name
	}
	return strings.HasPrefix(object.GetName(), e.name) || strings.HasPrefix(object.GetName(), e.namespace+"-"+e.name)
}

// journey is the way of the traffic by what the provider reads from each version, and
// what became another object without need.
func (e estate) journey(all []version) (way string, stirred []string) {
	now := map[string]router.Object{}
	var ways []string
	for _, v := range all {
		if !slices.Contains(e.kinds(), v.GroupVersionKind()) || !e.concerns(v) || v.GetKind() == "Revision" {
			continue
		}
		key := v.GetKind() + " " + v.GetName()
		was, known := now[key]
		now[key] = *v.Unstructured
		route, _, err := router.Providers[e.provider].Parse(sorted(now))
		if err != nil || route.Primary+route.Canary == 0 {
			continue // not all of it is there yet
		}
		primary, canary := route.Weights()
		ways = append(ways, fmt.Sprintf("%d/%d", primary, canary))
		same := len(ways) > 1 && ways[len(ways)-1] == ways[len(ways)-2] &&
			was.GetAnnotations()[workload.PrimaryRevision] == v.GetAnnotations()[workload.PrimaryRevision] // a promotion
		if known && same && was.GetGeneration() != v.GetGeneration() {
			stirred = append(stirred, fmt.Sprintf("%s at %s became another: %s", key, ways[len(ways)-1], strings.Join(lacking("spec", v.Object["spec"], was.Object["spec"]), ", ")))
		}
	}
	return strings.Join(slices.Compact(ways), " "), stirred
}

func sorted(all map[string]router.Object) []router.Object {
	var list []router.Object
	for _, object := range all {
		list = append(list, object)
	}
	slices.SortFunc(list, func(a, b router.Object) int { return strings.Compare(a.GetName(), b.GetName()) })
	return list
}

// lacking names where live has not what want has.
func lacking(path string, live, want any) []string {
	switch want := want.(type) {
	case map[string]any:
		fields, _ := live.(map[string]any)
		var found []string
		for key, value := range want {
			found = append(found, lacking(path+"."+key, fields[key], value)...)
		}
		slices.Sort(found)
		return found
	case []any:
		items, _ := live.([]any)
		if len(items) != len(want) {
			return []string{fmt.Sprintf("%s: %d entries, want %d", path, len(items), len(want))}
		}
		var found []string
		for i, value := range want {
			found = append(found, lacking(fmt.Sprintf("%s[%d]", path, i), items[i], value)...)
		}
		return found
	}
	if equalJSON(live, want) {
		return nil
	}
	return []string{fmt.Sprintf("%s: %v, want %v", path, live, want)}
}

// served are the data planes that say what they took, as far as a release waits for it.
func (w *world) served() {
	w.t.Helper()
	taken := func(kind string, u client.Object) []any {
		return []any{map[string]any{"type": kind, "status": "True", "reason": "Valid", "message": "",
			"observedGeneration": u.GetGeneration(), "lastTransitionTime": "2026-01-01T00:00:00Z"}}
	}
	for _, name := range []string{"GRPCRoute", "TCPRoute", "TLSRoute"} {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(httpRoute.GroupVersion().WithKind(name + "List"))
		w.plane.watching(w.ctx, w.t, list, w.namespace, func(object client.Object) error {
			return client.IgnoreNotFound(w.gateway.accept(w.ctx, object.(*unstructured.Unstructured)))
		})
	}
	for gvk, status := range map[schema.GroupVersionKind]func(client.Object) map[string]any{
		{Group: "projectcontour.io", Version: "v1", Kind: "HTTPProxy"}: func(u client.Object) map[string]any {
			return map[string]any{"currentStatus": "valid", "conditions": taken("Valid", u)}
		},
		{Group: "apisix.apache.org", Version: "v2", Kind: "ApisixRoute"}: func(u client.Object) map[string]any {
			return map[string]any{"conditions": taken("ResourcesAvailable", u)}
		},
	} {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
		w.plane.watching(w.ctx, w.t, list, w.namespace, func(object client.Object) error {
			u, want := object.(*unstructured.Unstructured), status(object)
			if equalJSON(u.Object["status"], want) {
				return nil
			}
			body, err := json.Marshal(map[string]any{"status": want})
			if err != nil {
				return err
			}
			return client.IgnoreNotFound(w.plane.client.Status().Patch(w.ctx, u, client.RawPatch(types.MergePatchType, body)))
		})
	}
}

// fit checks that Flagger could go on with what it finds: everything that it writes at
// rest, by its names, with its metadata and owners; and what is the user's is untouched.
func (w *world) fit(e estate, before map[string]string) {
	w.t.Helper()
	users, declared, made := e.at(w.t, 0)
	w.must(w.plane.client.Get(w.ctx, client.ObjectKeyFromObject(declared), declared))
	if e.provider != "knative" {
		made = append(made, e.documents(w.t, "flagger/workload", 0)...)
	}
	for _, want := range made {
		live := blank(want.GroupVersionKind())
		w.must(w.plane.client.Get(w.ctx, client.ObjectKeyFromObject(want), live))
		name := want.GetKind() + " " + want.GetName()
		expected := want.Object
		if want.GroupVersionKind() == appsv1.SchemeGroupVersion.WithKind("Deployment") {
			unstructured.RemoveNestedField(expected, "spec", "template") // promoted since
		}
		if differ := lacking("", live.Object, expected); len(differ) > 0 {
			w.t.Errorf("%s is not as Flagger leaves it:\n%s", name, strings.Join(differ, "\n"))
		}
		owner := metav1.GetControllerOf(live)
		if owned := owner != nil && owner.Kind == "Canary" && owner.UID == declared.GetUID(); owned != e.owns(want) {
			w.t.Errorf("%s is owned by %v", name, live.GetOwnerReferences())
		}
	}
	for _, user := range users {
		w.must(w.plane.client.Get(w.ctx, client.ObjectKeyFromObject(user), user))
		if now, key := fmt.Sprint(user.GetGeneration(), user.GetLabels(), user.GetAnnotations()), user.GetKind()+" "+user.GetName(); before[key] != now {
			w.t.Errorf("%s of the user was %s, is %s", key, before[key], now)
		}
	}
}

// discard deletes an object that does not go with the namespace.
func (w *world) discard(gvk schema.GroupVersionKind, name string) {
	object := blank(gvk)
	object.SetName(name)
	if err := w.plane.client.Delete(context.Background(), object); client.IgnoreNotFound(err) != nil {
		w.t.Errorf("delete %s %s: %v", gvk.Kind, name, err)
	}
}
