package controller

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// The manifests of the Istio tutorial run as they are, with the operator's default
// provider, and give the objects that Flagger gives; owners are left out there.
func TestTutorialOfIstio(t *testing.T) {
	r := &reconciler{options: Options{MeshProvider: "istio"}, stock: newStock(router.Providers)}
	text, err := os.ReadFile("../api/v1beta1/testdata/compat/seed0-canary-v1alpha3.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := yaml.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	canary, err := v1beta1.Decode(object)
	if err != nil {
		t.Fatal(err)
	}
	plan, errs := v1beta1.Compile(canary, r.features(canary))
	if len(errs) > 0 || len(plan.Warnings) > 0 {
		t.Fatalf("refused: %v, warnings %q", errs.ToAggregate(), plan.Warnings)
	}
	service, err := serviceOf(canary, r.named(canary), workload.Options{}, &workload.Pods{})
	if err != nil {
		t.Fatal(err)
	}
	steps := map[string]rollout.Route{"home": rollout.Split(0)}
	for _, step := range plan.Steps {
		if step.Route.Canary == rollout.Percent(30) {
			steps["third-minute"] = step.Route
		}
	}
	for _, name := range []string{"home", "third-minute"} {
		objects, err := r.provider(canary).Render(service, steps[name])
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile("testdata/tutorial-istio-" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		documents := bytes.Split(want, []byte("---\n"))
		if len(objects) != len(documents) {
			t.Fatalf("%d objects, want %d", len(objects), len(documents))
		}
		for i, document := range documents {
			var want map[string]any
			if err := yaml.Unmarshal(document, &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(plainText(t, want), plainText(t, objects[i].Object)); diff != "" {
				t.Errorf("%s (-want +got)\n%s", name, diff)
			}
		}
	}
}

func plainText(t *testing.T, object map[string]any) string {
	t.Helper()
	text, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What kubectl applied is dropped from the cache, unless a user's object is to be
// restored from it.
func TestSlimKeepsWhatIsRestored(t *testing.T) {
	applied := map[string]string{corev1.LastAppliedConfigAnnotation: "{}", "other": "x"}
	route := blank(router.Providers["istio"].Kinds[0])
	route.SetAnnotations(applied)
	service := &corev1.Service{}
	service.SetAnnotations(applied)
	for _, object := range []any{route, service} {
		if _, err := slim(object); err != nil {
			t.Fatal(err)
		}
	}
	route, err := unpacked(route)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(applied, route.GetAnnotations()); diff != "" {
		t.Errorf("a VirtualService (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"other": "x"}, service.GetAnnotations()); diff != "" {
		t.Errorf("a Service (-want +got)\n%s", diff)
	}
}

// A mirror or a timeout that a route no longer has is a key in the entry of a list:
// left there, requests would be copied for ever.
func TestKeysThatHaveToGo(t *testing.T) {
	const plain, mirrored = `{"spec": {"http": [{"route": [1]}]}}`, `{"spec": {"http": [{"route": [1], "mirror": {"host": "web-canary"}}]}}`
	provider := router.Providers["istio"]
	live, want := blank(provider.Kinds[0]), blank(provider.Kinds[0])
	for _, c := range []struct {
		name, live, want string
		provider         router.Provider
		is               bool
	}{
		{"the same", plain, plain, provider, true},
		{"a mirror too many", mirrored, plain, provider, false},
		{"a mirror too few", plain, mirrored, provider, false},
		{"keys of others beside lists", `{"spec": {"http": [{"route": [1]}], "users": 1}}`, plain, provider, true},
		{"an empty list", `{"spec": {"http": [{"route": []}]}}`, `{"spec": {"http": [{}]}}`, provider, true},
		{"an API server with defaults in entries", mirrored, plain, router.Provider{Kinds: provider.Kinds}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for into, text := range map[*map[string]any]string{&live.Object: c.live, &want.Object: c.want} {
				fields := fromJSON(t, text).(map[string]any)
				fields["apiVersion"], fields["kind"] = provider.Kinds[0].GroupVersion().String(), provider.Kinds[0].Kind
				*into = fields
			}
			v := &view{provider: c.provider, memo: &memo{}}
			if got := v.is(live, *want); got != c.is {
				t.Errorf("%s is %s: %t", c.live, c.want, got)
			}
		})
	}
	got := differing(fromJSON(t, mirrored).(map[string]any), fromJSON(t, plain).(map[string]any), whole)
	if diff := cmp.Diff([]string{"spec.http[0]"}, got); diff != "" {
		t.Errorf("what has a key too many is not named (-want +got)\n%s", diff)
	}
}

// The mirror of a release that fails before its first weight is all that has to go.
func TestMirrorHasToGo(t *testing.T) {
	service := router.Service{Namespace: "shop", Name: "web", Port: 80, Parents: []router.Parent{{Name: "public"}}}
	for name, provider := range router.Providers {
		if !provider.Caps.Mirror {
			continue
		}
		mirrored, err := provider.Render(service, rollout.Route{Primary: rollout.Full, Mirror: rollout.Full})
		if err != nil {
			t.Fatal(err)
		}
		home, err := provider.Render(service, rollout.Split(0))
		if err != nil {
			t.Fatal(err)
		}
		v := &view{provider: provider, memo: &memo{}}
		noticed := false
		for i := range home {
			noticed = noticed || !v.is(&mirrored[i], home[i])
		}
		if !noticed {
			t.Errorf("%s: a route with a mirror is one without", name)
		}
	}
}
