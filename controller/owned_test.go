package controller

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// What was given once and is wanted no more has to go, and nothing else: a key that
// somebody else gave is theirs.
func TestLeftovers(t *testing.T) {
	const owned = `{
		"f:metadata": {"f:annotations": {".": {}, "f:example.com/a.b": {}}, "f:ownerReferences": {"k:{\"uid\":\"u\"}": {".": {}, "f:name": {}}}},
		"f:spec": {"f:host": {}, "f:rules": {}, "f:trafficPolicy": {"f:tls": {"f:mode": {}}}}}`
	const whole = `{"metadata": {"annotations": {"example.com/a.b": "x"}, "ownerReferences": [{"uid": "u", "name": "web"}]},
		"spec": {"host": "web", "rules": [1], "trafficPolicy": {"tls": {"mode": "SIMPLE"}}}}`
	ours := metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationApply}
	for _, c := range []struct {
		name, want string
		by         metav1.ManagedFieldsEntry
		left       []string
	}{
		{"nothing", whole, ours, nil},
		{"a field of the spec", `{"metadata": {"annotations": {"example.com/a.b": "x"}, "ownerReferences": []}, "spec": {"host": "web", "rules": []}}`,
			ours, []string{"spec.trafficPolicy"}},
		{"a field within a field, and an annotation", `{"metadata": {"annotations": {"new": "x"}, "ownerReferences": []},
			"spec": {"host": "web", "rules": [], "trafficPolicy": {"tls": {}}}}`, ours,
			[]string{"metadata.annotations.example.com/a.b", "spec.trafficPolicy.tls.mode"}},
		{"owners and all metadata", `{"metadata": {}, "spec": {"host": "web", "rules": [], "trafficPolicy": {"tls": {"mode": "SIMPLE"}}}}`, ours,
			[]string{"metadata.annotations", "metadata.ownerReferences"}},
		{"fields of others", `{}`, metav1.ManagedFieldsEntry{Manager: "kubectl", Operation: metav1.ManagedFieldsOperationApply}, nil},
		{"fields that we updated", `{}`, metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate}, nil},
		{"fields of a status", `{}`, metav1.ManagedFieldsEntry{Manager: manager, Operation: ours.Operation, Subresource: "status"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			live := blank(router.Providers["istio"].Kinds[1])
			c.by.FieldsV1, c.by.FieldsType = metav1.NewFieldsV1(owned), "FieldsV1"
			other := metav1.ManagedFieldsEntry{Manager: "other", Operation: "Update", FieldsV1: metav1.NewFieldsV1(`{"f:spec": {"f:others": {}}}`)}
			live.SetManagedFields([]metav1.ManagedFieldsEntry{other, c.by})
			want := router.Object{Object: fromJSON(t, c.want).(map[string]any)}
			if diff := cmp.Diff(c.left, leftovers(live, want)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			_, err := slim(live)
			if err == nil {
				live, err = unpacked(live)
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.left, leftovers(live, want)); diff != "" || len(live.GetManagedFields()) > 1 {
				t.Errorf("in the cache (-want +got)\n%s%v", diff, live.GetManagedFields())
			}
		})
	}
}

