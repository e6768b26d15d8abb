package controller

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// everything is a service with all fields given, each with a value of its own.
func everything() v1beta1.CanaryService {
	exact := func(text string) *v1beta1.StringMatch { return &v1beta1.StringMatch{Exact: &text} }
	return v1beta1.CanaryService{
		Name: "apex", Port: 80, PortName: "web", TargetPort: intstr.FromString("http"), AppProtocol: "http2",
		TrafficDistribution: "PreferClose", PortDiscovery: true, Headless: true,
		Timeout: "15s", BackendTimeout: "1m30s",
		Gateways: []string{"mesh"}, Delegation: true, MeshName: "mesh", Backends: []string{"other"},
		TrafficPolicy: &runtime.RawExtension{Raw: []byte(`{}`)}, Retries: &v1beta1.Retries{Attempts: 3},
		GatewayRefs: []v1beta1.GatewayRef{
			{Name: "public"},
			{Group: new("g"), Kind: new("k"), Namespace: new("ns"), Name: "n", SectionName: new("s"), Port: new(int32(443))},
		},
		RouteKind: v1beta1.GRPCRoute,
		Hosts:     []string{"a.example.com", "b.example.com"},
		Match: []v1beta1.HTTPMatch{{
			Name: "m", URI: &v1beta1.StringMatch{Prefix: new("/api")}, Scheme: exact("https"), Method: exact("GET"),
			Authority:      &v1beta1.StringMatch{Suffix: new(".example.com")},
			Headers:        map[string]v1beta1.StringMatch{"x-user": {Regex: new("b.*")}},
			WithoutHeaders: map[string]v1beta1.StringMatch{"x-bot": {Exact: new("yes")}},
			QueryParams:    map[string]v1beta1.StringMatch{"q": {Exact: new("1")}},
			Port:           8080, Gateways: []string{"inner"}, SourceLabels: map[string]string{"app": "caller"},
			SourceNamespace: "callers", IgnoreURICase: true,
		}},
		Rewrite: &v1beta1.Rewrite{URI: "/", Authority: "inner", Type: "ReplacePrefixMatch"},
		Headers: &v1beta1.Headers{
			Request:  &v1beta1.HeaderOperations{Set: map[string]string{"a": "1"}, Add: map[string]string{"b": "2"}, Remove: []string{"c"}},
			Response: &v1beta1.HeaderOperations{Set: map[string]string{"d": "3"}, Add: map[string]string{"e": "4"}, Remove: []string{"f"}},
		},
		Mirror: []v1beta1.Mirror{
			{BackendRef: v1beta1.BackendRef{Name: "copy", Port: new(int32(81))}},
			{BackendRef: v1beta1.BackendRef{Group: new("g"), Kind: new("k"), Namespace: new("ns"), Name: "n"}},
		},
		CorsPolicy: &v1beta1.CorsPolicy{
			AllowOrigin: []string{"https://a"}, AllowOrigins: []v1beta1.StringMatch{{Prefix: new("https://b")}},
			AllowMethods: []string{"GET"}, AllowHeaders: []string{"h"}, ExposeHeaders: []string{"x"},
			MaxAge: "24h", AllowCredentials: new(true),
		},
		Apex:              &v1beta1.Metadata{Labels: map[string]string{"l": "apex"}, Annotations: map[string]string{"a": "apex"}},
		Primary:           &v1beta1.Metadata{Labels: map[string]string{"l": "primary"}, Annotations: map[string]string{"a": "primary"}},
		Canary:            &v1beta1.Metadata{Labels: map[string]string{"l": "canary"}, Annotations: map[string]string{"a": "canary"}},
		UnmanagedMetadata: &v1beta1.UnmanagedMetadata{Labels: []string{"l"}, Annotations: []string{"a"}},
	}
}

