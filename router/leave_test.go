package router

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/serinhq/serin/internal/golden"
	"github.com/serinhq/serin/rollout"
	corev1 "k8s.io/api/core/v1"
)

// TestProvidersLeave: whatever route there was, what stays leads to the apex,
// has no owner, keeps nobody and is open to GitOps tools again.
func TestProvidersLeave(t *testing.T) {
	for name, provider := range Providers {
		if provider.Leave == nil {
			continue
		}
		for _, scene := range scenes(name) {
			if missing(provider.Caps, scene.service, scene.route) != "" {
				continue
			}
			t.Run(name+"/"+scene.name, func(t *testing.T) {
				objects, err := provider.Leave(scene.service, rollout.Alone)
				if err != nil {
					t.Fatal(err)
				}
				for _, object := range objects {
					complete(t, object.Object, object.GetKind())
					if refs := object.GetOwnerReferences(); refs != nil {
						t.Errorf("%s has the owner %v", object.GetName(), refs)
					}
					if diff := cmp.Diff(usersAnnotations(t, provider, scene.service, object), object.GetAnnotations()); diff != "" {
						t.Errorf("annotations are not the user's alone (-want +got)\n%s", diff)
					}
					texts(object.Object, func(text string) {
						gone := text == scene.service.PrimaryName() || text == scene.service.CanaryName() && !inherited[name]
						if gone || text == cookieHeader || text == setCookieHeader {
							t.Errorf("%s still mentions %s", object.GetName(), text)
						}
					})
				}
				if scene.name == "home" && len(objects) > 0 {
					reason := "what stays of the route when the Canary goes"
					golden.Equal(t, goldenPath(name, "leave"), document(t, reason, objects))
				}
			})
		}
	}
}

// TestProvidersLeaveTheirOwnObjects: what stays replaces what was there.
func TestProvidersLeaveTheirOwnObjects(t *testing.T) {
	for name, provider := range Providers {
		if provider.Leave == nil {
			continue
		}
		rendered, err := provider.Render(fixtureOf(name).full(), rollout.Split(0))
		if err != nil {
			t.Fatal(err)
		}
		left, err := provider.Leave(fixtureOf(name).full(), rollout.Alone)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range left {
			made := twin(rendered, object)
			if made == nil {
				t.Fatalf("%s leaves a %s %s that it did not make", name, object.GetKind(), object.GetName())
			}
			if diff := cmp.Diff(made.GetLabels(), object.GetLabels()); diff != "" {
				t.Errorf("%s: labels (-rendered +left)\n%s", name, diff)
			}
		}
	}
}

// inherited are providers in which what is called as the canary's Service is the
// workload's own for ever: a pod of App Mesh belongs to the node that had it at its start.
var inherited = map[string]bool{"appmesh:v1beta2": true}

// usersAnnotations are those that an object has for the user: the apex's, if it had
// them while there was a Canary.
func usersAnnotations(t *testing.T, provider Provider, s Service, object Object) map[string]string {
	t.Helper()
	rendered, err := provider.Render(s, rollout.Split(0))
	if err != nil {
		t.Fatal(err)
	}
	made := twin(rendered, object)
	switch {
	case made == nil || made.GetAnnotations()["kustomize.toolkit.fluxcd.io/reconcile"] != "":
		return s.Apex.Annotations
	case made.GetAnnotations()[smiGateways]+made.GetAnnotations()[appMeshExpose] != "": // it is the traffic system's
		return made.GetAnnotations()
	default: // it never had the apex's
		return nil
	}
}

// twin is the object of the same kind and name; nil if there is none.
func twin(objects []Object, like Object) *Object {
	for i := range objects {
		if objects[i].GroupVersionKind() == like.GroupVersionKind() && objects[i].GetName() == like.GetName() {
			return &objects[i]
		}
	}
	return nil
}

// texts visits all strings in a JSON value.
func texts(value any, visit func(string)) {
	switch value := value.(type) {
	case map[string]any:
		for _, field := range value {
			texts(field, visit)
		}
	case []any:
		for _, element := range value {
			texts(element, visit)
		}
	case string:
		visit(value)
	}
}

// TestLeaveApex: the apex is the user's from then on.
func TestLeaveApex(t *testing.T) {
	const flux = "kustomize.toolkit.fluxcd.io/reconcile"
	unmanaged := full()
	unmanaged.Unmanaged = Keys{Annotations: []string{"owner"}, Labels: []string{"team"}}
	edited := owned("web")
	edited.Labels, edited.Annotations = map[string]string{"team": "platform"}, map[string]string{"owner": "platform"}
	refusing := full()
	refusing.Apex.Annotations = map[string]string{flux: "disabled"}
	users := &corev1.Service{Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "admin", Port: 81, Protocol: corev1.ProtocolTCP}}}}
	for _, tc := range []struct {
		name                string
		service             Service
		live                *corev1.Service
		labels, annotations map[string]string
	}{
		{"ours", full(), owned("web"), map[string]string{"team": "storefront", "app": "web"}, map[string]string{"owner": "storefront"}},
		{"live values of unmanaged keys", unmanaged, edited, map[string]string{"team": "platform", "app": "web"}, map[string]string{"owner": "platform"}},
		{"no metadata of the user", minimalOf("app", "web"), owned(""), map[string]string{"app": "web"}, nil},
		{"kept from GitOps tools by the user", refusing, owned("web"), map[string]string{"team": "storefront", "app": "web"}, map[string]string{flux: "disabled"}},
		{"the user's all along", full(), users, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			apex, err := LeaveApex(tc.service, Live{Apex: tc.live})
			if err != nil {
				t.Fatal(err)
			}
			complete(t, apex.Object, apex.GetName())
			strict(t, apex, new(corev1.Service))
			if refs := apex.GetOwnerReferences(); refs != nil {
				t.Errorf("it has the owner %v", refs)
			}
			if diff := cmp.Diff(tc.labels, apex.GetLabels()); diff != "" {
				t.Errorf("labels (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tc.annotations, apex.GetAnnotations()); diff != "" {
				t.Errorf("annotations (-want +got)\n%s", diff)
			}
			selector := apex.Object["spec"].(map[string]any)["selector"]
			if diff := cmp.Diff(any(map[string]any{"app": "web"}), selector); diff != "" {
				t.Errorf("it does not select the workload's own pods (-want +got)\n%s", diff)
			}
			if tc.name == "ours" {
				golden.Equal(t, filepath.Join("testdata/services", "leave.yaml"), document(t, "what stays of the apex when the Canary goes", []Object{apex}))
			}
		})
	}
}

// minimalOf is a minimal Service whose pods have the label.
func minimalOf(key, value string) Service {
	s := minimal()
	s.Owner.Name, s.Owner.UID = "", "u"
	s.Selector.Key, s.Selector.Value = key, value
	return s
}
