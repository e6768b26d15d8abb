package controller

import (
	"slices"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/serinhq/serin/router"
)

const routes = "httproutes.gateway.networking.k8s.io"

// routesWith is the definition of HTTPRoutes with version v1, whose filters have a field.
func routesWith(filter string) *apiextensionsv1.CustomResourceDefinition {
	type props = map[string]apiextensionsv1.JSONSchemaProps
	list := func(of props) apiextensionsv1.JSONSchemaProps {
		return apiextensionsv1.JSONSchemaProps{Items: &apiextensionsv1.JSONSchemaPropsOrArray{
			Schema: &apiextensionsv1.JSONSchemaProps{Properties: of}}}
	}
	filters := list(props{filter: {}})
	spec := apiextensionsv1.JSONSchemaProps{Properties: props{"rules": list(props{"filters": filters})}}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	crd.Spec.Versions = []apiextensionsv1.CustomResourceDefinitionVersion{
		{Name: "v1", Served: true, Schema: &apiextensionsv1.CustomResourceValidation{
			OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Properties: props{"spec": spec}}}},
		{Name: "v1beta1"},
	}
	crd.Status.Conditions = []apiextensionsv1.CustomResourceDefinitionCondition{
		{Type: apiextensionsv1.Established, Status: apiextensionsv1.ConditionTrue}}
	return crd
}

func TestStockGrows(t *testing.T) {
	v1 := defined(routes)[0]
	empty := func() *stock {
		return newStock(map[string]router.Provider{"kubernetes": router.Providers["kubernetes"]})
	}
	for _, c := range []struct {
		reason, filter string
		before         []string // filters of the definitions seen before
		news, lacks    bool
	}{
		{"a kind that is installed", "cors", nil, true, false},
		{"an old version of it", "requestMirror", nil, true, true},
		{"the same once more", "cors", []string{"cors"}, false, false},
		{"the old one once more", "requestMirror", []string{"requestMirror"}, false, true},
		{"an upgrade", "cors", []string{"requestMirror"}, true, false},
	} {
		s := empty()
		for _, filter := range c.before {
			s.learn(v1, routesWith(filter))
		}
		news := s.learn(v1, routesWith(c.filter))
		if lacks := s.lacksCORS(s.provider("gatewayapi:v1")); news != c.news || lacks != c.lacks {
			t.Errorf("%s: news %t, lacks %t", c.reason, news, lacks)
		}
		if got := s.available(""); !slices.Equal(got, []string{"gatewayapi:v1", "kubernetes"}) || len(s.known) != 1 || !s.known[v1] {
			t.Errorf("%s: at hand are %q with %v", c.reason, got, s.known)
		}
	}
	if s := empty(); s.lacksCORS(s.provider("gatewayapi:v1")) || s.lacksCORS(router.Providers["gatewayapi:v1"]) {
		t.Error("what is not known is not lacking")
	}
}

func TestDefinitions(t *testing.T) {
	crd := routesWith("cors")
	if !serves(crd, "v1") || serves(crd, "v1beta1") || serves(crd, "v2") {
		t.Error("v1 is served, v1beta1 is not, and v2 is not there")
	}
	crd.Status.Conditions[0].Status = apiextensionsv1.ConditionFalse
	if serves(crd, "v1") {
		t.Error("a definition that is not established yet is served")
	}
	alone := Options{Namespace: "shop"}
	cluster := router.Providers["kuma"].Kinds[0]
	if scope := scopeOf(crd); scope != meta.RESTScopeNameRoot || alone.sees(cluster, scope) || !(Options{}).sees(cluster, scope) {
		t.Error("an operator of one namespace must not wait for objects of the cluster")
	}
	crd.Spec.Scope = apiextensionsv1.NamespaceScoped
	if !alone.sees(cluster, scopeOf(crd)) {
		t.Error("objects of a namespace are seen by its operator")
	}
	if got := defined(routes); len(got) != 2 || got[0].Version != "v1" || got[1].Version != "v1beta1" {
		t.Errorf("%s defines %v", routes, got)
	}
	if got := defined("gateways.gateway.networking.k8s.io"); len(got) > 0 {
		t.Errorf("gateways concern nobody, and %v are found", got)
	}
}