// Of a Service is kept what tells that something is left over; of one that has only what
// all of them have that is nothing.
func TestLeftoversOfServices(t *testing.T) {
	const usual = `"f:metadata": {"f:annotations": {"f:helm.toolkit.fluxcd.io/driftDetection": {}, "f:kustomize.toolkit.fluxcd.io/reconcile": {}%s},
		"f:labels": {"f:app": {}%s}, "f:ownerReferences": {"k:{\"uid\":\"u\"}": {}}},
		"f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}%s}}, "f:selector": {}%s}`
	service := router.Service{Namespace: "shop", Name: "web", Selector: workload.Selector{Key: "app", Value: "web"}, Port: 80,
		Owner: workload.Owner{Name: "web", UID: "u"}}
	for _, c := range []struct {
		name                            string
		annotation, label, inPort, spec string
		change                          func(*router.Service)
		before                          []string // left over when it is gone again
	}{
		{name: "nothing but the usual"},
		{name: "a label and an annotation", label: `, "f:team": {}`, annotation: `, "f:example.com/a.b": {}`,
			before: []string{"metadata.annotations.example.com/a.b", "metadata.labels.team"},
			change: func(s *router.Service) {
				s.Apex = router.Metadata{Labels: map[string]string{"team": "x"}, Annotations: map[string]string{"example.com/a.b": "x"}}
			}},
		{name: "the protocol of a port", inPort: `, "f:appProtocol": {}`, before: []string{"spec.ports.appProtocol"},
			change: func(s *router.Service) { s.AppProtocol = "http" }},
		{name: "a preference", spec: `, "f:trafficDistribution": {}`, before: []string{"spec.trafficDistribution"},
			change: func(s *router.Service) { s.TrafficDistribution = "PreferClose" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			live := &corev1.Service{}
			live.Name, live.Labels = "web", map[string]string{"app": "web", "team": "x"}
			live.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80, Protocol: corev1.ProtocolTCP}}
			live.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "somebody", Operation: metav1.ManagedFieldsOperationUpdate, FieldsV1: metav1.NewFieldsV1(`{"f:spec": {"f:others": {}}}`)},
				{Manager: manager, Operation: metav1.ManagedFieldsOperationApply, FieldsV1: metav1.NewFieldsV1("{" + fmt.Sprintf(usual, c.annotation, c.label, c.inPort, c.spec) + "}")}}
			if _, err := slim(live); err != nil {
				t.Fatal(err)
			}
			if kept := len(live.ManagedFields); kept > 0 != (c.before != nil) || kept > 1 {
				t.Errorf("in the cache: %v", live.ManagedFields)
			}
			given := service
			if c.change != nil {
				c.change(&given)
			}
			for _, of := range []struct {
				service router.Service
				want    []string
			}{{given, nil}, {service, c.before}} {
				apex, err := router.Apex(of.service, router.Live{})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(of.want, leftovers(plain(live), apex)); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
			}
		})
	}
}

// A DestinationRule whose Canary lost its trafficPolicy has it still, and must lose it.
func TestLeftoversAreNotAsTheyShouldBe(t *testing.T) {
	live := blank(router.Providers["istio"].Kinds[1])
	want := live.DeepCopy()
	live.Object["spec"] = map[string]any{"host": "web", "trafficPolicy": map[string]any{}}
	want.Object["spec"] = map[string]any{"host": "web"}
	v := &view{provider: router.Providers["istio"], memo: &memo{}}
	if !v.is(live, *want) {
		t.Error("what somebody else gave it counts")
	}
	live.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: manager, Operation: metav1.ManagedFieldsOperationApply,
		FieldsV1: metav1.NewFieldsV1(`{"f:spec": {"f:host": {}, "f:trafficPolicy": {}}}`)}})
	if v.is(live, *want) {
		t.Error("what we gave it does not count")
	}
	if diff := cmp.Diff([]string{"spec.trafficPolicy"}, differing(live.Object, want.Object, whole)); diff != "" {
		t.Errorf("it is not named (-want +got)\n%s", diff)
	}
}

// An API server that puts defaults where none were known has the last word: what it
// answered an apply with is right for as long as nothing changes.
func TestAnswerOfTheAPIServer(t *testing.T) {
	provider := router.Providers["istio"]
	owner := workload.Owner{Name: "web", UID: "u"}
	object := func(text, version string) *router.Object {
		o := blank(provider.Kinds[0])
		o.Object["spec"] = fromJSON(t, text)
		o.SetName("web")
		o.SetOwnerReferences(owner.References())
		o.SetResourceVersion(version)
		return o
	}
	woken := 0
	r := &reconciler{wake: func(types.NamespacedName) { woken++ }}
	m := &memo{applied: map[string]applied{}, answers: map[string]answer{}}
	v := &view{canary: &v1beta1.Canary{}, provider: provider, memo: m}
	v.options.Owner = owner
	want := object(`{"http": [{"route": []}]}`, "")
	live := object(`{"http": [{"route": [], "retries": {"attempts": 2}}]}`, "7")
	if v.is(live, *want) {
		t.Fatal("the default is known already")
	}
	if r.unmoved(v, m, live, *want, "8") || v.is(live, *want) || woken > 0 {
		t.Errorf("an apply that changed something is one that did not; woken %d", woken)
	}
	if !r.unmoved(v, m, live, *want, "7") || !v.is(live, *want) || woken != 1 {
		t.Errorf("an apply that changed nothing is not believed; woken %d", woken)
	}
	if v.is(object(`{"http": [{"route": [1]}]}`, "8"), *want) {
		t.Error("another version is believed")
	}
	if v.is(live, *object(`{"http": [{"route": [2]}]}`, "")) {
		t.Error("another wish is believed")
	}
	free := want.DeepCopy()
	free.SetOwnerReferences(nil)
	if !r.unmoved(v, m, live, *free, "7") || v.is(live, *free) || woken != 1 {
		t.Errorf("an owner that no apply takes away is right, or is tried again; woken %d", woken)
	}
}
