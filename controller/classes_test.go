package controller

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/gateway-api/pkg/features"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/router"
)

// classNamed lists features as Gateway API 1.2 and later do; none for a class without a list.
func classNamed(name string, features ...string) *unstructured.Unstructured {
	class := blank(gatewayClassKind)
	class.SetName(name)
	var list []any
	for _, feature := range features {
		list = append(list, map[string]any{"name": feature})
	}
	if list != nil {
		class.Object["status"] = map[string]any{"supportedFeatures": list}
	}
	return class
}

func TestWhatClassesLack(t *testing.T) {
	abilities := router.Providers["gatewayapi:v1"].Abilities
	older := classNamed("older")
	older.Object["status"] = map[string]any{"supportedFeatures": []any{"HTTPRouteMethodMatching"}}
	lack := func(class, feature string) v1beta1.Lack { return v1beta1.Lack{Class: class, Feature: feature} }
	for _, c := range []struct {
		name    string
		classes []*unstructured.Unstructured
		want    v1beta1.Lacks
	}{
		{"a class without a list may do everything", []*unstructured.Unstructured{classNamed("silent")}, v1beta1.Lacks{}},
		{"a list in the form of an experiment is none", []*unstructured.Unstructured{older}, v1beta1.Lacks{}},
		{"all that is asked for", []*unstructured.Unstructured{
			classNamed("able", "HTTPRouteRequestMirror", "HTTPRouteRequestPercentageMirror", "HTTPRouteCORS")}, v1beta1.Lacks{}},
		{"copies of all requests only", []*unstructured.Unstructured{classNamed("whole", "HTTPRouteRequestMirror", "HTTPRouteCORS")},
			v1beta1.Lacks{MirrorShare: lack("whole", "HTTPRouteRequestPercentageMirror")}},
		{"the first of two that lacks it is named", []*unstructured.Unstructured{
			classNamed("able", "HTTPRouteRequestMirror", "HTTPRouteRequestPercentageMirror", "HTTPRouteCORS"),
			classNamed("poor", "HTTPRouteMethodMatching"), classNamed("poorer", "Gateway")},
			v1beta1.Lacks{Mirror: lack("poor", "HTTPRouteRequestMirror"), MirrorShare: lack("poor", "HTTPRouteRequestPercentageMirror"),
				CORS: lack("poor", "HTTPRouteCORS")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got v1beta1.Lacks
			for _, class := range c.classes {
				got = lacking(got, class, abilities)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The names are those of the Gateway API, which has none of what other routes copy.
func TestAbilitiesOfGatewayAPI(t *testing.T) {
	want := router.Abilities{
		Mirror: string(features.SupportHTTPRouteRequestMirror), MirrorShare: string(features.SupportHTTPRouteRequestPercentageMirror),
		CORS: string(features.SupportHTTPRouteCORS),
	}
	for name, provider := range router.Providers {
		routes := slices.ContainsFunc(provider.Kinds, func(k schema.GroupVersionKind) bool { return k.Kind == "HTTPRoute" })
		if routes != (provider.Abilities == want) {
			t.Errorf("%s asks for %+v", name, provider.Abilities)
		}
	}
}

// Only a class that another list or a Gateway that another class came to is news.
func TestClassesAnswerOtherwise(t *testing.T) {
	gateway := func(class string) *unstructured.Unstructured {
		object := blank(gatewayKind)
		object.Object["spec"] = map[string]any{"gatewayClassName": class}
		return object
	}
	touched := gateway("a")
	touched.SetResourceVersion("2")
	for _, c := range []struct {
		name          string
		before, after *unstructured.Unstructured
		want          bool
	}{
		{"a Gateway that counts its routes", gateway("a"), touched, false},
		{"a Gateway of another class", gateway("a"), gateway("b"), true},
		{"a class as before", classNamed("a", "x"), classNamed("a", "x"), false},
		{"a class that has learnt", classNamed("a", "x"), classNamed("a", "x", "y"), true},
	} {
		if got := answersOtherwise(c.before, c.after); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

// listing answers each list with an error.
type listing struct {
	client.Reader
	err   error
	lists int
}

func (l *listing) List(context.Context, client.ObjectList, ...client.ListOption) error {
	l.lists++
	return l.err
}

// What may not be read is not asked again, what could not be read is.
func TestClassesThatCannotBeRead(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "gatewayclasses"}, "", errors.New("no right"))
	for _, c := range []struct {
		name   string
		listed error
		begun  error
		lists  int // of three looks
		ready  bool
	}{
		{"all is well", nil, nil, 2, true},
		{"no right", forbidden, nil, 1, false},
		{"a broken connection", errors.New("connection refused"), nil, 3, false},
		{"a watch that does not come up", nil, errors.New("timed out"), 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			live := &listing{err: c.listed}
			asked := &classes{
				options: Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}, live: live,
				begin: func(context.Context, schema.GroupVersionKind) error { return c.begun },
			}
			for range 3 {
				if got := asked.ready(t.Context()); got != c.ready {
					t.Errorf("ready: %t", got)
				}
			}
			if live.lists != c.lists {
				t.Errorf("%d lists, want %d", live.lists, c.lists)
			}
		})
	}
}
