package router

import (
	"strings"
	"testing"

	"github.com/serinhq/serin/rollout"
)

// mixed are routes that divide and mirror at once, or mirror parts of a percent.
func mixed(r rollout.Route) bool { return r.Mirror > 0 && (r.Canary > 0 || halfPercents(r)) }

// TestTraefikReads what others wrote: Flagger, and people.
func TestTraefikReads(t *testing.T) {
	const service = `
apiVersion: traefik.io/v1alpha1
kind: TraefikService
metadata: {name: web, namespace: shop}
spec: `
	for _, tc := range []struct {
		name, spec string
		want       rollout.Route
		err        string
	}{
		{"Flagger at home", "{weighted: {services: [{name: web-primary, namespace: shop, port: 80, weight: 100}]}}", rollout.Split(0), ""},
		{"Flagger on the way", "{weighted: {services: [{name: web-primary, namespace: shop, port: 80, weight: 90}, {name: web-canary, namespace: shop, port: 80, weight: 10}]}}",
			rollout.Split(rollout.Percent(10)), ""},
		{"Flagger away: no weight is 1", "{weighted: {services: [{name: web-primary, namespace: shop, port: 80}, {name: web-canary, namespace: shop, port: 80, weight: 100}]}}",
			rollout.Split(990), ""},
		{"Flagger after a correction: halves", "{weighted: {services: [{name: web-primary, port: 80, weight: 100}, {name: web-canary, port: 80, weight: 100}]}}",
			rollout.Split(rollout.Percent(50)), ""},
		{"an explicit zero", "{weighted: {services: [{name: web-primary, weight: 0}, {name: web-canary, weight: 1}]}}", rollout.Split(rollout.Full), ""},
		{"the user's sticky cookie", "{weighted: {sticky: {cookie: {name: side}}, services: [{name: web-primary, kind: Service, weight: 1}]}}", rollout.Split(0), ""},
		{"Traefik prefers weights", "{weighted: {services: [{name: web-primary}]}, mirroring: {name: web-primary, mirrors: [{name: web-canary, percent: 5}]}}",
			rollout.Split(0), ""},
		{"a mirror", "{mirroring: {name: web-primary, mirrors: [{name: web-canary, percent: 5}]}}",
			rollout.Route{Primary: rollout.Full, Mirror: rollout.Percent(5)}, ""},
		{"a mirror of others", "{mirroring: {name: web-primary, mirrors: [{name: audit, percent: 5}]}}", rollout.Route{}, "it does not mirror the primary to the canary"},
		{"the canary is mirrored", "{mirroring: {name: web-canary, mirrors: [{name: web-primary, percent: 5}]}}", rollout.Route{}, "it does not mirror the primary to the canary"},
		{"another service", "{weighted: {services: [{name: web-primary, weight: 9}, {name: shop, weight: 1}]}}", rollout.Route{}, "service shop is neither the primary nor the canary"},
		{"another namespace", "{weighted: {services: [{name: web-primary, namespace: other}]}}", rollout.Route{}, "service web-primary is neither"},
		{"another kind", "{weighted: {services: [{name: web-primary, kind: TraefikService}]}}", rollout.Route{}, "service web-primary is neither"},
		{"one side twice", "{weighted: {services: [{name: web-primary}, {name: web-primary}]}}", rollout.Route{}, "or is there twice"},
		{"no weight at all", "{weighted: {services: [{name: web-primary, weight: 0}]}}", rollout.Route{}, "the weights sum to nothing"},
		{"no services", "{weighted: {}}", rollout.Route{}, "the weights sum to nothing"},
		{"another form", "{highestRandomWeight: {}}", rollout.Route{}, "it is neither weighted nor mirroring"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, accepted, err := traefik.Parse(live(t, service+tc.spec))
			if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("got  %+v, %v\nwant %+v, %s", got, err, tc.want, tc.err)
			}
			if accepted != (tc.err == "") {
				t.Errorf("accepted: %t", accepted)
			}
		})
	}
	if got, accepted, err := traefik.Parse(nil); got != (rollout.Route{}) || accepted || err != nil {
		t.Errorf("of nothing: %+v, %t, %v", got, accepted, err)
	}
}

// TestTraefikNamesNoEmptySide: by default Traefik drops a TraefikService with a Service
// that has no pods, whatever its weight.
func TestTraefikNamesNoEmptySide(t *testing.T) {
	for _, tc := range []struct {
		name    string
		route   rollout.Route
		without string
	}{
		{"at home", rollout.Split(0), "web-canary"},
		{"away", rollout.Split(rollout.Full), "web-primary"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			objects, err := traefik.Render(plain(), tc.route)
			if err != nil {
				t.Fatal(err)
			}
			texts(objects[0].Object["spec"], func(text string) {
				if text == tc.without {
					t.Errorf("%s is named", text)
				}
			})
		})
	}
}

// TestTraefikLeaves: at no stage of leaving is an end named that may have no pods.
func TestTraefikLeaves(t *testing.T) {
	for how, want := range map[rollout.Release]string{
		rollout.Kept: "web-primary", rollout.Named: "web-primary", rollout.Served: "web", rollout.Alone: "web",
	} {
		objects, err := traefik.Leave(plain(), how)
		if err != nil {
			t.Fatal(err)
		}
		weighted := objects[0].Object["spec"].(map[string]any)["weighted"].(map[string]any)
		services := weighted["services"].([]any)
		if len(services) != 1 || services[0].(map[string]any)["name"] != want {
			t.Errorf("stage %d leads to %v, want %s", how, services, want)
		}
		if owned := len(objects[0].GetOwnerReferences()) > 0; owned != (want == "web-primary") {
			t.Errorf("stage %d: owned %t", how, owned)
		}
	}
}
