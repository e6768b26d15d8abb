package router

import (
	"context"
	"go/build"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/serinhq/serin/rollout"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
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

// gatewaySchemas reads the HTTPRoute CRD of the Gateway API module, by version.
func gatewaySchemas(t testing.TB) map[string]crdSchema {
	t.Helper()
	pkg, err := build.Import("sigs.k8s.io/gateway-api/apis/v1", ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(pkg.Dir, "../../config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(text, &crd); err != nil {
		t.Fatal(err)
	}
	schemas := map[string]crdSchema{}
	for _, version := range crd.Spec.Versions {
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
		schemas[version.Name] = crdSchema{structural, validator, cel.NewValidator(structural, true, costPerCall)}
	}
	return schemas
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

// TestGoldenFilesFitTheSchema checks every golden HTTPRoute against the CRD that
// the Gateway API ships, its CEL rules included.
func TestGoldenFilesFitTheSchema(t *testing.T) {
	schemas := gatewaySchemas(t)
	files, err := filepath.Glob("testdata/gatewayapi-*/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files (%v)", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var object Object
		if err := yaml.Unmarshal(text, &object.Object); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		schema, ok := schemas[object.GroupVersionKind().Version]
		if !ok {
			t.Fatalf("%s: the CRD has no version %s", file, object.GroupVersionKind().Version)
		}
		for _, problem := range schema.check(t, object) {
			t.Errorf("%s: %v", file, problem)
		}
	}
}

// TestSchemaCheckNotices makes sure that the check above can fail: once by the
// structure, once by an unknown field and once by a CEL rule.
func TestSchemaCheckNotices(t *testing.T) {
	schema := gatewaySchemas(t)["v1"]
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
	schema := gatewaySchemas(f)["v1"]
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
