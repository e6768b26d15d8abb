package controller

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/serinhq/serin/router"
)

// liveRoute is an HTTPRoute as an API server answers.
func liveRoute() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
		"metadata": map[string]any{
			"name": "web", "namespace": "shop", "resourceVersion": "7", "generation": int64(3), "labels": map[string]any{"team": "a"},
			"ownerReferences": []any{map[string]any{"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": "web", "uid": "u", "controller": true}},
		},
		"spec": map[string]any{"rules": []any{map[string]any{"backendRefs": []any{map[string]any{"name": "web-primary", "weight": int64(80)}}}}},
	}}
}

// What is read of a packed route without opening it is what it says, and opened it is the
// same as before, however often it was packed.
func TestPackedRoute(t *testing.T) {
	t.Parallel()
	live, kept := liveRoute(), liveRoute()
	for range 2 {
		if _, err := slim(kept); err != nil {
			t.Fatal(err)
		}
	}
	if kept.Object["spec"] != nil {
		t.Fatal("the route is not packed")
	}
	type read struct {
		gvk                      schema.GroupVersionKind
		namespace, name, version string
		generation               int64
		owner                    *metav1.OwnerReference
	}
	of := func(u *unstructured.Unstructured) read {
		return read{u.GroupVersionKind(), u.GetNamespace(), u.GetName(), u.GetResourceVersion(), u.GetGeneration(), metav1.GetControllerOf(u)}
	}
	if of(kept).owner == nil || !reflect.DeepEqual(of(kept), of(live)) {
		t.Errorf("packed %+v, live %+v", of(kept), of(live))
	}
	v := &view{routes: []router.Object{*kept}}
	if diff := cmp.Diff([]router.Object{*live}, v.opened()); diff != "" {
		t.Error(diff)
	}
	if v.serving().Find("HTTPRoute", "web") == nil || v.routes[0].Object["spec"] != nil {
		t.Error("what the cache keeps was changed, or providers do not see what it is")
	}
}

// What the operator reads in many places is not packed.
func TestOnlyRoutesArePacked(t *testing.T) {
	t.Parallel()
	for _, of := range [][2]string{{"serving.knative.dev/v1", "Service"}, {"autoscaling/v2", "HorizontalPodAutoscaler"}, {"flagger.app/v1beta1", "MetricTemplate"},
		{"gateway.networking.k8s.io/v1", "GatewayClass"}} {
		object := liveRoute()
		object.SetAPIVersion(of[0])
		object.SetKind(of[1])
		if _, err := slim(object); err != nil || object.Object["spec"] == nil {
			t.Errorf("%s is packed: %v", of[1], err)
		}
	}
}

// Maps that say the same are one, and objects say what they said before.
func TestSharedMaps(t *testing.T) {
	t.Parallel()
	labels := func() map[string]string { return map[string]string{"app": "web"} }
	made := func() *appsv1.Deployment {
		d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web", "team": "a"}}}
		d.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels()}
		d.Spec.Template.Labels = labels()
		return d
	}
	d := made()
	if _, err := slim(d); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made(), d); diff != "" {
		t.Error(diff)
	}
	one := func(a, b map[string]string) bool { return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer() }
	if !one(d.Spec.Template.Labels, d.Spec.Selector.MatchLabels) || one(d.Labels, d.Spec.Template.Labels) {
		t.Error("the labels of the pods and of their selector are two maps, or those of the workload are the same")
	}
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Labels: labels(), Annotations: map[string]string{"a": "b"}}, Spec: corev1.ServiceSpec{Selector: labels()}}
	if _, err := slim(s); err != nil {
		t.Fatal(err)
	}
	if !one(s.Labels, s.Spec.Selector) || s.Annotations["a"] != "b" {
		t.Errorf("%+v", s)
	}
	if _, err := slim(&appsv1.Deployment{}); err != nil { // without a selector
		t.Fatal(err)
	}
}
