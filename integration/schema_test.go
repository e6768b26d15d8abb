package integration

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// strict makes the API server refuse what its schema does not know.
var strict = client.FieldValidation("Strict")

// What cannot work is refused when it is written, with the field and what to do.
func TestNonsenseIsRefusedByTheSchema(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct{ analysis, want string }{
		"fraction":            {"interval: 10s, threshold: 1, stepWeight: 12.5", "stepWeight"},
		"no strategy":         {"interval: 10s, threshold: 1", "stepWeight"},
		"two strategies":      {"interval: 10s, threshold: 1, stepWeight: 10, iterations: 5", "iterations"},
		"falling ladder":      {"interval: 10s, threshold: 1, stepWeights: [10, 30, 20]", "stepWeights"},
		"interval in hours":   {"interval: 1h, threshold: 1, stepWeight: 10", "interval"},
		"unknown hook type":   {"interval: 10s, threshold: 1, stepWeight: 10, webhooks: [{name: a, url: http://a, type: later}]", "type"},
		"metric with no name": {"interval: 10s, threshold: 1, stepWeight: 10, metrics: [{interval: 1m}]", "name"},
	} {
		object := w.parse(`
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: nonsense}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: podinfo}
  service: {port: 80}
  analysis: {` + c.analysis + `}
`)
		err := plane.client.Create(w.ctx, object)
		if err == nil {
			t.Errorf("%s was accepted", name)
			w.must(plane.client.Delete(w.ctx, object))
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error does not name %s: %v", name, c.want, err)
		}
		t.Logf("%s: %v", name, err)
	}
}

// Both versions of the API show the same object, whichever it was written with.
func TestOlderVersionIsServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	object := w.parse(`
apiVersion: flagger.app/v1alpha3
kind: Canary
metadata: {name: podinfo}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: podinfo}
  service: {port: 80}
  canaryAnalysis:
    interval: 10s
    threshold: 1
    stepWeight: 10
    metrics: [{name: request-success-rate, threshold: 99, interval: 1m}]
`)
	w.must(plane.client.Create(w.ctx, object, strict))
	canary := w.status()
	if a := canary.Analysis(); a == nil || a.StepWeight != 10 || a.Metrics[0].Threshold != 99 {
		t.Errorf("the analysis is %+v", a)
	}
}

func documents(t *testing.T, pattern string) []unstructured.Unstructured {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var all []unstructured.Unstructured
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range bytes.Split(text, []byte("\n---\n")) {
			var object unstructured.Unstructured
			if err := yaml.Unmarshal(document, &object.Object); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			if object.GetKind() != "" {
				all = append(all, object)
			}
		}
	}
	return all
}
