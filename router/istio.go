package router

import (
	"fmt"
	"slices"
	"strings"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var (
	istioGroup      = schema.GroupVersion{Group: "networking.istio.io", Version: "v1beta1"}
	virtualService  = istioGroup.WithKind("VirtualService")
	destinationRule = istioGroup.WithKind("DestinationRule")
)

// istio drives sidecars and gateways by a VirtualService of the apex's name. Each
// side has a DestinationRule, which says how to talk to it.
//
//	rule for the audience  audience x service matches  primary w, canary 100-w, mirror
//	rule for the others    service matches             primary 100
//
// Without Match there is only the first rule, for all service matches. Cookies
// put more rules before the first, see [istioParts]. With the protocol TCP one rule
// divides connections instead.
var istio = Provider{
	Caps:   istioCaps,
	Kinds:  []schema.GroupVersionKind{virtualService, destinationRule},
	Fields: []string{"hosts", "gateways", "delegation", "match", "rewrite", "headers", "corsPolicy", "timeout", "retries", "trafficPolicy"},
	Atomic: true,
	Reads: func(s Service) []Ref {
		return []Ref{{virtualService, s.Namespace, s.Name}, {destinationRule, s.Namespace, s.CanaryName()}, {destinationRule, s.Namespace, s.PrimaryName()}}
	},
	Render: func(s Service, r rollout.Route) ([]Object, error) {
		route, err := renderVirtualService(s, r)
		if err != nil {
			return nil, fmt.Errorf("render VirtualService %s/%s: %w", s.Namespace, s.Name, err)
		}
		// A side is described before requests are led to it.
		return []Object{s.destinationRule(s.CanaryName()), s.destinationRule(s.PrimaryName()), route}, nil
	},
	Leave: func(s Service, how rollout.Release) ([]Object, error) {
		objects, err := leaveVirtualService(s, how)
		if err != nil {
			return nil, fmt.Errorf("render VirtualService %s/%s: %w", s.Namespace, s.Name, err)
		}
		return objects, nil
	},
	Edit:  istioEditor,
	Parse: parseVirtualService,
}

var istioCaps = Caps{Weight: true, Mirror: true, Match: true, Scoped: true, Affinity: true, PrimaryCookie: true, TCP: true}

func renderVirtualService(s Service, r rollout.Route) (Object, error) {
	if err := istioCaps.validate(r); err != nil {
		return Object{}, err
	}
	spec, problems := s.istioSpec(r)
	if len(problems) > 0 {
		return Object{}, problems.ToAggregate()
	}
	route, err := s.virtualService(spec)
	if err != nil {
		return Object{}, err
	}
	s.keepOriginal(&route)
	return route, nil
}

// istioSpec is what becomes of a Service under a route.
func (s Service) istioSpec(r rollout.Route) (istioSpec, field.ErrorList) {
	var spec istioSpec
	var problems, more field.ErrorList
	spec.Hosts, spec.Gateways, problems = s.istioHosts()
	if s.tcp() {
		spec.TCP, more = s.istioConnections(r)
	} else {
		spec.HTTP, more = s.istioRequests(r)
	}
	return spec, append(problems, more...)
}

// istioHosts are the hosts and gateways of the VirtualService; none if another one
// delegates to it.
func (s Service) istioHosts() (hosts, gateways []string, problems field.ErrorList) {
	service := field.NewPath("spec", "service")
	if s.Delegation {
		const whole = "the VirtualService that delegates to this one has them: remove the field, or spec.service.delegation"
		if len(s.Hosts) > 0 {
			problems = append(problems, field.Forbidden(service.Child("hosts"), whole))
		}
		if len(s.Gateways) > 0 {
			problems = append(problems, field.Forbidden(service.Child("gateways"), whole))
		}
		return nil, nil, problems
	}
	hosts, gateways = slices.Clone(s.Hosts), s.Gateways
	if !slices.Contains(hosts, s.Name) && !slices.Contains(hosts, "*") {
		hosts = append(hosts, s.Name)
	}
	if len(gateways) == 0 {
		gateways = []string{"mesh"}
	}
	return hosts, gateways, nil
}

// destination is a Service as the target of requests. Sidecars find its port by
// the one that was called; a gateway cannot if the Service has several.
func (s Service) destination(name string) istioDestination {
	gateway := s.Delegation || len(s.Gateways) > 0 && s.Gateways[0] != "mesh"
	if !s.Discovery || !gateway {
		return istioDestination{Host: name}
	}
	return istioDestination{Host: name, Port: &istioPort{s.Port}}
}

// tcp reports whether connections are divided instead of requests.
func (s Service) tcp() bool { return strings.EqualFold(s.AppProtocol, "tcp") }

// destinationRule of a side.
func (s Service) destinationRule(side string) Object {
	spec := map[string]any{"host": side}
	if len(s.TrafficPolicy) > 0 {
		spec["trafficPolicy"] = runtime.DeepCopyJSON(s.TrafficPolicy)
	}
	object := Object{Object: map[string]any{"spec": spec}}
	object.SetGroupVersionKind(destinationRule)
	object.SetNamespace(s.Namespace)
	object.SetName(side)
	object.SetOwnerReferences(s.Owner.References())
	return object
}

// virtualService is the object with this spec.
func (s Service) virtualService(spec istioSpec) (Object, error) {
	fields, err := spec.fields()
	if err != nil {
		return Object{}, err
	}
	if s.Delegation { // whoever has hosts or gateways is no delegate: those of the user go
		for _, name := range []string{"hosts", "gateways"} {
			if s.liveVirtualService().has("spec", name) {
				fields[name] = []any{}
			}
		}
	}
	return s.route(virtualService, fields), nil
}
