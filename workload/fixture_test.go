package workload

import (
	"os"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// web is a Deployment as an API server returns it, defaults filled in.
func web(t testing.TB) *appsv1.Deployment {
	t.Helper()
	text, err := os.ReadFile("testdata/web.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var d appsv1.Deployment
	if err := yaml.UnmarshalStrict(text, &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

// options are those of the Canary web with the usual flags.
func options() Options {
	return Options{
		Owner:    Owner{Name: "web", UID: "5f0c8f0e-0000-4000-8000-000000000001"},
		Selector: Selector{Key: "app", Value: "shop-web"},
		Labels:   []string{"app", "name", "app.kubernetes.io/name"},
	}
}

// applied is the live Deployment after an object was applied to nothing.
func applied(t testing.TB, object Object) *appsv1.Deployment {
	t.Helper()
	text, err := yaml.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	var d appsv1.Deployment
	if err := yaml.UnmarshalStrict(text, &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

// pods reads a workload.
func pods(t testing.TB, object runtime.Object) *Pods {
	t.Helper()
	p, err := Of(object)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
