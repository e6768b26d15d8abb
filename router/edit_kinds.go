package router

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// gatewayEditor is for routes whose rules have backendRefs, as all kinds of the Gateway API.
func gatewayEditor(kind schema.GroupVersionKind) *Editor {
	return &Editor{
		Kind: kind, lists: []backendList{{holders: "spec.rules[]", path: "backendRefs"}}, absent: 1,
		service: func(backend map[string]any, namespace string) (serviceRef, bool) {
			ref := serviceRef{fields: backend, key: "name", port: backend["port"]}
			return ref, says(backend, "group", "") && says(backend, "kind", "Service") && says(backend, "namespace", namespace)
		},
		accepted: func(live Object) bool {
			var route gatewayv1.HTTPRoute // the parts that are read are the same in all kinds
			return part(live, &route, "parentRefs") && accepted(route)
		},
	}
}

// istioEditor is for VirtualServices. A destination may be spelled in full.
var istioEditor = &Editor{
	Kind: virtualService,
	lists: []backendList{
		{holders: "spec.http[]", path: "route"}, {holders: "spec.tcp[]", path: "route"}, {holders: "spec.tls[]", path: "route"},
	},
	service: func(backend map[string]any, _ string) (serviceRef, bool) {
		destination, ok := backend["destination"].(map[string]any)
		ref := serviceRef{fields: destination, key: "host"}
		if port, ok := destination["port"].(map[string]any); ok {
			ref.port = port["number"]
		}
		if subset := destination["subset"]; subset != nil && subset != "" {
			ref.unfit = fmt.Sprintf("destination %v has the subset %v, which the canary has not: remove subset", destination["host"], subset)
		}
		return ref, ok
	},
	accepted: func(live Object) bool { return !rejected(live) },
}

// contourEditor is for HTTPProxies, of requests and of connections.
var contourEditor = &Editor{
	Kind:   httpProxyKind,
	lists:  []backendList{{holders: "spec.routes[]", path: "services"}, {holders: "spec.tcpproxy", path: "services"}},
	copies: "mirror",
	service: func(backend map[string]any, _ string) (serviceRef, bool) {
		return serviceRef{fields: backend, key: "name", port: backend["port"]}, true
	},
	accepted: func(live Object) bool {
		var proxy liveProxy
		return part(live, &proxy) && proxy.accepted()
	},
}

// glooEditor is for RouteTables whose destinations are Services of Kubernetes. Of an
// Upstream nobody can tell here which Service it is, and the canary has none.
var glooEditor = &Editor{
	Kind:  glooTableKind,
	lists: []backendList{{holders: "spec.routes[].routeAction", path: "multi.destinations", single: "single", wrap: "destination"}},
	service: func(backend map[string]any, namespace string) (serviceRef, bool) {
		destination, _ := backend["destination"].(map[string]any)
		kube, _ := destination["kube"].(map[string]any)
		name, ok := kube["ref"].(map[string]any)
		return serviceRef{fields: name, key: "name", port: kube["port"]}, ok && says(name, "namespace", namespace)
	},
	accepted: glooAccepts,
}

// traefikEditor is for TraefikServices that are weighted. Traefik drops one in which a
// Service has no pods, also if its weight is 0. Nothing says what it took.
var traefikEditor = &Editor{
	Kind: traefikServiceKind, lists: []backendList{{holders: "spec.weighted", path: "services"}}, absent: 1, sparing: true,
	service: func(backend map[string]any, namespace string) (serviceRef, bool) {
		ref := serviceRef{fields: backend, key: "name", port: backend["port"]}
		return ref, says(backend, "kind", "Service") && says(backend, "namespace", namespace)
	},
	accepted: func(Object) bool { return true },
}

// says reports whether a field has this value, or leaves it to be understood.
func says(fields map[string]any, key, value string) bool {
	given, ok := fields[key]
	return !ok || given == nil || given == "" || given == value
}

// part decodes metadata, status and some fields of the spec of an object whose other
// fields may have any shape.
func part(live Object, into any, fields ...string) bool {
	spec := map[string]any{}
	whole, _ := live.Object["spec"].(map[string]any)
	for _, name := range fields {
		if value, ok := whole[name]; ok {
			spec[name] = value
		}
	}
	known := map[string]any{"metadata": live.Object["metadata"], "spec": spec}
	if status, ok := live.Object["status"]; ok {
		known["status"] = status
	}
	return runtime.DefaultUnstructuredConverter.FromUnstructured(known, into) == nil
}
