package controller

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/serinhq/serin/workload"
)

func storedFrom(t *testing.T, text string) *stored {
	t.Helper()
	converted, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s := &stored{}
	if err := json.Unmarshal(converted, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// A change of what a Canary is about wakes it, whatever else its spec says.
func TestNamesOfACanary(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"a workload", "spec: {targetRef: {name: web}}", "web"},
		{"a service of another name", "spec: {targetRef: {name: web}, service: {name: shop}}", "shop web"},
		{"an autoscaler", "spec: {targetRef: {name: web}, autoscalerRef: {name: many}}", "many web"},
		{"a route and an Ingress of the user's", "spec: {targetRef: {name: web}, routeRef: {name: a}, ingressRef: {name: b}}", "a b web"},
		{"an Upstream elsewhere", "{metadata: {namespace: here}, spec: {targetRef: {name: web}, upstreamRef: {name: a, namespace: there}}}", "there/a web"},
		{"an Upstream here", "{metadata: {namespace: here}, spec: {targetRef: {name: web}, upstreamRef: {name: a, namespace: here}}}", "a web"},
		{"names that end as those of copies do", "spec: {targetRef: {name: web-primary}, service: {name: web-canary-primary}}", "web"},
		{"nonsense beside them", "spec: {targetRef: {name: web}, service: 7, autoscalerRef: [a], routeRef: {name: 5}}", "web"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(storedFrom(t, c.text).names(), " "); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// A copy of anything that a Canary is about is found by the same name, that of a copy too.
func TestStemsOfCopies(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"web", "web-primary", "web-canary", "there/web"} {
		for _, copied := range []string{name + "-primary", name + "-canary", workload.ScalerName(name)} {
			if stem(copied) != stem(name) {
				t.Errorf("%s has the stem %q, and %s has %q", copied, stem(copied), name, stem(name))
			}
		}
	}
}

// One that does not decode is kept and copied like any other, and says what is wrong when
// it is looked at.
func TestStoredKeepsWhatDoesNotDecode(t *testing.T) {
	t.Parallel()
	s := storedFrom(t, "{metadata: {name: web, annotations: {a: b}}, spec: {provider: 7, suspend: true}, status: [1]}")
	again, ok := s.DeepCopyObject().(*stored)
	if !ok {
		t.Fatal("a copy is something else")
	}
	s.Annotations["a"], s.Spec[0] = "c", ' '
	canary, err := again.decoded()
	if err == nil || !strings.Contains(err.Error(), "spec.provider: Invalid value: 7") {
		t.Errorf("error %v", err)
	}
	if canary.Name != "web" || canary.Annotations["a"] != "b" || !canary.Spec.Suspend {
		t.Errorf("read %+v", canary)
	}
}
