package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// A copy that follows the user's Ingress was not changed by somebody else; one that
// was changed beside it, was.
func TestCauseOfACopy(t *testing.T) {
	route := func(name, version string, owner workload.Owner) router.Object {
		var object router.Object
		object.SetKind("Ingress")
		object.SetName(name)
		object.SetResourceVersion(version)
		object.SetOwnerReferences(owner.References())
		return object
	}
	owner := workload.Owner{Name: "web", UID: "u"}
	cause := func(users, ours string) cause {
		copied := route("web-canary", ours, owner)
		v := &view{canary: &v1beta1.Canary{}, routes: []router.Object{route("web", users, workload.Owner{}), copied}}
		v.options.Owner = owner
		return v.cause(copied.GetKind(), copied.GetName())
	}
	if cause("1", "1") != cause("1", "2") {
		t.Error("an edit of the copy counts as its cause")
	}
	if cause("1", "1") == cause("2", "1") {
		t.Error("an edit of the user's Ingress is no cause")
	}
	taken := route("web", "1", workload.Owner{})
	v := &view{canary: &v1beta1.Canary{}, routes: []router.Object{taken}}
	if v.foundation(taken.GetKind(), taken.GetName()) != "" {
		t.Error("a route that was taken over is its own cause")
	}
}

func TestDiffering(t *testing.T) {
	end := func(name string, weight any) any { return map[string]any{"name": name, "weight": weight} }
	want := map[string]any{
		"metadata": map[string]any{"labels": map[string]any{"team": "shop"}},
		"spec":     map[string]any{"hosts": []any{"a"}, "backends": []any{end("primary", 90), end("canary", 10)}},
	}
	for _, c := range []struct {
		name string
		live map[string]any
		want []string
	}{
		{"weights", map[string]any{"metadata": want["metadata"], "spec": map[string]any{
			"hosts": []any{"a"}, "backends": []any{end("primary", 50), end("canary", int64(50))}}},
			[]string{"spec.backends[0].weight", "spec.backends[1].weight"}},
		{"a list of another length", map[string]any{"metadata": want["metadata"], "spec": map[string]any{
			"hosts": []any{"a", "b"}, "backends": want["spec"].(map[string]any)["backends"]}}, []string{"spec.hosts"}},
		{"a label that is gone", map[string]any{"spec": want["spec"]}, []string{"metadata"}},
		{"nothing that is rendered", want, []string{"metadata.ownerReferences"}},
		{"so much that it is counted", map[string]any{"metadata": map[string]any{"labels": map[string]any{}}, "spec": map[string]any{
			"hosts": []any{"b"}, "backends": []any{end("x", 1), end("y", 2)}}},
			[]string{"metadata.labels.team", "spec.backends[0].name", "spec.backends[0].weight", "3 more"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, differing(c.live, want, covers)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
