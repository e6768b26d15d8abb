package router

import (
	"fmt"
	"strings"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// An appMeshVersion is a generation of the API of App Mesh. The first names its mesh,
// has the router inside of the VirtualService and a node for the apex; the second has
// routers of their own and finds the pods of a node by their labels.
//
//	VirtualService apex    router apex    -a  audience x service matches  canary w, primary 100-w
//	                                      -b  service matches             primary 100
//	VirtualService canary  router canary      service matches             canary 100, always
//
// Without Match the apex has one route for each service match, with both sides.
type appMeshVersion string

const (
	appMeshFirst  appMeshVersion = "v1beta1"
	appMeshSecond appMeshVersion = "v1beta2"
)

// appMeshCaps: the weights of a route must not sum to more than 100.
var appMeshCaps = Caps{Weight: true, Match: true, Scoped: true, Whole: true}

func appMesh(version appMeshVersion) Provider {
	p := Provider{
		Caps:   appMeshCaps,
		Kinds:  []schema.GroupVersionKind{version.kind(appMeshNode), version.kind(appMeshService)},
		Fields: []string{"hosts", "match", "timeout", "retries", "backends"},
		Reads:  version.reads,
		Atomic: true,
		Ahead: func(s Service) ([]Object, error) {
			nodes, problems := version.nodes(s)
			return nodes, version.failure(s, problems)
		},
		Render: func(s Service, r rollout.Route) ([]Object, error) {
			objects, err := version.render(s, r)
			if err != nil {
				return nil, fmt.Errorf("render VirtualService %s/%s: %w", s.Namespace, version.service(s, s.Name), err)
			}
			return objects, nil
		},
		Leave: version.leave,
		Parse: version.parse,
	}
	switch version {
	case appMeshFirst:
		p.Fields = append(p.Fields, "meshName")
	case appMeshSecond:
		p.Kinds = append(p.Kinds, version.kind(appMeshRouter))
	}
	return p
}

// The kinds of App Mesh. The first generation has no routers.
const (
	appMeshNode    = "VirtualNode"
	appMeshRouter  = "VirtualRouter"
	appMeshService = "VirtualService"
)

func (version appMeshVersion) kind(name string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "appmesh.k8s.aws", Version: string(version), Kind: name}
}

func (version appMeshVersion) reads(s Service) []Ref {
	var refs []Ref
	add := func(kind string, names ...string) {
		for _, name := range names {
			refs = append(refs, Ref{version.kind(kind), s.Namespace, name})
		}
	}
	add(appMeshNode, s.PrimaryName(), s.CanaryName())
	add(appMeshService, version.service(s, s.Name), version.service(s, s.CanaryName()))
	switch version {
	case appMeshFirst:
		add(appMeshNode, s.Name)
	case appMeshSecond:
		add(appMeshRouter, s.Name, s.CanaryName())
	}
	return refs
}

// service is the name of a VirtualService, which is the host that callers ask for.
func (version appMeshVersion) service(s Service, name string) string {
	if version == appMeshFirst {
		return name + "." + s.Namespace
	}
	return name
}

func (version appMeshVersion) failure(s Service, problems field.ErrorList) error {
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("render VirtualNode %s/%s: %w", s.Namespace, s.PrimaryName(), problems.ToAggregate())
}

// render puts what is led to before what leads there: App Mesh makes them in that order.
func (version appMeshVersion) render(s Service, r rollout.Route) ([]Object, error) {
	if err := appMeshCaps.validate(r); err != nil {
		return nil, err
	}
	objects, problems := version.nodes(s)
	shape, more := version.shape(s)
	problems = append(problems, more...)
	routes, more := shape.routes(s, r)
	if problems = append(problems, more...); len(problems) > 0 {
		return nil, problems.ToAggregate()
	}
	objects = append(objects, version.routed(s, s.CanaryName(), shape.fixed(s), nil)...)
	return append(objects, version.routed(s, s.Name, routes, version.gateway(s))...), nil
}

// routed is a VirtualService with its router.
func (version appMeshVersion) routed(s Service, name string, routes []any, annotations map[string]string) []Object {
	listeners := []any{map[string]any{"portMapping": version.port(s)}}
	if version == appMeshFirst {
		service := version.object(s, appMeshService, version.service(s, name), map[string]any{
			"meshName": s.MeshName, "routes": routes, "virtualRouter": map[string]any{"name": name, "listeners": listeners},
		})
		service.SetAnnotations(annotations)
		return []Object{service}
	}
	router := version.object(s, appMeshRouter, name, map[string]any{"listeners": listeners, "routes": routes})
	ref := map[string]any{"virtualRouterRef": map[string]any{"name": name}}
	service := version.object(s, appMeshService, name, map[string]any{"provider": map[string]any{"virtualRouter": ref}})
	service.SetAnnotations(annotations)
	return []Object{router, service}
}

// appMeshExpose tells the App Mesh gateway of a VirtualService.
const appMeshExpose = "gateway.appmesh.k8s.aws/expose"

// gateway annotates the apex for the App Mesh gateway, if there are hosts. The second
// generation has the timeout and the retries in its routes.
func (version appMeshVersion) gateway(s Service) map[string]string {
	if len(s.Hosts) == 0 {
		return nil
	}
	const prefix = "gateway.appmesh.k8s.aws/"
	annotations := map[string]string{appMeshExpose: "true", prefix + "domain": strings.Join(s.Hosts, ",") + ","}
	if version == appMeshFirst && s.Timeout != 0 {
		annotations[prefix+"timeout"] = max(s.Timeout, 0).String()
	}
	if version == appMeshFirst && s.Retries.Attempts > 0 {
		annotations[prefix+"retries"] = fmt.Sprint(s.Retries.Attempts)
	}
	return annotations
}

// object has no metadata but its owner.
func (version appMeshVersion) object(s Service, kind, name string, spec map[string]any) Object {
	object := Object{Object: map[string]any{"spec": spec}}
	object.SetGroupVersionKind(version.kind(kind))
	object.SetNamespace(s.Namespace)
	object.SetName(name)
	object.SetOwnerReferences(s.Owner.References())
	return object
}

// port that nodes and routers listen on. The first generation knows no other than the Service's.
func (version appMeshVersion) port(s Service) map[string]any {
	port := int64(s.Port)
	if version == appMeshSecond && s.TargetPort.IntVal > 0 {
		port = int64(s.TargetPort.IntVal)
	}
	return map[string]any{"port": port, "protocol": appMeshProtocol(s)}
}

func appMeshProtocol(s Service) string {
	if strings.Contains(s.PortName, "grpc") {
		return "grpc"
	}
	return "http"
}
