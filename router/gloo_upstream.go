package router

import (
	"fmt"

	"github.com/serinhq/serin/workload"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The sides, as they stand in the names of Upstreams.
const (
	glooPrimary = "primary"
	glooCanary  = "canary"
)

// glooSettings are the fields of spec.upstreamRef that generated Upstreams copy. They
// follow the source as long as the Canary lives: what a side is connected with must
// not depend on the day on which it was first released.
var glooSettings = []string{
	"sslConfig", "circuitBreakers", "connectionConfig", "loadBalancerConfig",
	"useHttp2", "initialStreamWindowSize", "initialConnectionWindowSize", "httpProxyHostname",
}

// upstreamName is one that dashboards and the built-in metrics know.
func (s Service) upstreamName(side string) string {
	return fmt.Sprintf("%s-%s-%supstream-%d", s.Namespace, s.Name, side, s.Port)
}

// upstream leads to one Service. It has no metadata of the apex; of its source it has
// the labels that are copied everywhere else.
func (s Service) upstream(side, service, pods string, source *Object) Object {
	kube := map[string]any{"serviceName": service, "serviceNamespace": s.Namespace, "servicePort": int64(s.Port)}
	if s.Selector.Key != "" {
		kube["selector"] = s.selecting(pods)
	}
	spec := map[string]any{"kube": kube}
	object := Object{Object: map[string]any{"spec": spec}}
	object.SetGroupVersionKind(glooUpstreamKind)
	object.SetNamespace(s.Namespace)
	object.SetName(s.upstreamName(side))
	object.SetOwnerReferences(s.Owner.References())
	if source == nil {
		return object
	}
	if labels := workload.CopiedLabels(source.GetLabels(), s.Settings.Include); len(labels) > 0 {
		object.SetLabels(labels)
	}
	settings, ok := source.Object["spec"].(map[string]any)
	if !ok {
		return object
	}
	for _, name := range glooSettings {
		if value := runtime.DeepCopyJSONValue(settings[name]); value != nil {
			spec[name] = value
		}
	}
	return object
}

// glooSource is the Upstream that generated ones are like; nil if there need not be one.
func (s Service) glooSource() (*Object, error) {
	path, ref := field.NewPath("spec", "upstreamRef"), s.Upstream
	switch {
	case ref.Name == "":
		return nil, nil
	case ref.GroupKind() != glooUpstreamKind.GroupKind():
		return nil, field.NotSupported(path.Child("kind"), ref.GroupKind().String(), []string{glooUpstreamKind.GroupKind().String()})
	case ref.Namespace == s.Namespace && (ref.Name == s.upstreamName(glooPrimary) || ref.Name == s.upstreamName(glooCanary)):
		return nil, field.Invalid(path.Child("name"), ref.Name, "is an Upstream that is generated: name one of your own")
	}
	source := s.glooUpstream(ref.Namespace, ref.Name)
	if source == nil {
		return nil, field.NotFound(path, fmt.Sprintf("Upstream %s/%s: make it, or remove the field", ref.Namespace, ref.Name))
	}
	return source, nil
}

// glooUpstream returns a live Upstream; nil if there is none. Unlike Find it looks at
// the namespace: the source may be in another one.
func (s Service) glooUpstream(namespace, name string) *Object {
	for i := range s.Live {
		if s.Live[i].GetKind() == glooUpstreamKind.Kind && s.Live[i].GetNamespace() == namespace && s.Live[i].GetName() == name {
			return &s.Live[i]
		}
	}
	return nil
}
