package chart

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Release is the name under which the lab installs the chart.
const Release = "serin"

// Render returns the objects of the chart in dir as a new release named
// [Release] in the namespace, in an order in which they can be applied. Values
// are merged over the chart's defaults; nil removes one. The chart's CRDs are
// not among the objects: see [CRDs].
func Render(dir string, values map[string]any, namespace string) ([]unstructured.Unstructured, error) {
	input, err := inputOf(dir, values, namespace)
	if err != nil {
		return nil, fmt.Errorf("render chart %s: %w", dir, err)
	}
	files, err := execute(dir, input)
	if err != nil {
		return nil, fmt.Errorf("render chart %s: %w", dir, err)
	}
	var objects []unstructured.Unstructured
	for _, name := range slices.Sorted(maps.Keys(files)) {
		found, err := parse(files[name])
		if err != nil {
			return nil, fmt.Errorf("render chart %s: %s: %w", dir, name, err)
		}
		objects = append(objects, found...)
	}
	slices.SortStableFunc(objects, func(a, b unstructured.Unstructured) int {
		return cmp.Or(cmp.Compare(rank(a.GetKind()), rank(b.GetKind())), strings.Compare(a.GetName(), b.GetName()))
	})
	return objects, nil
}

// CRDs returns the chart's custom resource definitions, which Helm installs
// before everything else.
func CRDs(dir string) ([]unstructured.Unstructured, error) {
	names, err := filepath.Glob(filepath.Join(dir, "crds", "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("read CRDs of chart %s: %w", dir, err)
	}
	var objects []unstructured.Unstructured
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read CRDs of chart %s: %w", dir, err)
		}
		found, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("read CRDs of chart %s: %s: %w", dir, name, err)
		}
		objects = append(objects, found...)
	}
	return objects, nil
}

// rank puts what others refer to before them.
func rank(kind string) int {
	order := []string{"ServiceAccount", "ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding",
		"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "Service"}
	if i := slices.Index(order, kind); i >= 0 {
		return i
	}
	return len(order)
}

// input is what templates see as their dot.
type input struct {
	Values  map[string]any
	Chart   metadata
	Release map[string]any
}

// metadata is the part of Chart.yaml that templates read.
type metadata struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	AppVersion string `json:"appVersion"`
}

func inputOf(dir string, values map[string]any, namespace string) (input, error) {
	in := input{Release: map[string]any{
		"Name": Release, "Namespace": namespace, "Service": "Helm", "Revision": 1, "IsInstall": true, "IsUpgrade": false,
	}}
	if err := readYAML(filepath.Join(dir, "Chart.yaml"), &in.Chart); err != nil {
		return in, err
	}
	var defaults map[string]any
	if err := readYAML(filepath.Join(dir, "values.yaml"), &defaults); err != nil {
		return in, err
	}
	// Through text, so that values of any Go type look as if a user had written them.
	text, err := yaml.Marshal(values)
	if err != nil {
		return in, fmt.Errorf("write values: %w", err)
	}
	var given map[string]any
	if err := decode(text, &given); err != nil {
		return in, fmt.Errorf("read values: %w", err)
	}
	in.Values = merge(defaults, given)
	return in, nil
}

func readYAML(file string, into any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := decode(text, into); err != nil {
		return fmt.Errorf("read %s: %w", filepath.Base(file), err)
	}
	return nil
}

// decode keeps numbers as they are written: 1000000 must not become 1e+06.
func decode(text []byte, into any) error {
	return yaml.Unmarshal(text, into, func(d *json.Decoder) *json.Decoder { d.UseNumber(); return d })
}

// merge lays the given values over the defaults: maps are merged, nil removes,
// all else replaces.
func merge(defaults, given map[string]any) map[string]any {
	merged := maps.Clone(defaults)
	if merged == nil {
		merged = map[string]any{}
	}
	for key, value := range given {
		below, hadMap := merged[key].(map[string]any)
		above, isMap := value.(map[string]any)
		switch {
		case value == nil:
			delete(merged, key)
		case hadMap && isMap:
			merged[key] = merge(below, above)
		default:
			merged[key] = value
		}
	}
	return merged
}

// execute runs every template of the chart that makes objects.
func execute(dir string, in input) (map[string]string, error) {
	names, err := filepath.Glob(filepath.Join(dir, "templates", "*"))
	if err != nil {
		return nil, err
	}
	set := template.New("chart")
	set.Funcs(functions(set))
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if _, err := set.New(filepath.Base(name)).Parse(string(text)); err != nil {
			return nil, err
		}
	}
	files := map[string]string{}
	for _, name := range names {
		if filepath.Ext(name) != ".yaml" {
			continue // definitions, and notes for a person
		}
		text, err := run(set, filepath.Base(name), in)
		if err != nil {
			return nil, err
		}
		files[filepath.Base(name)] = text
	}
	return files, nil
}

// parse reads the documents of one file.
func parse(text string) ([]unstructured.Unstructured, error) {
	var objects []unstructured.Unstructured
	for document := range strings.SplitSeq("\n"+text, "\n---") {
		data, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			return nil, err
		}
		if string(data) == "null" {
			continue
		}
		var object unstructured.Unstructured
		if err := object.UnmarshalJSON(data); err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	return objects, nil
}
