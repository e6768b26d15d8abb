package router

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// nodes of the two sides. The injector of the second generation finds the node of a pod
// when the pod starts, and refuses one without a node, so that they have to be first.
func (version appMeshVersion) nodes(s Service) ([]Object, field.ErrorList) {
	service := field.NewPath("spec", "service")
	problems := appMeshWhole(service.Child("timeout"), s.Timeout)
	if version == appMeshFirst && s.MeshName == "" {
		problems = append(problems, field.Required(service.Child("meshName"), "name the mesh"))
	}
	for i, backend := range s.Backends {
		if backend == "" {
			problems = append(problems, field.Required(service.Child("backends").Index(i), "name a VirtualService"))
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	primary := version.node(s, s.PrimaryName(), s.PrimaryName(), s.Selector.Primary())
	canary := version.node(s, s.CanaryName(), s.CanaryName(), s.Selector.Value)
	if version == appMeshFirst {
		return []Object{primary, canary, version.node(s, s.Name, s.PrimaryName(), s.Selector.Primary())}, nil
	}
	return []Object{primary, canary}, nil
}

// node of a name. Requests to it go to the Service host, pods with the label are part of it.
func (version appMeshVersion) node(s Service, name, host, label string) Object {
	listener := map[string]any{"portMapping": version.port(s)}
	spec := map[string]any{"listeners": []any{listener}}
	switch version {
	case appMeshFirst:
		spec["meshName"] = s.MeshName
		spec["serviceDiscovery"] = map[string]any{"dns": map[string]any{"hostName": host + "." + s.Namespace}}
	case appMeshSecond:
		if s.Selector.Key != "" { // a target that is a Service says nothing about pods
			spec["podSelector"] = map[string]any{"matchLabels": s.selecting(label)}
		}
		spec["serviceDiscovery"] = map[string]any{"dns": map[string]any{"hostname": host + "." + s.Namespace + ".svc.cluster.local."}}
		if s.Timeout != 0 {
			listener["timeout"] = map[string]any{appMeshProtocol(s): map[string]any{"perRequest": appMeshSpan(s.Timeout)}}
		}
	}
	var backends []any
	for _, backend := range s.Backends {
		backends = append(backends, map[string]any{"virtualService": version.backend(backend)})
	}
	if len(backends) > 0 {
		spec["backends"] = backends
	}
	if s.AccessLog {
		spec["logging"] = map[string]any{"accessLog": map[string]any{"file": map[string]any{"path": "/dev/stdout"}}}
	}
	node := version.object(s, appMeshNode, name, spec)
	meta := s.Apex.with(nil, optOuts)
	node.SetLabels(meta.Labels)
	node.SetAnnotations(meta.Annotations)
	return node
}

func (version appMeshVersion) backend(name string) map[string]any {
	switch {
	case version == appMeshFirst:
		return map[string]any{"virtualServiceName": name}
	case strings.HasPrefix(name, "arn:aws"):
		return map[string]any{"virtualServiceARN": name}
	default:
		return map[string]any{"virtualServiceRef": map[string]any{"name": name}}
	}
}

// appMeshWhole refuses parts of a millisecond: less than one would become none, which is no limit.
func appMeshWhole(path *field.Path, d time.Duration) field.ErrorList {
	if d > 0 && d%time.Millisecond != 0 {
		return field.ErrorList{field.Invalid(path, d.String(), "App Mesh counts milliseconds: give a whole number of them")}
	}
	return nil
}

// appMeshSpan is a duration as the second generation writes it.
func appMeshSpan(d time.Duration) map[string]any {
	return map[string]any{"unit": "ms", "value": max(d, 0).Milliseconds()}
}
