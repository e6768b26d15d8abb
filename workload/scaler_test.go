package workload

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/serinhq/serin/internal/golden"
)

// stored reads an object as the controller's cache has it: whole numbers are int64.
func stored(t testing.TB, file string) Object {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	text, err = yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	var object Object
	if err := object.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	return object
}

// TestScaler renders copies of both kinds. The golden files are whole objects.
func TestScaler(t *testing.T) {
	for _, tc := range []struct {
		name, reason, file string
		change             func(*Scaling)
	}{
		{"hpa", "no annotations but our own, no labels of GitOps tools, and the least number spelt out", "hpa.yaml", func(*Scaling) {}},
		{"hpa-limits", "the Canary's limits win", "hpa.yaml", func(s *Scaling) {
			s.Least, s.Most = new(int32(4)), new(int32(20))
		}},
		{"keda", "not paused, another HPA, the right to take it over, every unknown field, queries about the primary", "scaledobject.yaml", func(*Scaling) {}},
		{"keda-overrides", "the Canary's limits and query by trigger name; other triggers as ever", "scaledobject.yaml", func(s *Scaling) {
			s.Least, s.Most = new(int32(2)), new(int32(30))
			s.Queries = map[string]string{"queue": `sum(queue_length{app="web", side="stable"})`}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			original := stored(t, tc.file)
			before := original.DeepCopy()
			scaling := Scaling{Owner: options().Owner, Target: "web"}
			tc.change(&scaling)
			object, err := Scaler(original, scaling)
			if err != nil {
				t.Fatal(err)
			}
			golden.Equal(t, filepath.Join("testdata/scaler", tc.name+".yaml"), document(t, tc.reason, object))
			if diff := cmp.Diff(before.Object, original.Object); diff != "" {
				t.Errorf("the original was changed (-before +after)\n%s", diff)
			}
			scaling.Live = &object
			again, err := Scaler(original, scaling)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(object.Object, again.Object); diff != "" {
				t.Errorf("rendered again, it changed (-first +again)\n%s", diff)
			}
		})
	}
}

// A field that the original no longer has must make the copy another one, or
// nobody would apply it.
func TestScalerIsAnotherWithoutAField(t *testing.T) {
	original := stored(t, "hpa.yaml")
	render := func() Object {
		object, err := Scaler(original, Scaling{Target: "web"})
		if err != nil {
			t.Fatal(err)
		}
		return object
	}
	before := render()
	unstructured.RemoveNestedField(original.Object, "spec", "behavior")
	after := render()
	if a, b := before.GetAnnotations()[RenderedAnnotation], after.GetAnnotations()[RenderedAnnotation]; a == b || a == "" {
		t.Errorf("%s is %q with behavior and %q without", RenderedAnnotation, a, b)
	}
}

