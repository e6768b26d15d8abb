package router

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/serinhq/serin/internal/crds"
	"github.com/serinhq/serin/rollout"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	kindschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/json" // keeps whole numbers whole
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"
)

// The budgets of the API server for CEL rules.
const (
	costPerCall = 1_000_000
	costInAll   = 10_000_000
)

// A crdSchema is what the API server knows of one version of a kind.
type crdSchema struct {
	structural *schema.Structural
	validator  validation.SchemaValidator
	rules      *cel.Validator
}

// schemasOf reads definitions of [crds], by kind.
func schemasOf(t testing.TB, sources ...string) map[gvk]crdSchema {
	t.Helper()
	schemas := map[gvk]crdSchema{}
	for _, name := range sources {
		found, err := crds.Load(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, crd := range found {
			for _, version := range crd.Spec.Versions {
				kind := gvk{Group: crd.Spec.Group, Version: version.Name, Kind: crd.Spec.Names.Kind}
				schemas[kind] = schemaOf(t, version)
			}
		}
	}
	return schemas
}

type gvk = kindschema.GroupVersionKind

func schemaOf(t testing.TB, version apiextensionsv1.CustomResourceDefinitionVersion) crdSchema {
	t.Helper()
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(version.Schema.OpenAPIV3Schema, &props, nil); err != nil {
		t.Fatal(err)
	}
	structural, err := schema.NewStructural(&props)
	if err != nil {
		t.Fatal(err)
	}
	validator, _, err := validation.NewSchemaValidator(&props)
	if err != nil {
		t.Fatal(err)
	}
	return crdSchema{structural, validator, cel.NewValidator(structural, true, costPerCall)}
}

// httpRouteSchema is that of the newest HTTPRoute.
func httpRouteSchema(t testing.TB) crdSchema {
	t.Helper()
	return schemasOf(t, "gatewayapi")[Providers["gatewayapi:v1"].Kinds[0]]
}

// check returns what an API server with strict field validation would say.
func (c crdSchema) check(t *testing.T, object Object) field.ErrorList {
	t.Helper()
	text, err := json.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	var copied map[string]any
	if err := json.Unmarshal(text, &copied); err != nil {
		t.Fatal(err)
	}
	var problems field.ErrorList
	options := schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	for _, path := range pruning.PruneWithOptions(copied, c.structural, true, options) {
		problems = append(problems, field.Invalid(field.NewPath(path), nil, "unknown field"))
	}
	defaulting.Default(copied, c.structural)
	problems = append(problems, validation.ValidateCustomResource(nil, copied, c.validator)...)
	more, _ := c.rules.Validate(context.Background(), nil, c.structural, copied, nil, costInAll)
	return append(problems, more...)
}

// TestGoldenFilesFitTheSchema checks every golden file against the definitions that
// the traffic system ships, their CEL rules included. Kinds of Kubernetes itself
// have none: they are decoded strictly.
func TestGoldenFilesFitTheSchema(t *testing.T) {
	core := map[string]any{"networking.k8s.io/v1, Kind=Ingress": new(networkingv1.Ingress)}
	for name, provider := range Providers {
		if len(provider.Kinds) == 0 {
			continue
		}
		schemas := schemasOf(t, fixtureOf(name).crds...)
		files, err := filepath.Glob(filepath.Dir(goldenPath(name, "any")) + "/*.yaml")
		if err != nil || len(files) == 0 {
			t.Errorf("%s: no golden files (%v)", name, err)
		}
		for _, file := range files {
			for _, object := range goldenObjects(t, file) {
				if typed, ok := core[object.GroupVersionKind().String()]; ok {
					strict(t, object, typed)
					continue
				}
				schema, ok := schemas[object.GroupVersionKind()]
				if !ok {
					t.Fatalf("%s: name the definitions of %s in the fixture of %s", file, object.GroupVersionKind(), name)
				}
				for _, problem := range schema.check(t, object) {
					t.Errorf("%s: %v", file, problem)
				}
			}
		}
	}
}

func goldenObjects(t *testing.T, file string) []Object {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []Object
	for _, document := range strings.Split(string(text), "\n---\n") {
		var object Object
		if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, object)
	}
	return all
}

