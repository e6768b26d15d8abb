package router

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/serinhq/serin/internal/golden"
	"github.com/serinhq/serin/rollout"
	corev1 "k8s.io/api/core/v1"
)

const lastApplied = `{"apiVersion":"networking.istio.io/v1","kind":"VirtualService","metadata":{"name":"web"},` +
	`"spec":{"hosts":["applied.example.com"],"http":[{"route":[{"destination":{"host":"web"}}]}]}}`

// flaggersOwn is what Flagger keeps after its second correction: its own spec.
const flaggersOwn = `{"hosts":["web"],"http":[{"route":[{"destination":{"host":"web-primary"},"weight":100},{"destination":{"host":"web-canary"}}]}]}`

// TestIstioKeepsTheOriginal: once, and only what was the user's.
func TestIstioKeepsTheOriginal(t *testing.T) {
	const kept = `{"hosts":["kept.example.com"]}`
	ours := plain().route(virtualService, decoded(usersSpec))
	ours.SetAnnotations(map[string]string{originalAnnotation: kept})
	text, err := json.Marshal(decoded(usersSpec))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		live []Object
		want string
	}{
		{"none", nil, ""},
		{"the user's", []Object{usersVirtualService(nil)}, string(text)},
		{"kept already", []Object{liveVirtualService(flaggersSplit, map[string]string{originalAnnotation: kept})}, kept},
		{"kept, and edited by the user since", []Object{usersVirtualService(map[string]string{originalAnnotation: kept})}, kept},
		{"kubectl has it", []Object{usersVirtualService(map[string]string{corev1.LastAppliedConfigAnnotation: lastApplied})}, ""},
		{"Flagger's own", []Object{liveVirtualService(flaggersSplit, map[string]string{originalAnnotation: flaggersOwn})}, ""},
		{"lost", []Object{liveVirtualService(flaggersSplit, map[string]string{originalAnnotation: "{"})}, ""},
		{"of this Canary", []Object{ours}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := plain()
			s.Live = tc.live
			objects, err := istio.Render(s, rollout.Split(0))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, objects[2].GetAnnotations()[originalAnnotation]); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestIstioRestores: what was the user's is the user's again, and stays so.
func TestIstioRestores(t *testing.T) {
	text, err := json.Marshal(decoded(usersSpec))
	if err != nil {
		t.Fatal(err)
	}
	applied := decoded(lastApplied)["spec"]
	annotated := func(name, text string) []Object {
		return []Object{liveVirtualService(flaggersSplit, map[string]string{name: text})}
	}
	for _, tc := range []struct {
		name string
		live []Object
		want any // the spec; nil if nothing is to be changed
	}{
		{"as it was kept", annotated(originalAnnotation, string(text)), decoded(usersSpec)},
		{"as kubectl applied it", annotated(corev1.LastAppliedConfigAnnotation, lastApplied), applied},
		{"it is back already", []Object{usersVirtualService(nil)}, nil},
		{"nothing that was the user's is known", annotated(originalAnnotation, flaggersOwn),
			decoded("{hosts: [web], gateways: [mesh], http: [{route: [{destination: {host: web}, weight: 100}]}]}")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := plain()
			s.Live = tc.live
			objects, err := istio.Leave(s, rollout.Alone)
			if err != nil {
				t.Fatal(err)
			}
			if tc.want == nil {
				if len(objects) > 0 {
					t.Errorf("it is changed again: %v", objects)
				}
				return
			}
			if got, want := asText(t, objects[0].Object["spec"]), asText(t, tc.want); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if objects[0].GetOwnerReferences() != nil || objects[0].GetAnnotations()[originalAnnotation] != "" {
				t.Errorf("it is not left alone: %v", objects[0].Object["metadata"])
			}
		})
	}
}

func asText(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestIstioNamesTheApexFirst: the apex is an end before it gets requests; a
// VirtualService of the user is never owned, and its original not lost on the way.
func TestIstioNamesTheApexFirst(t *testing.T) {
	for name, how := range map[string]rollout.Release{"named": rollout.Named, "served": rollout.Served} {
		for _, user := range []bool{false, true} {
			s := plain()
			if user {
				s.Live = []Object{liveVirtualService(flaggersSplit, map[string]string{originalAnnotation: `{"hosts":["a"]}`})}
				s.Apex = Metadata{}
			}
			objects, err := istio.Leave(s, how)
			if err != nil {
				t.Fatal(err)
			}
			owned := objects[0].GetOwnerReferences() != nil
			if want := !user && how == rollout.Named; owned != want {
				t.Errorf("%s, user %t: owned is %t", name, user, owned)
			}
			if got := objects[0].GetAnnotations()[originalAnnotation] != ""; got != user {
				t.Errorf("%s, user %t: the original is kept: %t", name, user, got)
			}
			if !user {
				golden.Equal(t, filepath.Join("testdata/istio", "leave-"+name+".yaml"), document(t, "on the way to the apex: "+name, objects))
			}
		}
	}
}

// TestRestored: what kubectl applied is remembered of the user's objects only.
func TestRestored(t *testing.T) {
	if !Restored(usersVirtualService(nil)) {
		t.Error("the user's VirtualService is not known")
	}
	ours := plain().route(virtualService, nil)
	if Restored(ours) || Restored(plain().destinationRule("web-canary")) {
		t.Error("objects of a Canary cost memory")
	}
}
