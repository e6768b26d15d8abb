package controller

import (
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/router"
)

// slimFields leaves of an object's managed fields the names of those that our last
// apply said, as text: as maps they would weigh more than all the rest. It is what
// tells that an object has something that we gave it and no longer want.
func slimFields(object metav1.Object) {
	switch object := object.(type) {
	case *unstructured.Unstructured:
		slimJSON(object)
		return
	case *corev1.Service:
		if !flaggers(object.ManagedFields) && len(beyond(object.ManagedFields, ordinary(object))) > 0 {
			object.ManagedFields = slimEntry(object.ManagedFields)
			return
		}
	}
	if !flaggers(object.GetManagedFields()) {
		object.SetManagedFields(nil) // those of workloads are many, and never looked at
	}
}

// slimJSON is slimFields for an object as JSON: typed entries are made for the few that
// have something to keep.
func slimJSON(object *unstructured.Unstructured) {
	meta, isObject := object.Object["metadata"].(map[string]any)
	if !isObject {
		return
	}
	entries, isList := meta["managedFields"].([]any)
	by := func(name string) bool {
		return isList && slices.ContainsFunc(entries, func(e any) bool {
			entry, ok := e.(map[string]any)
			return ok && entry["manager"] == name && entry["subresource"] == nil
		})
	}
	switch {
	case by(flagger) && flaggers(object.GetManagedFields()):
	case by(manager):
		object.SetManagedFields(slimEntry(object.GetManagedFields()))
	default:
		delete(meta, "managedFields")
	}
}

// slimEntry is that of our last apply, if there is one, as text.
func slimEntry(all []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	for _, entry := range all {
		if !applies(entry) {
			continue
		}
		text, err := json.Marshal(entry.FieldsV1.GetRawString())
		if err != nil {
			return nil
		}
		return []metav1.ManagedFieldsEntry{{Manager: entry.Manager, Operation: entry.Operation, FieldsV1: metav1.NewFieldsV1(string(text))}}
	}
	return nil
}

// ordinary is what every Service of ours has, so that it is never left over. Of one that
// has nothing else, which are nearly all, nothing need be kept.
func ordinary(service *corev1.Service) map[string]any {
	labels := map[string]any{}
	for key, value := range service.Labels {
		if value == service.Name {
			labels[key] = value
		}
	}
	var ports []any
	for _, port := range service.Spec.Ports {
		ports = append(ports, map[string]any{"port": port.Port, "protocol": string(port.Protocol), "name": nil, "targetPort": nil})
	}
	return map[string]any{
		"metadata": map[string]any{"labels": labels, "annotations": router.OptOuts(), "ownerReferences": nil},
		"spec":     map[string]any{"selector": nil, "ports": ports},
	}
}

// applies reports whether an entry is that of our applies.
func applies(e metav1.ManagedFieldsEntry) bool {
	return e.Manager == manager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == "" && e.FieldsV1 != nil
}

// leftovers names the fields that our last apply gave a live object and that are no
// longer wanted, sorted. The next apply takes them away, unless somebody else gave them
// too; either way they are not ours behind it. Comparing values cannot find them: a key
// that is not wanted may be somebody else's.
func leftovers(live *unstructured.Unstructured, want router.Object) []string {
	return beyond(live.GetManagedFields(), want.Object)
}

// beyond names what our last apply said and what is not among the given fields, sorted.
func beyond(all []metav1.ManagedFieldsEntry, fields map[string]any) []string {
	var found []string
	for _, entry := range all {
		if applies(entry) {
			remaining("", ownedFields(entry.FieldsV1.GetRawBytes()), fields, &found)
		}
	}
	slices.Sort(found)
	return found
}

// ownedFields are the fields of an entry, as the API server writes them or as text of the
// same. What cannot be read names none.
func ownedFields(raw []byte) map[string]any {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = []byte(text)
	}
	var fields map[string]any
	if json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	return fields
}

// remaining collects the deepest fields that are owned and not wanted. Entries of lists
// that nobody wants are left to the comparison of values, as are lists without keys, which
// are owned whole.
func remaining(path string, owned map[string]any, want any, found *[]string) {
	for key, inner := range owned {
		at, value, wanted := path, any(nil), false
		if name, isField := strings.CutPrefix(key, "f:"); isField {
			fields, isMap := want.(map[string]any)
			if !isMap {
				continue
			}
			at = strings.TrimPrefix(path+"."+name, ".")
			if value, wanted = fields[name]; !wanted {
				*found = append(*found, at)
				continue
			}
		} else if value, wanted = keyed(want, key); !wanted {
			continue
		}
		if inner, ok := inner.(map[string]any); ok {
			remaining(at, inner, value, found)
		}
	}
}

// keyed returns the entry of a list that managed fields call by this key.
func keyed(list any, key string) (entry any, found bool) {
	text, isKey := strings.CutPrefix(key, "k:")
	entries, isList := list.([]any)
	var keys map[string]any
	if !isKey || !isList || json.Unmarshal([]byte(text), &keys) != nil {
		return nil, false
	}
	at := slices.IndexFunc(entries, func(entry any) bool { return covers(entry, keys) })
	if at < 0 {
		return nil, false
	}
	return entries[at], true
}

// An answer of the API server to an apply that changed nothing: what is wanted is there,
// in a form that no comparison here knows, such as with a default of a later version of
// the kind.
type answer struct {
	digest  string // of what was applied
	version string // resourceVersion at which it was so already
}

// understood reports whether the API server has said of this version of a live object
// that it is as it should be.
func (m *memo) understood(live *unstructured.Unstructured, want router.Object) bool {
	known, asked := m.answers[title(want)]
	return asked && known.version == live.GetResourceVersion() && known.digest == digest(want)
}

// unmoved takes note of an apply that changed nothing of a live object, and reports
// whether it was one. No event follows it, so that the Canary is looked at again; not so
// if the object has what no apply can mend.
func (r *reconciler) unmoved(v *view, m *memo, live *unstructured.Unstructured, object router.Object, version string) bool {
	name := title(object)
	delete(m.answers, name)
	if live == nil || live.GetResourceVersion() != version {
		return false
	}
	if v.fits(live, object) && !pinnedStill(live, object) {
		put(&m.answers, name, answer{digest: digest(object), version: version})
		delete(m.applied, name)
		r.wake(client.ObjectKeyFromObject(v.canary))
	}
	return true
}
