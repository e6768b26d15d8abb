package integration

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/controller"
	"github.com/serinhq/serin/router"
)

// Whatever somebody does to an object of a release, with each traffic provider and in
// each stage, is set back; no weight is read from it; and what others keep in the object
// stays. One operator has all of them at once. Their targets are Services, which need no pods.
func TestMeddlingIsSetBackWithEveryProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mesh = "kuma" // an operator of one namespace sees objects of the cluster for this one only
	w.given = func(o *controller.Options) { o.IngressPrefix = "nginx.ingress.kubernetes.io" }
	var all []estate
	for _, e := range slices.Concat(estates(), ventures()) {
		if e.source != "" {
			install(t, e.source)
		}
		if e.provider != "knative" { // see TestKnativeTrafficIsKeptAndGivenBack
			all = append(all, e)
		}
	}
	w.served()
	w.meddled(all)
}

// meddled has an operator for all estates, in all stages, and meddles.
func (w *world) meddled(estates []estate) {
	w.t.Helper()
	var all []meddling
	for _, e := range estates {
		e.namespace = w.namespace
		for _, s := range stages() {
			if e.provider == "gatewayapi:v1beta1" && !s.sticky() {
				continue // as with gatewayapi:v1
			}
			if s.needs(router.Providers[e.provider].Caps) {
				all = append(all, meddling{e, s, e.name + "-" + s.name})
			}
		}
	}
	w.t.Cleanup(func() {
		for _, m := range all {
			if m.provider == "kuma" {
				w.discard(trafficRoute, m.canary)
			}
		}
	})
	w.operate()
	for _, m := range all {
		m.declare(w)
	}
	for _, m := range all {
		w.named(m.canary, "it to be at rest", func(c *v1beta1.Canary) bool { return c.Status.Phase == "Initialized" })
		if m.stage.analysis != "" {
			w.must(apply(w.ctx, w.plane.client, w.front(m.canary, "2")))
		}
	}
	w.t.Run("all", func(t *testing.T) {
		for _, m := range all {
			t.Run(m.canary, func(t *testing.T) {
				t.Parallel()
				w := *w
				w.t = t
				m.run(&w)
			})
		}
	})
}

// meddling is with the objects of one provider in one stage.
type meddling struct {
	estate
	stage  stage
	canary string
}

// front is the Service that is released.
func (w *world) front(name, version string) *unstructured.Unstructured {
	w.t.Helper()
	return w.parse(strings.ReplaceAll(fmt.Sprintf(service, version), "podinfo", name))
}

// declare makes the Canary of the estate's, of a Service and by another name.
func (m meddling) declare(w *world) {
	w.t.Helper()
	users, declared, _ := m.at(w.t, 0)
	for _, object := range append(users, declared) {
		rename(object.Object, m.name, m.canary)
	}
	w.must(apply(w.ctx, w.plane.client, w.front(m.canary, "1")))
	for _, user := range users {
		if user.GetKind() != "Upstream" || m.stage.name == "home" {
			w.must(w.plane.client.Create(w.ctx, user))
		}
	}
	target := map[string]any{"apiVersion": "v1", "kind": "Service", "name": m.canary}
	w.must(unstructured.SetNestedMap(declared.Object, target, "spec", "targetRef"))
	if m.stage.analysis != "" {
		w.must(unstructured.SetNestedField(declared.Object, w.parse("analysis: " + m.stage.analysis).Object["analysis"], "spec", "analysis"))
	}
	w.must(w.plane.client.Create(w.ctx, declared, strict))
}

// rename gives what has a name another one.
func rename(value any, from, to string) {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			if (key == "name" || key == "serviceName") && inner == from {
				value[key] = to
			}
			rename(inner, from, to)
		}
	case []any:
		for _, inner := range value {
			rename(inner, from, to)
		}
	}
}

