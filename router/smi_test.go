package router

import (
	"strings"
	"testing"

	"github.com/serinhq/serin/rollout"
)

// smiFull is a Service that uses every field a TrafficSplit has a place for.
func smiFull() Service {
	s := plain()
	s.Hosts, s.Gateways, s.Settings.Mesh = []string{"shop.example.com"}, []string{"istio-system/public"}, "istio"
	return s
}

func noSmiScenes() []scene {
	return []scene{{"tenths", "weights are relative, so that tenths of a percent are thousandths", bare(), rollout.Split(5)}}
}

// TestSplitsAreRead as they are in a cluster, whoever wrote them.
func TestSplitsAreRead(t *testing.T) {
	for _, tc := range []struct {
		name, backends string
		want           rollout.Route
		err            string
	}{
		{"Flagger at home", `[{service: web-canary, weight: "0"}, {service: web-primary, weight: "100"}]`, rollout.Split(0), ""},
		{"Flagger on the way", `[{service: web-canary, weight: 10}, {service: web-primary, weight: 90}]`, rollout.Split(100), ""},
		{"thirds", `[{service: web-primary, weight: 2}, {service: web-canary, weight: 1}]`, rollout.Split(333), ""},
		{"another backend", `[{service: web-primary, weight: 1}, {service: shop, weight: 1}]`, rollout.Route{}, `backend "shop" is neither`},
		{"twice", `[{service: web-primary, weight: 1}, {service: web-primary, weight: 1}]`, rollout.Route{}, "is there twice"},
		{"one side", `[{service: web-primary, weight: 1}]`, rollout.Route{}, "one of the two sides is missing"},
		{"nothing", `[{service: web-primary, weight: 0}, {service: web-canary, weight: 0}]`, rollout.Route{}, "the weights sum to nothing"},
		{"no number", `[{service: web-primary, weight: many}, {service: web-canary, weight: 0}]`, rollout.Route{}, "the weight many of backend web-primary is no number"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			live := asRead(t, "apiVersion: split.smi-spec.io/v1alpha2\nkind: TrafficSplit\nmetadata: {name: web, namespace: shop}\nspec: {service: web, backends: "+tc.backends+"}\n")
			got, accepted, err := Providers["smi:v1alpha2"].Parse([]Object{live})
			if got != tc.want || accepted != (tc.err == "") || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("read %+v, %t, %v; want %+v, %q", got, accepted, err, tc.want, tc.err)
			}
		})
	}
}

// TestNamedMesh: the mesh behind the SMI is part of the name of the provider.
func TestNamedMesh(t *testing.T) {
	for name, want := range map[string]bool{"smi:v1alpha1": true, "smi:v1alpha2:istio": true, "smi:v1alpha9:istio": false, "gatewayapi:v1:istio": false} {
		if _, ok := Named(Providers, name); ok != want {
			t.Errorf("%s is a provider: %t", name, ok)
		}
	}
}
