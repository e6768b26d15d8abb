package router

import (
	"time"

	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// A fixture is how the tests of all providers try one of them.
type fixture struct {
	full    func() Service // uses every field the provider has a place for
	minimal func() Service // the least it needs
	scenes  func() []scene // beside those that all providers play
	crds    []string       // sources of [crds] that define its kinds
}

// fixtures of providers that need more than plain has, or take more.
var fixtures = map[string]fixture{
	"gatewayapi:v1":      {full, minimal, httpRouteScenes, []string{"gatewayapi"}},
	"gatewayapi:v1beta1": {full, minimal, httpRouteScenes, []string{"gatewayapi"}},
	"istio":              {istioFull, plain, istioScenes, []string{"istio"}},
	"contour":            {contourFull, bare, contourScenes, []string{"contour"}},
	"traefik":            {plain, bare, noScenes, []string{"traefik"}},
	"knative":            {full: serverless, minimal: serverless, scenes: serverlessScenes, crds: []string{"knative"}},
	"gloo":               {glooFull, bare, glooScenes, []string{"gloo"}},
	"linkerd":            {plain, bare, noSmiScenes, []string{"linkerd"}},
	"osm":                {plain, bare, noSmiScenes, []string{"osm"}},
	"smi:v1alpha1":       {smiFull, bare, noSmiScenes, []string{"linkerd"}},
	"smi:v1alpha2":       {smiFull, bare, noSmiScenes, []string{"smi"}},
	"smi:v1alpha3":       {smiFull, bare, noSmiScenes, []string{"smi"}},
	"kuma":               {kumaFull, bare, kumaScenes, []string{"kuma"}},
	"nginx":              {fullNginx, minimalNginx, nginxScenes, nil},
	"skipper":            {fullSkipper, minimalSkipper, skipperScenes, nil},
	"apisix":             {fullApisix, minimalApisix, apisixScenes, []string{"apisix"}},
	"appmesh":            {appMeshFull, appMeshBare, appMeshScenes, []string{"appmesh-legacy"}},
	"appmesh:v1beta2":    {appMeshFull, appMeshBare, appMeshScenes, []string{"appmesh"}},

	"gatewayapi:v1:GRPCRoute":      {grpcFull, minimal, grpcScenes, []string{"gatewayapi"}},
	"gatewayapi:v1:TCPRoute":       {tcpFull, minimal, noScenes, []string{"gatewayapi"}},
	"gatewayapi:v1alpha2:TCPRoute": {tcpFull, minimal, noScenes, []string{"gatewayapi"}},
	"gatewayapi:v1:TLSRoute":       {tlsFull, tlsMinimal, noScenes, []string{"gatewayapi"}},
	"gatewayapi:v1alpha2:TLSRoute": {tlsFull, tlsMinimal, noScenes, []string{"gatewayapi"}},
}

// refused are routes that the capabilities allow and the provider cannot express.
// No plan asks for them.
var refused = map[string]func(rollout.Route) bool{
	"contour": halfPercents,
	"traefik": mixed,
}

// sparing are providers that do not name a side without traffic.
var sparing = map[string]bool{"traefik": true}

func fixtureOf(provider string) fixture {
	if f, ok := fixtures[provider]; ok {
		return f
	}
	return fixture{plain, plain, noScenes, nil}
}

func noScenes() []scene { return nil }

// plain is a Service of which a provider knows no more than that it is one.
func plain() Service {
	return Service{
		Namespace: "shop", Name: "web", Target: "web", Port: 80,
		Owner:    workload.Owner{Name: "web", UID: "5f0c8f0e-0000-4000-8000-000000000001"},
		Selector: workload.Selector{Key: "app", Value: "web"},
		Apex:     Metadata{Labels: map[string]string{"team": "storefront"}, Annotations: map[string]string{"owner": "storefront"}},
	}
}

// full is a Service that uses every field an HTTPRoute has a place for.
func full() Service {
	s := Service{
		Namespace:           "shop",
		Name:                "web",
		Owner:               workload.Owner{Name: "web", UID: "5f0c8f0e-0000-4000-8000-000000000001"},
		Selector:            workload.Selector{Key: "app", Value: "web"},
		Port:                80,
		TargetPort:          intstr.FromInt32(8080),
		AppProtocol:         "http",
		TrafficDistribution: "PreferClose",
		Apex: Metadata{
			Labels:      map[string]string{"team": "storefront"},
			Annotations: map[string]string{"owner": "storefront"},
		},
		Primary:        Metadata{Labels: map[string]string{"role": "primary"}},
		Canary:         Metadata{Annotations: map[string]string{"role": "canary"}},
		Hosts:          []string{"shop.example.com", "*.shop.example.com"},
		Parents:        []Parent{{Namespace: "infra", Name: "public", SectionName: "https"}, {Namespace: "infra", Name: "private"}},
		Match:          []Match{{URI: Text{Prefix, "/api"}, Method: Text{Exact, "GET"}}},
		Rewrite:        Rewrite{URI: "/", Authority: "web.example.com", PrefixOnly: true},
		Request:        HeaderMod{Add: map[string]string{"x-env": "prod", "x-area": "shop"}, Remove: []string{"x-debug", "x-trace", "x-debug"}},
		Response:       HeaderMod{Set: map[string]string{"cache-control": "no-store"}},
		Mirrors:        []Backend{{Name: "audit", Namespace: "infra", Port: 8080}},
		Timeout:        15 * time.Second,
		BackendTimeout: 1500 * time.Millisecond,
		CORS: CORS{
			Origins:     []Text{{Exact, "https://shop.example.com"}, {Exact, "https://*.example.org"}},
			Methods:     []string{"GET", "POST"},
			Headers:     []string{"x-token"},
			Expose:      []string{"x-request-id"},
			Credentials: true,
			MaxAge:      24 * time.Hour,
		},
	}
	s.Ports = Ports(pods(), s)
	return s
}

// pods is the template behind full: its main port, one more and a sidecar.
func pods() corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{
		{Name: "app", Ports: []corev1.ContainerPort{{Name: "main", ContainerPort: 8080}, {Name: "metrics", ContainerPort: 9090}}},
		{Name: "istio-proxy", Ports: []corev1.ContainerPort{{Name: "admin", ContainerPort: 15000}}},
	}}}
}