// objects that the provider rendered, once they are those of the stage.
func (m meddling) objects(w *world) []*unstructured.Unstructured {
	w.t.Helper()
	if m.stage.name == "farewell" {
		w.abort(m.canary)
	}
	w.named(m.canary, "the stage", func(c *v1beta1.Canary) bool {
		switch m.stage.name {
		case "home":
			return c.Status.Phase == "Initialized"
		case "farewell":
			return c.Status.Phase == "Failed"
		default:
			return c.Status.Phase == "Progressing" && (m.stage.share() == 0 || c.Status.CanaryWeight > 0)
		}
	})
	var found []*unstructured.Unstructured
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	kind, name := m.lead()
	err := follow(ctx, w.plane.client, blank(kind), w.namespace, name, func(*unstructured.Unstructured) bool {
		found = m.found(w)
		return m.reached(found)
	})
	if err != nil {
		w.t.Fatalf("the objects of %s do not reach the stage: %v", m.canary, err)
	}
	return found
}

// abort ends a release as soon as users have cookies of it.
func (w *world) abort(name string) {
	w.t.Helper()
	revision := ""
	w.named(name, "users of the canary", func(c *v1beta1.Canary) bool {
		revision = c.Status.LastAppliedSpec
		return c.Status.SessionAffinityCookie != ""
	})
	patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"serin.dev/abort":"`+revision+`"}}}`))
	w.must(w.plane.client.Patch(w.ctx, w.canaryObject(name), patch, client.FieldOwner("kubectl-annotate")))
}

// lead is the object that divides the requests.
func (m meddling) lead() (schema.GroupVersionKind, string) {
	for _, kind := range m.kinds() {
		switch kind.Kind {
		case "Ingress":
			return kind, m.canary + "-canary"
		case "ApisixRoute":
			return kind, m.canary + "-" + m.canary + "-canary"
		case "VirtualRouter":
			return kind, m.canary
		case "VirtualService":
			if m.provider == "appmesh" {
				return kind, m.canary + "." + m.namespace
			}
		}
	}
	return m.kinds()[0], m.canary
}

// found are the objects that are there.
func (m meddling) found(w *world) []*unstructured.Unstructured {
	w.t.Helper()
	var found []*unstructured.Unstructured
	for _, gvk := range m.kinds() {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
		w.must(w.plane.client.List(w.ctx, list, client.InNamespace(w.namespace)))
		for i := range list.Items {
			if m.made(&list.Items[i]) {
				found = append(found, &list.Items[i])
			}
		}
	}
	return found
}

// made reports whether an object is one that this Canary's provider rendered.
func (m meddling) made(object *unstructured.Unstructured) bool {
	name := object.GetName()
	if _, lead := m.lead(); strings.HasSuffix(lead, "-canary") {
		return name == lead // beside the user's own
	}
	return name == m.canary || strings.HasPrefix(name, m.canary+"-") || strings.HasPrefix(name, m.canary+".") || strings.HasPrefix(name, m.namespace+"-"+m.canary+"-")
}

func (m meddling) run(w *world) {
	w.t.Helper()
	for _, object := range m.objects(w) {
		if kind, lead := m.lead(); m.stage.name != "weighted" && (object.GetName() != lead || object.GroupVersionKind() != kind) {
			continue // what stands beside the route is the same in every stage
		}
		m.meddle(w, object)
	}
	m.reduce(w)
	status := w.canaryObject(m.canary)
	w.must(w.plane.client.Get(w.ctx, client.ObjectKeyFromObject(status), status))
	if got, want := numberAt(status, "status", "canaryWeight"), m.stage.share(); got != want {
		w.t.Errorf("status says %d %% behind all of it, want %d", got, want)
	}
}

// reduce takes from a Canary at rest what nothing else in its route changes with, and
// waits until it is gone from there.
func (m meddling) reduce(w *world) {
	w.t.Helper()
	for _, c := range []struct {
		canary, path, kind, name string
		gone                     func(*unstructured.Unstructured) bool
	}{
		{"istio-home", "/spec/service/trafficPolicy", "DestinationRule", "istio-home-canary", func(u *unstructured.Unstructured) bool {
			_, has, _ := unstructured.NestedMap(u.Object, "spec", "trafficPolicy")
			return !has
		}},
		{"gatewayapi-home", "/spec/service/hosts", "HTTPRoute", "gatewayapi-home", func(u *unstructured.Unstructured) bool {
			_, has, _ := unstructured.NestedSlice(u.Object, "spec", "hostnames")
			return !has
		}},
		{"contour-home", "/spec/service/apex/labels", "HTTPProxy", "contour-home", func(u *unstructured.Unstructured) bool {
			return u.GetLabels()["team"] == ""
		}},
	} {
		if c.canary != m.canary {
			continue
		}
		patch := client.RawPatch(types.JSONPatchType, []byte(`[{"op": "remove", "path": "`+c.path+`"}]`))
		w.must(w.plane.client.Patch(w.ctx, w.canaryObject(m.canary), patch, client.FieldOwner("user")))
		at := slices.IndexFunc(m.kinds(), func(gvk schema.GroupVersionKind) bool { return gvk.Kind == c.kind })
		ctx, cancel := context.WithTimeout(w.ctx, 30*time.Second)
		defer cancel()
		if err := follow(ctx, w.plane.client, blank(m.kinds()[at]), w.namespace, c.name, c.gone); err != nil {
			w.t.Errorf("what was removed at %s is in %s %s still: %v", c.path, c.kind, c.name, err)
		}
	}
}

// meddle does to one object everything that can be done to it.
func (m meddling) meddle(w *world, object *unstructured.Unstructured) {
	w.t.Helper()
	name, alone := object.GetKind()+" "+object.GetName(), meant(object)
	w.edited(object, keep)
	want := meant(object)
	for _, e := range edits() {
		if !w.edited(object, e.do) || equalJSON(want, meant(object)) {
			if m.stage.sticky() && strings.HasPrefix(e.name, "cookies") {
				w.t.Errorf("%s: there are no %s", name, e.name)
			}
			continue // it has nothing of the kind, or nothing of it is ours
		}
		w.back(object, name+": "+e.name, want)
		kept := object.GetLabels()[foreign] == "yes" && object.GetAnnotations()[foreign] == "yes"
		if removes := strings.HasPrefix(e.name, "replaced") || strings.HasPrefix(e.name, "metadata"); !removes && !kept {
			w.t.Errorf("%s: %s: what others had in it is gone: %v %v", name, e.name, object.GetLabels(), object.GetAnnotations())
		}
	}
	w.must(w.plane.client.Delete(w.ctx, object.DeepCopy()))
	w.back(object, name+": deleted", alone)
}

// edited writes what somebody makes of an object, and takes over what became of it. It
// reports whether there was anything to write that the API server takes.
func (w *world) edited(object *unstructured.Unstructured, do func(*unstructured.Unstructured) bool) bool {
	w.t.Helper()
	for {
		w.must(w.plane.client.Get(w.ctx, client.ObjectKeyFromObject(object), object))
		before := object.DeepCopy()
		if !do(object) || equalJSON(before.Object, object.Object) {
			return false
		}
		err := w.plane.client.Update(w.ctx, object, client.FieldOwner("somebody"))
		switch {
		case apierrors.IsConflict(err):
			continue
		case apierrors.IsInvalid(err):
			*object = *before
			return false
		}
		w.must(err)
		return true
	}
}

// back waits until an object means again what it meant, and takes over what it became.
func (w *world) back(object *unstructured.Unstructured, what string, want map[string]any) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, 30*time.Second)
	defer cancel()
	edited := object.DeepCopy()
	last := edited
	err := follow(ctx, w.plane.client, blank(object.GroupVersionKind()), object.GetNamespace(), object.GetName(), func(u *unstructured.Unstructured) bool {
		last = u
		return u.GetResourceVersion() != edited.GetResourceVersion() && equalJSON(want, meant(u))
	})
	if err != nil {
		w.t.Fatalf("%s: it is not set back: %s", what, strings.Join(lacking("", meant(last), any(want)), ", ")+"; too much: "+strings.Join(lacking("", any(want), meant(last)), ", "))
	}
	*object = *last.DeepCopy()
}

// meant is what an object says, without what others keep in it and what a server puts there.
func meant(object *unstructured.Unstructured) map[string]any {
	metadata := map[string]any{}
	for key, all := range map[string]map[string]string{"labels": object.GetLabels(), "annotations": object.GetAnnotations()} {
		ours := map[string]any{}
		for name, value := range all {
			if !strings.HasPrefix(name, "example.com/") && name != corev1.LastAppliedConfigAnnotation {
				ours[name] = value
			}
		}
		metadata[key] = ours
	}
	return map[string]any{"metadata": metadata, "spec": object.Object["spec"], "mesh": object.Object["mesh"]}
}
