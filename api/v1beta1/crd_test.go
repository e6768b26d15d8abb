package v1beta1

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// crd is the part of a CustomResourceDefinition that this test reads.
type crd struct {
	Metadata struct {
		Name        string            `json:"name"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		Group, Scope string
		Names        struct {
			Kind, Plural, Singular string
			Categories, ShortNames []string
		}
		Versions []version
	} `json:"spec"`
}

type version struct {
	Name                     string
	Served, Storage          bool
	AdditionalPrinterColumns []struct {
		Name, Type, JSONPath string
		Priority             int
	}
	Subresources map[string]any
	Schema       struct{ OpenAPIV3Schema schemaNode }
}

// schemaNode is one node of a schema, with what hangs below it.
type schemaNode struct {
	Type, Description    string
	Enum                 []any
	Default              any
	Minimum, Maximum     *float64
	MultipleOf           float64
	Required             []string
	Rules                []rulesNode `json:"x-kubernetes-validations"`
	IntOrString          bool        `json:"x-kubernetes-int-or-string"`
	Properties           map[string]schemaNode
	Items                *schemaNode
	AdditionalProperties *schemaNode
	PreserveUnknown      bool `json:"x-kubernetes-preserve-unknown-fields"`
}

// rulesNode is a CEL rule of a node.
type rulesNode struct{ Rule, Message string }

func readCRD(t *testing.T, plural string) crd {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "config", "crd", Group+"_"+plural+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var read crd
	if err := yaml.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

func (v version) columns() []string {
	var lines []string
	for _, c := range v.AdditionalPrinterColumns {
		line := c.Name + " " + c.JSONPath + " " + c.Type
		if c.Priority > 0 {
			line += " wide"
		}
		lines = append(lines, line)
	}
	return lines
}

// What kubectl shows is what people and scripts read.
func TestCRDs(t *testing.T) {
	tests := []struct {
		plural, kind string
		columns      map[string][]string // by version, the stored one is v1beta1
	}{
		{"canaries", "Canary", map[string][]string{
			"v1beta1": {
				"Status .status.phase string",
				"Weight .status.canaryWeight string",
				"Suspended .spec.suspend boolean wide",
				"FailedChecks .status.failedChecks string wide",
				"Interval .spec.analysis.interval string wide",
				"Mirror .spec.analysis.mirror boolean wide",
				"StepWeight .spec.analysis.stepWeight string wide",
				"StepWeights .spec.analysis.stepWeights string wide",
				"MaxWeight .spec.analysis.maxWeight string wide",
				"LastTransitionTime .status.lastTransitionTime string",
			},
			"v1alpha3": {
				"Status .status.phase string",
				"Weight .status.canaryWeight string",
				"FailedChecks .status.failedChecks string wide",
				"Interval .spec.canaryAnalysis.interval string wide",
				"Mirror .spec.canaryAnalysis.mirror boolean wide",
				"StepWeight .spec.canaryAnalysis.stepWeight string wide",
				"MaxWeight .spec.canaryAnalysis.maxWeight string wide",
				"LastTransitionTime .status.lastTransitionTime string",
			},
		}},
		{"metrictemplates", "MetricTemplate", map[string][]string{"v1beta1": {"Provider .spec.provider.type string"}}},
		{"alertproviders", "AlertProvider", map[string][]string{"v1beta1": {"Type .spec.type string"}}},
	}
	for _, tt := range tests {
		t.Run(tt.plural, func(t *testing.T) {
			read := readCRD(t, tt.plural)
			names := read.Spec.Names
			got := []any{read.Metadata.Name, read.Spec.Group, read.Spec.Scope, names.Kind, names.Plural, names.Categories, names.ShortNames,
				read.Metadata.Annotations["helm.sh/resource-policy"]}
			want := []any{tt.plural + "." + Group, Group, "Namespaced", tt.kind, tt.plural, []string{"all"}, []string(nil), "keep"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
			columns := map[string][]string{}
			for _, v := range read.Spec.Versions {
				columns[v.Name] = v.columns()
				if !v.Served || v.Storage != (v.Name == Version) || v.Subresources["status"] == nil {
					t.Errorf("%s: served %t, stored %t, subresources %v", v.Name, v.Served, v.Storage, v.Subresources)
				}
			}
			if diff := cmp.Diff(tt.columns, columns); diff != "" {
				t.Errorf("columns (-want +got):\n%s", diff)
			}
		})
	}
}

// Objects are converted by writing another version on them, so what one version
// does not know would be lost on the way through it.
func TestCanaryVersionsHoldTheSame(t *testing.T) {
	versions := readCRD(t, "canaries").Spec.Versions
	if len(versions) != 2 {
		t.Fatalf("%d versions, want 2", len(versions))
	}
	for _, part := range []string{"spec", "status"} {
		older, newer := versions[0].Schema.OpenAPIV3Schema.Properties[part], versions[1].Schema.OpenAPIV3Schema.Properties[part]
		if diff := cmp.Diff(older, newer); diff != "" {
			t.Errorf("%s of %s and %s differ:\n%s", part, versions[0].Name, versions[1].Name, diff)
		}
	}
	spec := versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	for _, name := range []string{"analysis", "canaryAnalysis"} {
		if _, ok := spec.Properties[name]; !ok {
			t.Errorf("spec.%s is missing and would be pruned", name)
		}
	}
	if !spec.Properties["service"].Properties["trafficPolicy"].PreserveUnknown {
		t.Error("spec.service.trafficPolicy loses what it does not know")
	}
}

// A rule that reads a field of type integer fails on a stored 12.5, and the API
// server then refuses every write to the object, its status included. For type
// number it makes an exception of what did not change.
func TestRulesReadNoIntegers(t *testing.T) {
	for _, plural := range []string{"canaries", "metrictemplates", "alertproviders"} {
		for _, v := range readCRD(t, plural).Spec.Versions {
			for _, path := range integersInRules(v.Schema.OpenAPIV3Schema, plural) {
				t.Errorf("%s: a rule reads %s, which is an integer", v.Name, path)
			}
		}
	}
}

func integersInRules(node schemaNode, path string) []string {
	var found []string
	for _, rule := range node.Rules {
		if node.Items != nil && node.Items.Type == "integer" {
			found = append(found, path+"[]")
		}
		for name, child := range node.Properties {
			items := child.Items != nil && child.Items.Type == "integer"
			if strings.Contains(rule.Rule, "self."+name) && (child.Type == "integer" || items) {
				found = append(found, path+"."+name)
			}
		}
	}
	for name, child := range node.Properties {
		found = append(found, integersInRules(child, path+"."+name)...)
	}
	for _, below := range []*schemaNode{node.Items, node.AdditionalProperties} {
		if below != nil {
			found = append(found, integersInRules(*below, path+"[]")...)
		}
	}
	return found
}

// kubectl explain has an answer for every field.
func TestFieldsAreDescribed(t *testing.T) {
	for _, plural := range []string{"canaries", "metrictemplates", "alertproviders"} {
		for _, v := range readCRD(t, plural).Spec.Versions {
			for _, path := range undescribed(v.Schema.OpenAPIV3Schema, plural) {
				if path != plural+".metadata" {
					t.Errorf("%s %s has no description", v.Name, path)
				}
			}
		}
	}
}

func undescribed(node schemaNode, path string) []string {
	var found []string
	for name, child := range node.Properties {
		at := path + "." + name
		if child.Description == "" {
			found = append(found, at)
		}
		found = append(found, undescribed(child, at)...)
	}
	for _, below := range []*schemaNode{node.Items, node.AdditionalProperties} {
		if below != nil {
			found = append(found, undescribed(*below, path+"[]")...)
		}
	}
	slices.Sort(found)
	return found
}