// wired is what becomes of a service, in a Canary whose analysis has a match.
func wired(service v1beta1.CanaryService) (router.Service, error) {
	canary := &v1beta1.Canary{ObjectMeta: metav1.ObjectMeta{Name: "podinfo", Namespace: "test", UID: "uid"}}
	canary.Spec.TargetRef.Name = "podinfo"
	canary.Spec.Service = service
	canary.Spec.Analysis = &v1beta1.CanaryAnalysis{Match: []v1beta1.AnalysisMatch{{
		Headers:      map[string]v1beta1.StringMatch{"x-beta": {Exact: new("yes")}},
		QueryParams:  map[string]v1beta1.StringMatch{"beta": {Regex: new(".+")}},
		SourceLabels: map[string]string{"app": "beta"},
	}}}
	target := &workload.Pods{}
	target.Template.Spec.Containers = []corev1.Container{{Name: "app", Ports: []corev1.ContainerPort{
		{Name: "http", ContainerPort: 8080}, {Name: "grpc", ContainerPort: 9090}}}}
	return serviceOf(canary, new(reconciler).named(canary), workload.Options{
		Owner: workload.Owner{Name: "podinfo", UID: "uid"}, Selector: workload.Selector{Key: "app", Value: "podinfo"}}, target)
}

func TestServiceOf(t *testing.T) {
	got, err := wired(everything())
	if err != nil {
		t.Fatal(err)
	}
	want := router.Service{
		Namespace: "test", Name: "apex", Owner: workload.Owner{Name: "podinfo", UID: "uid"},
		Selector: workload.Selector{Key: "app", Value: "podinfo"},
		Port:     80, PortName: "web", TargetPort: intstr.FromString("http"), AppProtocol: "http2",
		TrafficDistribution: "PreferClose", Headless: true,
		Ports:     []router.Port{{Name: "grpc", Number: 9090, Protocol: "TCP"}},
		Apex:      router.Metadata{Labels: map[string]string{"l": "apex"}, Annotations: map[string]string{"a": "apex"}},
		Primary:   router.Metadata{Labels: map[string]string{"l": "primary"}, Annotations: map[string]string{"a": "primary"}},
		Canary:    router.Metadata{Labels: map[string]string{"l": "canary"}, Annotations: map[string]string{"a": "canary"}},
		Unmanaged: router.Keys{Labels: []string{"l"}, Annotations: []string{"a"}},
		Hosts:     []string{"a.example.com", "b.example.com"},
		Parents: []router.Parent{{Name: "public"},
			{Group: "g", Kind: "k", Namespace: "ns", Name: "n", SectionName: "s", Port: 443}},
		Match: []router.Match{{
			Name: "m", URI: router.Text{Op: router.Prefix, Value: "/api"}, Scheme: router.Text{Op: router.Exact, Value: "https"},
			Method: router.Text{Op: router.Exact, Value: "GET"}, Authority: router.Text{Op: router.Suffix, Value: ".example.com"},
			Headers:        map[string]router.Text{"x-user": {Op: router.Regex, Value: "b.*"}},
			WithoutHeaders: map[string]router.Text{"x-bot": {Op: router.Exact, Value: "yes"}},
			Query:          map[string]router.Text{"q": {Op: router.Exact, Value: "1"}},
			IgnoreURICase:  true, Port: 8080, Gateways: []string{"inner"},
			SourceLabels: map[string]string{"app": "caller"}, SourceNamespace: "callers",
		}},
		Audience: []router.Match{{
			Headers:      map[string]router.Text{"x-beta": {Op: router.Exact, Value: "yes"}},
			Query:        map[string]router.Text{"beta": {Op: router.Regex, Value: ".+"}},
			SourceLabels: map[string]string{"app": "beta"},
		}},
		Rewrite:  router.Rewrite{Authority: "inner", URI: "/", PrefixOnly: true},
		Request:  router.HeaderMod{Set: map[string]string{"a": "1"}, Add: map[string]string{"b": "2"}, Remove: []string{"c"}},
		Response: router.HeaderMod{Set: map[string]string{"d": "3"}, Add: map[string]string{"e": "4"}, Remove: []string{"f"}},
		Mirrors:  []router.Backend{{Name: "copy", Port: 81}, {Group: "g", Kind: "k", Namespace: "ns", Name: "n"}},
		CORS: router.CORS{
			Origins: []router.Text{{Op: router.Exact, Value: "https://a"}, {Op: router.Prefix, Value: "https://b"}},
			Methods: []string{"GET"}, Headers: []string{"h"}, Expose: []string{"x"}, Credentials: true, MaxAge: 24 * time.Hour,
		},
		Timeout: 15 * time.Second, BackendTimeout: 90 * time.Second,
		Gateways: []string{"mesh"}, Delegation: true, TrafficPolicy: map[string]any{}, Retries: router.Retries{Attempts: 3},
		MeshName: "mesh", Backends: []string{"other"}, Discovery: true, Target: "podinfo",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestServiceOfTheLeast(t *testing.T) {
	canary := &v1beta1.Canary{ObjectMeta: metav1.ObjectMeta{Name: "podinfo", Namespace: "test"}}
	canary.Spec.TargetRef.Name = "web"
	canary.Spec.Service.Port = 80
	got, err := serviceOf(canary, new(reconciler).named(canary), workload.Options{}, &workload.Pods{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(router.Service{Namespace: "test", Name: "web", Target: "web", Port: 80}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A field that is added to the API must reach the providers.
func TestNoFieldOfAServiceIsLost(t *testing.T) {
	all, err := wired(everything())
	if err != nil {
		t.Fatal(err)
	}
	for i := range reflect.TypeFor[v1beta1.CanaryService]().NumField() {
		name := reflect.TypeFor[v1beta1.CanaryService]().Field(i).Name
		service := everything()
		value := reflect.ValueOf(&service).Elem().Field(i)
		if value.IsZero() {
			t.Errorf("everything has no %s", name)
		}
		value.SetZero()
		without, err := wired(service)
		if err != nil {
			t.Fatal(err)
		}
		if name == "RouteKind" {
			continue // it says which provider there is, see TestRouteKindsThatComeLater
		}
		if cmp.Equal(all, without) {
			t.Errorf("field %s is not used", name)
		}
	}
}

func TestDurationsOfAService(t *testing.T) {
	for _, c := range []struct {
		name, given string
		want        time.Duration
		wrong       bool
	}{
		{"none leaves it to the gateway", "", 0, false},
		{"seconds", "15s", 15 * time.Second, false},
		{"mixed", "1h30m", 90 * time.Minute, false},
		{"zero is no limit, which is not the same as none given", "0s", router.NoTimeout, false},
		{"negative", "-1s", 0, true},
		{"no unit", "15", 0, true},
		{"words", "soon", 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for field, set := range map[string]func(*v1beta1.CanaryService){
				"spec.service.timeout":           func(s *v1beta1.CanaryService) { s.Timeout = c.given },
				"spec.service.backendTimeout":    func(s *v1beta1.CanaryService) { s.BackendTimeout = c.given },
				"spec.service.corsPolicy.maxAge": func(s *v1beta1.CanaryService) { s.CorsPolicy.MaxAge = c.given },
			} {
				service := everything()
				set(&service)
				got, err := wired(service)
				if c.wrong {
					if err == nil || !strings.HasPrefix(err.Error(), field+": ") || !strings.Contains(err.Error(), c.given) {
						t.Errorf("the error is %v, want one that names %s and %q", err, field, c.given)
					}
					continue
				}
				became := map[string]time.Duration{"spec.service.timeout": got.Timeout,
					"spec.service.backendTimeout": got.BackendTimeout, "spec.service.corsPolicy.maxAge": got.CORS.MaxAge}[field]
				want := c.want
				if field == "spec.service.corsPolicy.maxAge" {
					want = max(want, 0) // an answer that is not remembered at all
				}
				if err != nil || became != want {
					t.Errorf("%s %q is %v, %v; want %v", field, c.given, became, err, want)
				}
			}
		})
	}
}
