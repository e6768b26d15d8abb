package workload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/serinhq/serin/internal/golden"
	"github.com/serinhq/serin/rollout"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

func template(t testing.TB, text string) corev1.PodTemplateSpec {
	t.Helper()
	var spec corev1.PodTemplateSpec
	if err := yaml.UnmarshalStrict([]byte(text), &spec); err != nil {
		t.Fatal(err)
	}
	return spec
}

// TestRevisionsArePinned: these revisions are stored in clusters. If this test
// fails, do not update the file: every Canary would start a release when Serin
// is upgraded. Make the difference vanish, or give the rule a new version.
func TestRevisionsArePinned(t *testing.T) {
	var text bytes.Buffer
	for _, pinned := range []struct {
		name     string
		template corev1.PodTemplateSpec
	}{
		{"nothing", corev1.PodTemplateSpec{}},
		{"a container", template(t, `spec: {containers: [{name: app, image: "web:1"}]}`)},
		{"volumes of most kinds", template(t, `
metadata: {labels: {app: web}, annotations: {a: b}}
spec:
  containers: [{name: app, resources: {requests: {cpu: 500m, memory: 1Gi}}, livenessProbe: {httpGet: {port: main}}, securityContext: {}}]
  volumes:
  - {name: a, emptyDir: {}}
  - {name: b, configMap: {name: c, defaultMode: 420}}
  - {name: c, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}}
  - {name: d, projected: {sources: [{serviceAccountToken: {path: token, expirationSeconds: 3600}}]}}`)},
		{"testdata/web.yaml", web(t).Spec.Template},
	} {
		fmt.Fprintf(&text, "%s  %s\n", Revision(pinned.template), pinned.name)
	}
	golden.Equal(t, "testdata/revisions.txt", text.Bytes())
}

func TestRevisionIsMeaning(t *testing.T) {
	const base = `{metadata: {labels: {a: "1", b: "2"}}, spec: {containers: [{name: app, image: "web:1"}]}}`
	for _, tc := range []struct {
		name, a, b string
		same       bool
	}{
		{"the order of maps", base, `{spec: {containers: [{image: "web:1", name: app}]}, metadata: {labels: {b: "2", a: "1"}}}`, true},
		{"what is not set", base, `{metadata: {creationTimestamp: null, labels: {a: "1", b: "2"}, annotations: {}}, spec: {nodeSelector: {}, tolerations: [], containers: [{name: app, image: "web:1", resources: {}, env: []}]}}`, true},
		{"the spelling of quantities", `{spec: {containers: [{name: a, resources: {limits: {cpu: "0.5", memory: 1024Mi}}}]}}`, `{spec: {containers: [{name: a, resources: {limits: {cpu: 500m, memory: 1Gi}}}]}}`, true},
		{"another image", base, `{metadata: {labels: {a: "1", b: "2"}}, spec: {containers: [{name: app, image: "web:2"}]}}`, false},
		{"another label", base, `{metadata: {labels: {a: "1", b: "3"}}, spec: {containers: [{name: app, image: "web:1"}]}}`, false},
		{"a restart", base, `{metadata: {annotations: {kubectl.kubernetes.io/restartedAt: now}, labels: {a: "1", b: "2"}}, spec: {containers: [{name: app, image: "web:1"}]}}`, false},
		{"the order of containers", `{spec: {containers: [{name: a}, {name: b}]}}`, `{spec: {containers: [{name: b}, {name: a}]}}`, false},
		{"a name and a label with that value", `{spec: {serviceAccountName: a}}`, `{spec: {schedulerName: a}}`, false},
		{"text and number", `{spec: {containers: [{name: a, livenessProbe: {httpGet: {port: 80}}}]}}`, `{spec: {containers: [{name: a, livenessProbe: {httpGet: {port: "80"}}}]}}`, false},
		{"all namespaces and this one", `{spec: {affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: a, namespaceSelector: {}}]}}}}`,
			`{spec: {affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: a}]}}}}`, false},
		{"a limit of zero", `{spec: {containers: [{name: a, resources: {limits: {cpu: "0"}}}]}}`, `{spec: {containers: [{name: a}]}}`, false},
		{"a false that was said", `{spec: {automountServiceAccountToken: false}}`, `{spec: {}}`, false},
	} {
		a, b := Revision(template(t, tc.a)), Revision(template(t, tc.b))
		if (a == b) != tc.same {
			t.Errorf("%s: %s and %s, same should be %v", tc.name, a, b, tc.same)
		}
		if len(a) != len("s1-")+20 || !current(a) {
			t.Errorf("%s: %s is not of the form s1-<20 hex>", tc.name, a)
		}
	}
	if current("") || current("5498f4fcd6") || current("s2-2d4f0e963b3888bd8e0d") {
		t.Error("a foreign revision passes for one of ours")
	}
}

// TestRevisionReadsOnly: templates come from a shared cache.
func TestRevisionReadsOnly(t *testing.T) {
	d := web(t)
	before := d.DeepCopy()
	Revision(d.Spec.Template)
	meaning(d.Spec.Template)
	if !jsonEqual(t, before, d) {
		t.Error("the template was changed")
	}
}

// FuzzRevision: a template that went through JSON with its maps in another
// order is the same release, and one with another image is not.
func FuzzRevision(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"metadata":{"labels":{"a":"1","b":"2"}},"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":"0.5","memory":"1e3"}}}]}}`,
		`{"spec":{"volumes":[{"name":"a","emptyDir":{"sizeLimit":"1Gi"}}],"containers":[{"ports":[{"containerPort":80}]}]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var first corev1.PodTemplateSpec
		if json.Unmarshal(text, &first) != nil {
			return // not a pod template
		}
		revision := Revision(first)
		if revision == "" {
			t.Fatal("no revision")
		}
		again, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		var tree any
		if err := json.Unmarshal(again, &tree); err != nil {
			t.Fatal(err)
		}
		var second corev1.PodTemplateSpec
		if err := json.Unmarshal(backwards(tree), &second); err != nil {
			t.Fatal(err)
		}
		if got := Revision(second); got != revision {
			t.Errorf("%s became %s by writing its maps backwards", revision, got)
		}
		second.Spec.Containers = append(second.Spec.Containers, corev1.Container{Name: "one-more"})
		if Revision(second) == revision {
			t.Error("one more container is not noticed")
		}
	})
}

// backwards writes JSON with the keys of every map in descending order.
func backwards(value any) []byte {
	var text bytes.Buffer
	switch value := value.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(value))
		slices.Reverse(keys)
		text.WriteByte('{')
		for i, key := range keys {
			if i > 0 {
				text.WriteByte(',')
			}
			name, err := json.Marshal(key)
			if err != nil {
				return nil
			}
			text.Write(name)
			text.WriteByte(':')
			text.Write(backwards(value[key]))
		}
		text.WriteByte('}')
	case []any:
		text.WriteByte('[')
		for i, element := range value {
			if i > 0 {
				text.WriteByte(',')
			}
			text.Write(backwards(element))
		}
		text.WriteByte(']')
	default:
		scalar, err := json.Marshal(value)
		if err != nil {
			return nil
		}
		text.Write(scalar)
	}
	return text.Bytes()
}

func jsonEqual(t *testing.T, a, b any) bool {
	t.Helper()
	left, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	right, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(left, right)
}

var sink rollout.Revision

func BenchmarkRevision(b *testing.B) {
	template := web(b).Spec.Template
	for b.Loop() {
		sink = Revision(template)
	}
}
