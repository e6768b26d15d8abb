package router

import (
	"fmt"
	"slices"
	"strings"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kuma drives the TrafficRoute of Kuma before 2.15. It is an object of the cluster,
// so that it has no owner and does not go with the Canary, and its name is that of
// the apex without a namespace, as under Flagger: one that leads to another
// namespace belongs to somebody else and is left alone.
//
//	http entry per entry of the audience  its headers  primary w, canary 100-w
//	split, for the others                              primary 100
//
// Without Match there is only the split, with both sides.
var kuma = Provider{
	Caps:   kumaCaps,
	Kinds:  []schema.GroupVersionKind{kumaRouteKind},
	Atomic: true,
	Reads:  func(s Service) []Ref { return []Ref{{GroupVersionKind: kumaRouteKind, Name: s.Name}} },
	Render: func(s Service, r rollout.Route) ([]Object, error) {
		route, err := s.renderKuma(r)
		if err != nil {
			return nil, fmt.Errorf("render TrafficRoute %s: %w", s.Name, err)
		}
		return []Object{route}, nil
	},
	Leave: func(s Service, how rollout.Release) ([]Object, error) {
		if s.kumaRival() != "" {
			return nil, nil
		}
		return []Object{s.leaveKuma(how)}, nil
	},
	Parse: parseKumaRoutes,
}

var (
	kumaCaps      = Caps{Weight: true, Match: true, Scoped: true, TCP: true}
	kumaRouteKind = schema.GroupVersionKind{Group: "kuma.io", Version: "v1alpha1", Kind: "TrafficRoute"}
)

const (
	kumaServiceTag  = "kuma.io/service"
	kumaDefaultMesh = "default"
)

// A kumaEnd is a Service with its weight among others.
type kumaEnd struct {
	name   string
	weight int
}

func (s Service) renderKuma(r rollout.Route) (Object, error) {
	if err := kumaCaps.validate(r); err != nil {
		return Object{}, err
	}
	if other := s.kumaRival(); other != "" {
		return Object{}, fmt.Errorf("it leads to a service of the namespace %s, and TrafficRoutes have no namespace: "+
			"give spec.service.name a name that is used once in the cluster, or delete the TrafficRoute if nobody needs it", other)
	}
	division, err := s.kumaDivision(r)
	if err != nil {
		return Object{}, err
	}
	return s.kumaRoute(division), nil
}

func (s Service) kumaRoute(division map[string]any) Object {
	object := s.route(kumaRouteKind, map[string]any{
		"sources":      []any{map[string]any{"match": map[string]any{kumaServiceTag: "*"}}},
		"destinations": []any{map[string]any{"match": s.kumaTag(s.Name)}},
		"conf":         division,
	})
	object.SetNamespace("")
	object.SetOwnerReferences(nil) // what has a namespace cannot own what has none
	object.Object["mesh"] = kumaDefaultMesh
	if s.Mesh != "" {
		object.Object["mesh"] = s.Mesh
	}
	return object
}

// kumaTag names a Service as Kuma does.
func (s Service) kumaTag(name string) map[string]any {
	return map[string]any{kumaServiceTag: fmt.Sprintf("%s_%s_svc_%d", name, s.Namespace, s.Port)}
}

// kumaRival is the namespace that the live TrafficRoute of this name leads to, if it
// does not lead to the Service's own; empty if there is none. It is told from the
// route itself, so that it holds for those that Flagger made, too.
func (s Service) kumaRival() string {
	live := s.Find(kumaRouteKind.Kind, s.Name)
	if live == nil {
		return ""
	}
	spec, err := readKuma(*live)
	if err != nil {
		return "" // no route at all: it is replaced
	}
	var found []string
	for _, destination := range spec.Destinations {
		found = append(found, kumaNamespace(destination.Match[kumaServiceTag]))
	}
	for _, end := range spec.Conf.Split {
		found = append(found, kumaNamespace(end.Destination[kumaServiceTag]))
	}
	found = slices.DeleteFunc(found, func(namespace string) bool { return namespace == "" })
	if len(found) == 0 || slices.Contains(found, s.Namespace) {
		return ""
	}
	return found[0]
}

// kumaNamespace is that of a service of Kubernetes; empty for another.
func kumaNamespace(service string) string {
	if parts := strings.Split(service, "_"); len(parts) == 4 && parts[2] == "svc" {
		return parts[1]
	}
	return ""
}

// leaveKuma leads to the apex. The TrafficRoute stays for a person to delete.
func (s Service) leaveKuma(how rollout.Release) Object {
	primary, canary, apex := kumaEnd{s.PrimaryName(), 100}, kumaEnd{s.CanaryName(), 0}, kumaEnd{s.Name, 0}
	switch how {
	case rollout.Kept, rollout.Named:
		return s.kumaRoute(map[string]any{"split": s.kumaSplit(primary, canary, apex)})
	case rollout.Served, rollout.Alone:
	}
	primary.weight, apex.weight = 0, 100
	ends := []kumaEnd{primary, canary, apex}
	if how == rollout.Alone {
		ends = ends[2:]
	}
	object := s.kumaRoute(map[string]any{"split": s.kumaSplit(ends...)})
	object.SetAnnotations(s.Apex.with(nil, nil).Annotations)
	return object
}
