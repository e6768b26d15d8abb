package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// A cause is everything of which an object is made. As long as it stays the same, an
// object that was as it should be and is not any more was changed by somebody else.
type cause struct {
	spec, transition, workload int64 // generations, and the transition of status between them
	broken                     router.Broken

	foundation string // versions of the user's own routes that the object is made from
}

// cause of an object of a kind and name.
func (v *view) cause(kind, name string) cause {
	c := cause{spec: v.canary.Generation, transition: v.canary.Status.Transition(), foundation: v.foundation(kind, name)}
	if v.target != nil {
		c.workload = v.target.Generation
	}
	c.broken = v.broken(v.promoted())
	return c
}

// foundation names the versions of the routes that are not this Canary's, but for the
// object itself, which may be a route of the user's that was taken over.
func (v *view) foundation(kind, name string) string {
	var text strings.Builder
	for i := range v.routes {
		route := &v.routes[i]
		itself := route.GetKind() == kind && route.GetName() == name
		if !itself && v.options.Owner.Claim(route) != workload.Ours {
			text.WriteString(route.GetResourceVersion())
			text.WriteByte('/')
		}
	}
	return text.String()
}

// corrected says that an object was set back. Weights are rendered from the state, so
// that it moved none.
func (r *reconciler) corrected(ctx context.Context, v *view, m *memo, live *unstructured.Unstructured, object router.Object) error {
	name := title(object)
	if settled, ok := m.settled[name]; !ok || settled != v.cause(object.GetKind(), object.GetName()) {
		return nil
	}
	said := fmt.Sprintf("%s was deleted by somebody else: made again", placed(object))
	if live != nil {
		said = fmt.Sprintf("%s was changed by somebody else in %s: set back", placed(object), strings.Join(differing(live.Object, object.Object, v.compares(object)), ", "))
	}
	r.gauges.correct(v.canary, object.GetKind())
	return r.voice.remark(ctx, v.canary, m, []rollout.Report{{Level: rollout.Warn, Message: said}})
}

// mostDiffering bounds what is named of a change.
const mostDiffering = 3

// differing names the fields in which live is not as want says, or has what we gave
// it and want does not, sorted.
func differing(live, want map[string]any, as func(live, want any) bool) []string {
	found := leftovers(&unstructured.Unstructured{Object: live}, router.Object{Object: want})
	differ("", live, want, as, &found)
	slices.Sort(found)
	if more := len(found) - mostDiffering; more > 0 {
		found = append(found[:mostDiffering], fmt.Sprintf("%d more", more))
	}
	if len(found) == 0 {
		return []string{"metadata.ownerReferences"} // the only thing that is compared besides
	}
	return found
}

// differ collects the deepest fields in which live is not as want says.
func differ(path string, live, want any, as func(live, want any) bool, found *[]string) {
	if as(live, want) {
		return
	}
	before := len(*found)
	wants, isMap := want.(map[string]any)
	fields, areFields := live.(map[string]any)
	if isMap && areFields {
		for key, value := range wants {
			differ(strings.TrimPrefix(path+"."+key, "."), fields[key], value, as, found)
		}
		if len(*found) == before && path != "" {
			*found = append(*found, path) // it has a key too many
		}
		return
	}
	list, isList := want.([]any)
	items, areItems := live.([]any)
	if isList && areItems && len(list) == len(items) {
		for i := range list {
			entry := func(live, want any) bool { return as([]any{live}, []any{want}) }
			differ(fmt.Sprintf("%s[%d]", path, i), items[i], list[i], entry, found)
		}
		return
	}
	*found = append(*found, path)
}
