package chart_test

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/serinhq/serin/lab/chart"
)

const dir = "../../charts/serin"

// The lab makes of the chart what Helm makes of it: the files are Helm's.
func TestSameAsHelm(t *testing.T) {
	folders, err := filepath.Glob("../../charts/testdata/*")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			var values map[string]any
			if err := yaml.Unmarshal(read(t, filepath.Join(folder, "values.yaml")), &values); err != nil {
				t.Fatal(err)
			}
			objects, err := chart.Render(dir, values, "serin-system")
			if err != nil {
				t.Fatal(err)
			}
			slices.SortFunc(objects, func(a, b unstructured.Unstructured) int {
				return cmp.Or(strings.Compare(a.GetKind(), b.GetKind()), strings.Compare(a.GetName(), b.GetName()))
			})
			var got strings.Builder
			for _, object := range objects {
				text, err := yaml.Marshal(object.Object)
				if err != nil {
					t.Fatal(err)
				}
				got.WriteString("---\n" + string(text))
			}
			want := string(read(t, filepath.Join(folder, "objects.yaml")))
			if diff := gocmp.Diff(want, got.String()); diff != "" {
				t.Errorf("objects (-Helm +lab):\n%s", diff)
			}
		})
	}
}

// What others refer to comes first.
func TestOrder(t *testing.T) {
	objects, err := chart.Render(dir, nil, "serin-system")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, object := range objects {
		got = append(got, object.GetKind()+" "+object.GetName())
	}
	want := []string{
		"ServiceAccount serin", "ClusterRole serin", "Role serin-leader-election",
		"ClusterRoleBinding serin", "RoleBinding serin-leader-election",
		"ValidatingAdmissionPolicy serin-deletion", "ValidatingAdmissionPolicyBinding serin-deletion", "Deployment serin",
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// Go values of any type are taken as a user's text would be.
func TestValues(t *testing.T) {
	objects, err := chart.Render(dir, map[string]any{
		"threadiness":  1000000,
		"podLabels":    map[string]string{"team": "shop"},
		"nodeSelector": nil,
	}, "serin-system")
	if err != nil {
		t.Fatal(err)
	}
	deployment := objects[len(objects)-1].Object
	if got, _, err := unstructured.NestedString(deployment, "spec", "template", "metadata", "labels", "team"); got != "shop" {
		t.Errorf("label team is %q: %v", got, err)
	}
	containers, _, err := unstructured.NestedSlice(deployment, "spec", "template", "spec", "containers")
	if err != nil {
		t.Fatal(err)
	}
	args, _, err := unstructured.NestedStringSlice(containers[0].(map[string]any), "args")
	if err != nil || !slices.Contains(args, "-threadiness=1000000") {
		t.Errorf("args %q lack -threadiness=1000000: %v", args, err)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name, why string
		values    map[string]any
	}{
		{"a refused value", "set metricsServer", map[string]any{"prometheus": map[string]any{"install": true}}},
		{"a template in a value that does not parse", "tpl", map[string]any{"affinity": map[string]any{"x": "{{ oops"}}},
		{"a function that only Helm knows", "genCA", map[string]any{"affinity": map[string]any{"x": "{{ genCA }}"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := chart.Render(dir, c.values, "serin-system")
			if err == nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("got error %v, want one about %s", err, c.why)
			}
		})
	}
	if _, err := chart.Render(t.TempDir(), nil, "serin-system"); err == nil || !strings.Contains(err.Error(), "Chart.yaml") {
		t.Errorf("a folder without chart gives %v", err)
	}
}

// The chart brings the CRDs that are generated from the API, byte by byte.
func TestCRDs(t *testing.T) {
	generated, err := filepath.Glob("../../config/crd/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, name := range generated {
		want = append(want, filepath.Base(name))
		if diff := gocmp.Diff(read(t, name), read(t, filepath.Join(dir, "crds", filepath.Base(name)))); diff != "" {
			t.Errorf("%s differs from the chart's; run make generate", name)
		}
	}
	copied, err := filepath.Glob(dir + "/crds/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range copied {
		got = append(got, filepath.Base(name))
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("CRDs of the chart (-generated +copied):\n%s", diff)
	}
	objects, err := chart.CRDs(dir)
	if err != nil || len(objects) != len(want) {
		t.Errorf("%d CRDs read of %d: %v", len(objects), len(want), err)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
