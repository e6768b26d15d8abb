package controller

import (
	"errors"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/router"
)

func TestPlaced(t *testing.T) {
	route := blank(router.Providers["kuma"].Kinds[0])
	route.SetName("web")
	if got := placed(*route); got != "TrafficRoute web" {
		t.Errorf("of the cluster: %q", got)
	}
	route.SetNamespace("shop")
	if got := placed(*route); got != "TrafficRoute web.shop" {
		t.Errorf("of a namespace: %q", got)
	}
}

// An operator of one namespace would wait for ever for what it may not watch.
func TestWatchable(t *testing.T) {
	ofCluster, ofNamespace := router.Providers["kuma"].Kinds[0], router.Providers["gatewayapi:v1"].Kinds[0]
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(ofCluster, meta.RESTScopeRoot)
	mapper.Add(ofNamespace, meta.RESTScopeNamespace)
	for _, c := range []struct {
		name    string
		options Options
		kind    schema.GroupVersionKind
		want    bool
	}{
		{"all namespaces, of the cluster", Options{}, ofCluster, true},
		{"all namespaces, of a namespace", Options{}, ofNamespace, true},
		{"one namespace, of the cluster", Options{Namespace: "shop", MeshProvider: "istio"}, ofCluster, false},
		{"one namespace and its mesh", Options{Namespace: "shop", MeshProvider: "kuma"}, ofCluster, true},
		{"one namespace, of a namespace", Options{Namespace: "shop", MeshProvider: "istio"}, ofNamespace, true},
		{"not installed", Options{MeshProvider: "kuma"}, kind("TrafficRoute"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := c.options.watchable(mapper, c.kind); got != c.want || err != nil {
				t.Errorf("watchable: %t, %v", got, err)
			}
		})
	}
	broken := errors.New("connection refused")
	if _, err := (Options{}).watchable(brokenMapper{mapper, broken}, ofCluster); !errors.Is(err, broken) {
		t.Errorf("an API server that cannot be asked: %v", err)
	}
}

type brokenMapper struct {
	meta.RESTMapper
	err error
}

func (m brokenMapper) RESTMapping(schema.GroupKind, ...string) (*meta.RESTMapping, error) {
	return nil, m.err
}

// What a provider is told before anything was read.
func TestNamedOfProviders(t *testing.T) {
	r := &reconciler{options: Options{Include: []string{"team"}}}
	canary := &v1beta1.Canary{}
	canary.Namespace, canary.Annotations = "shop", map[string]string{"kuma.io/mesh": "shops"}
	canary.Spec.UpstreamRef = &v1beta1.UpstreamRef{APIVersion: "gloo.solo.io/v1", Kind: "Upstream", Name: "up"}
	s := r.named(canary)
	if s.Mesh != "shops" {
		t.Errorf("the mesh is %q", s.Mesh)
	}
	if s.Upstream.Namespace != "shop" || len(s.Settings.Include) != 1 {
		t.Errorf("the upstream is %v, prefixes %q", s.Upstream, s.Settings.Include)
	}
}
