package controller

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

// What the cache shows is the answer to what was sent only once it has moved.
func TestCacheThatIsBehind(t *testing.T) {
	m := newMemory().of(types.NamespacedName{Namespace: "test", Name: "podinfo"}, "uid")
	put(&m.applied, "HTTPRoute podinfo", applied{digest: "80/20", before: "5"})
	for _, c := range []struct {
		reason, name, cached string
		want                 bool
	}{
		{"it shows what was there before", "HTTPRoute podinfo", "5", true},
		{"it has moved", "HTTPRoute podinfo", "6", false},
		{"the object is gone", "HTTPRoute podinfo", "", false},
		{"nothing was sent", "Service podinfo", "5", false},
	} {
		if got := m.behind(c.name, c.cached); got != c.want {
			t.Errorf("%s: behind is %t", c.reason, got)
		}
	}
}