// TestSchemaCheckNotices makes sure that the check above can fail: once by the
// structure, once by an unknown field and once by a CEL rule.
func TestSchemaCheckNotices(t *testing.T) {
	schema := httpRouteSchema(t)
	for _, tc := range []struct {
		name  string
		want  string
		spoil func(rule map[string]any)
	}{
		{"a weight that is text", "must be of type integer", func(rule map[string]any) { rule["backendRefs"].([]any)[0].(map[string]any)["weight"] = "90" }},
		{"an unknown field", "unknown field", func(rule map[string]any) { rule["weights"] = "90/10" }},
		{"a filter type twice", "RequestHeaderModifier filter cannot be repeated", func(rule map[string]any) {
			rule["filters"] = append(rule["filters"].([]any), rule["filters"].([]any)[0])
		}},
		{"a backend more patient than the request", "cannot be longer than request", func(rule map[string]any) {
			rule["timeouts"] = map[string]any{"request": "1s", "backendRequest": "2s"}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			objects, err := Providers["gatewayapi:v1"].Render(full(), rollout.Split(rollout.Percent(10)))
			if err != nil {
				t.Fatal(err)
			}
			tc.spoil(objects[0].Object["spec"].(map[string]any)["rules"].([]any)[0].(map[string]any))
			problems := schema.check(t, objects[0])
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), tc.want) {
				t.Errorf("want one problem with %q, got %v", tc.want, problems)
			}
		})
	}
}

// FuzzRenderedRoutesFitTheSchema: whatever a user writes is either refused by
// name or accepted by the API server; nothing gets stuck in between.
func FuzzRenderedRoutesFitTheSchema(f *testing.F) {
	f.Add("shop.example.com", "/api", "x-canary", "insider", "https://shop.example.com", 15000, 10)
	f.Add("*", "//", "x canary", "", "*", -1, 101)
	f.Add("a..b", "/a/../b", "", "\x00", "https://a/b", 1, 0)
	f.Add("*.example.com", "/%2f#", "x", "y", "ftp://a", 360000000, 50)
	schema := httpRouteSchema(f)
	f.Fuzz(func(t *testing.T, host, path, name, value, origin string, millis, weight int) {
		for _, op := range []Op{Exact, Prefix, Regex} {
			s := minimal()
			s.Hosts = []string{host}
			s.Match = []Match{{URI: Text{op, path}, Query: map[string]Text{name: {Exact, value}}}}
			s.Audience = []Match{{Headers: map[string]Text{name: {Regex, value}}}}
			s.Rewrite = Rewrite{URI: path, Authority: host, PrefixOnly: op == Prefix}
			s.Request = HeaderMod{Add: map[string]string{name: value}, Remove: []string{name}}
			s.CORS = CORS{Origins: []Text{{Exact, origin}}, Headers: []string{name}, MaxAge: time.Duration(millis) * time.Millisecond}
			s.Timeout = time.Duration(millis) * time.Millisecond
			for _, matched := range []bool{false, true, false} {
				route := rollout.Split(weight)
				route.Match = matched
				if matched { // from here on, so that each is tried alone, too
					s.Affinity = Affinity{Cookie: name, PrimaryCookie: value, Age: time.Hour, Domain: host, Path: path}
				}
				if s.Affinity.Cookie != "" {
					route.Cookies = rollout.Cookies{Canary: name, Primary: value}
				}
				objects, err := Providers["gatewayapi:v1"].Render(s, route)
				if err != nil {
					continue
				}
				for _, problem := range schema.check(t, objects[0]) {
					t.Errorf("rendered what the API server refuses: %v", problem)
				}
			}
		}
	})
}
