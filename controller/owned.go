package controller

import (
	"encoding/json"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/router"
)

// slimFields leaves of an object's managed fields the names of those that our last
// apply said, as text: as maps they would weigh more than all the rest. It is what
// tells that an object has something that we gave it and no longer want.
func slimFields(object any) []metav1.ManagedFieldsEntry {
	u, ok := object.(*unstructured.Unstructured)
	if !ok {
		return nil // Services and workloads: theirs are many, and never looked at
	}
	for _, entry := range u.GetManagedFields() {
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

// applies reports whether an entry is that of our applies.
func applies(e metav1.ManagedFieldsEntry) bool {
	return e.Manager == manager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == "" && e.FieldsV1 != nil
}

// leftovers names the fields that our last apply gave a live object and that are no
// longer wanted, sorted. The next apply takes them away, unless somebody else gave them
// too; either way they are not ours behind it. Comparing values cannot find them: a key
// that is not wanted may be somebody else's.
func leftovers(live *unstructured.Unstructured, want router.Object) []string {
	var found []string
	for _, entry := range live.GetManagedFields() {
		if applies(entry) {
			remaining("", ownedFields(entry.FieldsV1.GetRawBytes()), want.Object, &found)
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

// remaining collects the deepest fields that are owned and not wanted. Lists are left to
// the comparison of values: those of routes are owned whole.
func remaining(path string, owned map[string]any, want any, found *[]string) {
	fields, isMap := want.(map[string]any)
	if !isMap {
		return
	}
	for key, inner := range owned {
		name, isField := strings.CutPrefix(key, "f:")
		if !isField {
			continue
		}
		at := strings.TrimPrefix(path+"."+name, ".")
		value, wanted := fields[name]
		if !wanted {
			*found = append(*found, at)
			continue
		}
		if inner, ok := inner.(map[string]any); ok {
			remaining(at, inner, value, found)
		}
	}
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
		m.answers[name] = answer{digest: digest(object), version: version}
		delete(m.applied, name)
		r.wake(client.ObjectKeyFromObject(v.canary))
	}
	return true
}
