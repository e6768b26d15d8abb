package router

import (
	"fmt"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// traefik drives Traefik by a TraefikService, to which the user's IngressRoute leads.
// It is either weighted or mirroring, and neither says who is meant: there is no A/B.
//
// A side without traffic is not named, as in Flagger. Traefik resolves the endpoints
// of all sides, those of weight 0 included, when it reads the object, and by default
// drops the whole TraefikService when one has none: that is the canary at rest.
//
// Its own sticky cookies are not offered: they keep a user on a side for ever, and
// have no value that belongs to a release.
var traefik = Provider{
	Caps:   traefikCaps,
	Kinds:  []schema.GroupVersionKind{traefikServiceKind},
	Atomic: true,
	Render: func(s Service, r rollout.Route) ([]Object, error) {
		service, err := s.traefikService(r)
		if err != nil {
			return nil, fmt.Errorf("render TraefikService %s/%s: %w", s.Namespace, s.Name, err)
		}
		return []Object{service}, nil
	},
	Leave: func(s Service, how rollout.Release) ([]Object, error) { return []Object{s.leaveTraefik(how)}, nil },
	Edit:  traefikEditor,
	Parse: parseTraefikServices,
}

var (
	traefikCaps        = Caps{Weight: true, Mirror: true}
	traefikServiceKind = schema.GroupVersionKind{Group: "traefik.io", Version: "v1alpha1", Kind: "TraefikService"}
)

func (s Service) traefikService(r rollout.Route) (Object, error) {
	if err := traefikCaps.validate(r); err != nil {
		return Object{}, err
	}
	if r.Mirror > 0 {
		return s.traefikMirror(r)
	}
	primary, canary := r.Weights()
	return s.weighted(s.traefikEnd(s.PrimaryName(), primary), s.traefikEnd(s.CanaryName(), canary)), nil
}

// weighted divides requests between the ends that have a weight.
func (s Service) weighted(ends ...map[string]any) Object {
	var named []any
	for _, end := range ends {
		if end["weight"] != int64(0) {
			named = append(named, end)
		}
	}
	return s.route(traefikServiceKind, map[string]any{"weighted": map[string]any{"services": named}})
}

// traefikMirror copies requests of the primary to the canary. A TraefikService that
// mirrors divides nothing; releases mirror before the first weight or not at all.
func (s Service) traefikMirror(r rollout.Route) (Object, error) {
	analysis := field.NewPath("spec", "analysis")
	unit := rollout.Percent(1)
	switch {
	case r.Canary > 0:
		return Object{}, field.Forbidden(analysis.Child("mirror"), "a TraefikService cannot mirror while the canary has a weight: unset one of the two")
	case r.Mirror%unit != 0:
		return Object{}, field.Invalid(analysis.Child("mirrorWeight"), fmt.Sprintf("%d.%d", r.Mirror/unit, r.Mirror%unit),
			"a TraefikService copies whole percents: set a whole number")
	}
	main, copied := s.traefikEnd(s.PrimaryName(), 0), s.traefikEnd(s.CanaryName(), 0)
	delete(main, "weight")
	delete(copied, "weight")
	copied["percent"] = int64(r.Mirror / unit)
	main["mirrors"] = []any{copied}
	return s.route(traefikServiceKind, map[string]any{"mirroring": main}), nil
}

func (s Service) traefikEnd(name string, weight int) map[string]any {
	return map[string]any{"name": name, "namespace": s.Namespace, "port": int64(s.Port), "weight": int64(weight)}
}

// leaveTraefik leads the user's IngressRoute to the apex. It need not be named before:
// Traefik takes a Service and its endpoints in one go.
func (s Service) leaveTraefik(how rollout.Release) Object {
	switch how {
	case rollout.Kept, rollout.Named:
		return s.weighted(s.traefikEnd(s.PrimaryName(), 100))
	case rollout.Served, rollout.Alone:
	}
	object := s.weighted(s.traefikEnd(s.Name, 100))
	object.SetOwnerReferences(nil)
	object.SetAnnotations(s.Apex.with(nil, nil).Annotations)
	return object
}
