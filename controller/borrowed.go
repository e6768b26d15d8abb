package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
)

// A loan is an object of the user's that a Canary named last.
type loan struct {
	provider router.Provider
	service  router.Service
}

// borrowed reports whether an object is the user's own, named by spec.routeRef.
func (v *view) borrowed(object router.Object) bool {
	return v.provider.Borrowed && slices.Contains(v.provider.Kinds, object.GroupVersionKind())
}

// borrows reports whether a Canary divides in an object of the user's. Such a Canary is
// always held until the object is the user's again, as nobody else could undo that.
func (r *reconciler) borrows(canary *v1beta1.Canary) bool { return r.provider(canary).Borrowed }

// unchanged reports whether an object of the user's is as it should be: what is said of
// others' fields is said of all, as the object that is wanted is made from the live one.
func unchanged(live *unstructured.Unstructured, object router.Object) bool {
	return live != nil && reflect.DeepEqual(live.Object["spec"], object.Object["spec"]) && kept(live) == kept(&object)
}

func kept(object *unstructured.Unstructured) string {
	return object.GetAnnotations()[router.OriginalAnnotation]
}

// send writes an object, and returns the version that one of ours has since. It is
// applied, also against others who hold its fields.
func (r *reconciler) send(ctx context.Context, v *view, live *unstructured.Unstructured, object router.Object) (string, error) {
	if v.borrowed(object) {
		return "", r.edit(ctx, live, object)
	}
	if err := r.takeOver(ctx, live, object); err != nil {
		return "", err
	}
	text, err := json.Marshal(object.Object)
	if err != nil {
		return "", fmt.Errorf("encode the object: %w", err)
	}
	sent := bare(object.GroupVersionKind(), object.GetNamespace(), object.GetName())
	err = r.client.Patch(ctx, sent, client.RawPatch(types.ApplyPatchType, text), client.FieldOwner(manager), client.ForceOwnership)
	return sent.ResourceVersion, err
}

// bare names an object. What is written through it comes back as metadata only: of an
// answer nothing but the version is ever read.
func bare(gvk schema.GroupVersionKind, namespace, name string) *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	object.SetGroupVersionKind(gvk)
	return object
}

// edit changes an object of the user's, unless somebody has changed it since it was read.
// A patch names what changes; the rest, such as who manages which field, is not even known.
func (r *reconciler) edit(ctx context.Context, live *unstructured.Unstructured, object router.Object) error {
	meta := map[string]any{"resourceVersion": live.GetResourceVersion()}
	if text := kept(&object); text != kept(live) {
		meta["annotations"] = map[string]any{router.OriginalAnnotation: orNull(text)}
	}
	change := map[string]any{"metadata": meta}
	if spec := changes(live.Object["spec"], object.Object["spec"]); len(spec) > 0 {
		change["spec"] = spec
	}
	patch, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("encode the change: %w", err)
	}
	return r.client.Patch(ctx, object.DeepCopy(), client.RawPatch(types.MergePatchType, patch), client.FieldOwner(manager))
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// changes are the fields of a spec that are to have another value. A field is never
// taken away by a division.
func changes(live, want any) map[string]any {
	before, after := fields(live), fields(want)
	changed := map[string]any{}
	for key, value := range after {
		if !reflect.DeepEqual(before[key], value) {
			changed[key] = value
		}
	}
	return changed
}

func fields(value any) map[string]any {
	all, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	return all
}

// giveBack restores the user's object, if there is one, when a Canary goes that is not
// reverted otherwise, and lets the Canary go. The object is read anew: a cache may not
// show our last write yet, and nobody comes by later.
func (r *reconciler) giveBack(ctx context.Context, canary *v1beta1.Canary, m *memo) (reconcile.Result, error) {
	lent := loan{r.provider(canary), r.named(canary)}
	if !lent.provider.Borrowed && m.loan != nil {
		lent = *m.loan
	}
	var err error
	if lent.provider.Borrowed {
		err = r.restore(ctx, &view{canary: canary, memo: m}, lent, r.asker.live)
	}
	if apierrors.IsConflict(err) {
		return reconcile.Result{RequeueAfter: afterConflict}, nil
	}
	if err == nil {
		err = r.dismiss(ctx, canary)
	}
	return reconcile.Result{}, r.obstructed(ctx, canary, m, err)
}

// reclaim restores the object that requests were divided in if the Canary names another one
// by now, or none. An operator that starts in between does not know of it.
func (r *reconciler) reclaim(ctx context.Context, v *view, m *memo) error {
	lent := m.loan
	if lent != nil && (lent.service.Name != v.service.Name || !slices.Equal(lent.provider.Refs(lent.service), v.provider.Refs(v.service))) {
		if err := r.restore(ctx, v, *lent, r.client); err != nil {
			return err
		}
	}
	m.loan = nil
	if v.provider.Borrowed {
		m.loan = &loan{v.provider, r.named(v.canary)}
	}
	return nil
}

// restore gives an object back as the user has it.
func (r *reconciler) restore(ctx context.Context, v *view, lent loan, from client.Reader) error {
	lent.service.Live = nil
	for _, ref := range lent.provider.Refs(lent.service) {
		live, err := read(ctx, from, ref.Namespace, ref.Name, blank(ref.GroupVersionKind))
		if err != nil {
			return err
		}
		if live == nil {
			continue
		}
		if live, err = unpacked(live); err != nil {
			return err
		}
		lent.service.Live = append(lent.service.Live, *live)
	}
	objects, err := lent.provider.Leave(lent.service, rollout.Alone)
	if err != nil {
		return fmt.Errorf("give back the route of %s: %w", lent.service.Name, err)
	}
	for _, object := range objects {
		live := lent.service.Find(object.GetKind(), object.GetName())
		if unchanged(live, object) {
			continue
		}
		if err := r.fence(ctx, v); err != nil {
			return err
		}
		if err := r.edit(ctx, live, object); err != nil {
			return fmt.Errorf("give back %s: %w", placed(object), err)
		}
		r.log(v.canary).Info(fmt.Sprintf("%s given back", placed(object)))
	}
	return nil
}
