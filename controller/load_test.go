package controller

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/serinhq/serin/router"
)

func TestInstalledProviders(t *testing.T) {
	all := slices.Sorted(maps.Keys(router.Providers))
	for _, c := range []struct {
		reason string
		has    func(schema.GroupVersionKind) bool
		want   []string
	}{
		{"everything", func(schema.GroupVersionKind) bool { return true }, all},
		{"an older Gateway API", func(gvk schema.GroupVersionKind) bool {
			return gvk.Group == "gateway.networking.k8s.io" && gvk.Version == "v1beta1"
		}, []string{"gatewayapi:v1beta1", "kubernetes"}},
		{"nothing", func(schema.GroupVersionKind) bool { return false }, []string{"kubernetes"}},
	} {
		found, err := installed(func(gvk schema.GroupVersionKind) (bool, error) { return c.has(gvk), nil })
		if got := slices.Sorted(maps.Keys(found)); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v; want %q", c.reason, got, err, c.want)
		}
	}
	if got := slices.Sorted(maps.Keys(router.Providers)); !slices.Equal(got, all) {
		t.Errorf("the list of all providers is now %q", got)
	}
	broken := errors.New("connection refused")
	_, err := installed(func(schema.GroupVersionKind) (bool, error) { return false, broken })
	if !errors.Is(err, broken) {
		t.Errorf("an API server that cannot be asked: %v", err)
	}
}