func TestScalerBelongsToItsOwner(t *testing.T) {
	original := stored(t, "hpa.yaml")
	mine, err := Scaler(original, Scaling{Owner: options().Owner, Target: "web"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Scaler(original, Scaling{Owner: Owner{Name: "other", UID: "1"}, Target: "web", Live: &mine})
	if err == nil || !strings.Contains(err.Error(), "controlled by Canary web") {
		t.Errorf("another Canary's copy: %v", err)
	}
	found := mine.DeepCopy()
	found.SetOwnerReferences(nil)
	adopted, err := Scaler(original, Scaling{Owner: options().Owner, Target: "web", Live: found})
	if err != nil || len(adopted.GetOwnerReferences()) != 0 {
		t.Errorf("one that was there before would go with the Canary: %v %v", adopted.GetOwnerReferences(), err)
	}
}

func TestScalerKind(t *testing.T) {
	for kind, want := range map[string]string{
		"HorizontalPodAutoscaler": "autoscaling/v2", "ScaledObject": "keda.sh/v1alpha1", "VerticalPodAutoscaler": "",
	} {
		gvk, err := ScalerKind(kind)
		if got := gvk.GroupVersion().String(); got != want || (err == nil) != (want != "") {
			t.Errorf("%s is %q, %v; want %q", kind, got, err, want)
		}
	}
}

func TestAboutPrimary(t *testing.T) {
	for _, tc := range []struct{ name, query, want string }{
		{"the name", `podinfo`, `podinfo-primary`},
		{"a label", `sum(rate(requests{app="podinfo"}[1m]))`, `sum(rate(requests{app="podinfo-primary"}[1m]))`},
		{"the canary", `requests{service="podinfo-canary"}`, `requests{service="podinfo-primary"}`},
		{"both", `requests{a="podinfo",b="podinfo-canary"}`, `requests{a="podinfo-primary",b="podinfo-primary"}`},
		{"never twice", `requests{a="podinfo-primary",b="podinfo"}`, `requests{a="podinfo-primary",b="podinfo-primary"}`},
		{"pods", `requests{pod=~"podinfo-[0-9a-z]+-[0-9a-z]+|podinfo-.*"}`, `requests{pod=~"podinfo-primary-[0-9a-z]+-[0-9a-z]+|podinfo-primary-.*"}`},
		{"pods of the canary", `requests{pod=~"podinfo-canary-[0-9a-z]+"}`, `requests{pod=~"podinfo-primary-[0-9a-z]+"}`},
		{"hosts", `requests{host="podinfo.test.svc"}`, `requests{host="podinfo-primary.test.svc"}`},
		{"a cluster of Envoy", `requests{cluster="test_podinfo_9898"}`, `requests{cluster="test_podinfo-primary_9898"}`},
		{"a cluster of Istio", `requests{cluster="outbound|80||podinfo-canary.test"}`, `requests{cluster="outbound|80||podinfo-primary.test"}`},
		{"names of metrics stay", `podinfo_requests_total{app="podinfo"} + podinfo:rate5m`, `podinfo_requests_total{app="podinfo-primary"} + podinfo:rate5m`},
		{"longer names stay", `requests{a="podinfos",b="my-podinfo",c="podinfo-admin"}`, `requests{a="podinfos",b="my-podinfo",c="podinfo-admin"}`},
		{"a quote in other quotes", `requests{a='"',b="podinfo_80"} + podinfo_up`, `requests{a='"',b="podinfo-primary_80"} + podinfo_up`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := aboutPrimary(tc.query, "podinfo"); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestDemand(t *testing.T) {
	for _, tc := range []struct {
		name   string
		demand Demand
		want   int32
	}{
		{"no limits, no share", Demand{}, 1},
		{"its autoscaler's least", Demand{Least: 2, Most: 9, Ready: 4, Share: 100}, 2},
		{"its share, rounded up", Demand{Least: 1, Most: 9, Ready: 7, Share: 500}, 4},
		{"all of it", Demand{Least: 1, Most: 9, Ready: 7, Share: 1000}, 7},
		{"a tenth of a percent", Demand{Least: 1, Most: 9, Ready: 7, Share: 1}, 1},
		{"not more than its autoscaler allows", Demand{Least: 1, Most: 3, Ready: 7, Share: 1000}, 3},
		{"never fewer than it has", Demand{Least: 1, Most: 3, Current: 5, Ready: 2, Share: 1000}, 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.demand.Replicas(); got != tc.want {
				t.Errorf("%+v asks for %d, want %d", tc.demand, got, tc.want)
			}
		})
	}
}

func TestWhole(t *testing.T) {
	for _, tc := range []struct {
		name            string
		primary, canary int32
		share           int
		want            int32
	}{
		{"the primary carries all", 5, 1, 0, 5},
		{"the canary carries all, the primary shrank", 1, 9, 1000, 9},
		{"half each", 3, 3, 500, 6},
		{"a primary that did not shrink", 6, 3, 500, 6},
		{"a small share on more pods than it needs", 9, 2, 100, 10},
		{"rounded up", 9, 9, 999, 10},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Whole(tc.primary, tc.canary, tc.share); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

// An autoscaler's primary is raised and never lowered; without one the target says.
func TestPrimaryCarriesAtLeast(t *testing.T) {
	for _, tc := range []struct {
		name          string
		live, atLeast int32 // live 0: there is none yet
		autoscaled    bool
		want          int64
	}{
		{"made", 0, 5, true, 5},
		{"made with what the target has", 0, 2, true, 3},
		{"raised", 2, 5, true, 5},
		{"not lowered", 8, 5, true, 8},
		{"without an autoscaler", 8, 0, false, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := options()
			o.Autoscaled, o.AtLeast = tc.autoscaled, tc.atLeast
			if tc.live > 0 {
				made, err := Primary(pods(t, web(t)), options())
				if err != nil {
					t.Fatal(err)
				}
				o.Live = pods(t, applied(t, made))
				o.Live.Replicas = tc.live
			}
			object, err := Primary(pods(t, web(t)), o)
			if err != nil {
				t.Fatal(err)
			}
			if got, _, _ := unstructured.NestedInt64(object.Object, "spec", "replicas"); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

func TestDemandOf(t *testing.T) {
	hpa, keda := stored(t, "hpa.yaml"), stored(t, "scaledobject.yaml")
	unlimited := stored(t, "scaledobject.yaml")
	unstructured.RemoveNestedField(unlimited.Object, "spec", "maxReplicaCount")
	if err := unstructured.SetNestedField(unlimited.Object, int64(0), "spec", "minReplicaCount"); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		scaler Object
		want   Demand
	}{
		{"an HPA without minReplicas", hpa, Demand{Least: 1, Most: 8}},
		{"a ScaledObject", keda, Demand{Least: 1, Most: 6}},
		{"a ScaledObject that may scale to zero, without limit", unlimited, Demand{Least: 1, Most: 100}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := DemandOf(tc.scaler); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestPaused(t *testing.T) {
	if object := stored(t, "scaledobject.yaml"); !Paused(object) {
		t.Error("paused at 0 is paused")
	}
	pinned := stored(t, "scaledobject.yaml")
	pinned.SetAnnotations(map[string]string{PausedAnnotation: "3"})
	if Paused(pinned) || Paused(stored(t, "hpa.yaml")) {
		t.Error("pinned to 3 replicas, or without the annotation, is not paused")
	}
	if got, want := string(Pause()), `{"metadata":{"annotations":{"autoscaling.keda.sh/paused-replicas":"0"}}}`; got != want {
		t.Errorf("pause by %s, want %s", got, want)
	}
	if got, want := string(Resume()), `{"metadata":{"annotations":{"autoscaling.keda.sh/paused-replicas":null}}}`; got != want {
		t.Errorf("resume by %s, want %s", got, want)
	}
}
