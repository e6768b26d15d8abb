package router

import (
	"errors"
	"fmt"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// An Editor divides requests in objects of one kind that users own. Of the lists of
// backends it touches those that name the apex, and in them the weights and one entry:
//
//	at rest       podinfo                            as the user wrote it
//	in a release  podinfo 90  podinfo-canary 10      all else of the entry is the same on both
//
// The canary is named from the beginning of a release to its end, also without a share,
// where that is allowed: a proxy that hears of a backend together with its share, or no
// more of one that had a share a moment ago, loses the requests in between.
//
// The apex stays, as it leads to the primary's pods anyway: most requests never move to
// a backend of which a proxy has just heard, and whatever becomes of the release, the
// object leads home but for the share of the canary.
type Editor struct {
	Kind schema.GroupVersionKind // that spec.routeRef may name, in whatever version

	lists    []backendList
	service  func(backend map[string]any, namespace string) (serviceRef, bool) // false if it is none of this namespace
	copies   string                                                            // the field of a backend that is a mirror, and so no part of the division
	absent   int64                                                             // what no weight means; nothing but absent zeros are equal parts
	sparing  bool                                                              // a backend without traffic must not be named
	accepted func(Object) bool                                                 // whether the data plane took the object as it is
}

// InPlace is the provider for a Service whose route is the user's own: it changes the
// object that spec.routeRef names, and renders no other. It is p itself if the Service
// names no object that p can change.
func (p Provider) InPlace(s Service) Provider {
	e := p.Edit
	if e == nil || s.Route.Name == "" || s.Route.GroupKind() != e.Kind.GroupKind() {
		return p
	}
	return Provider{
		Caps:     Caps{Weight: true, TCP: p.Caps.TCP, Whole: p.Caps.Whole},
		Kinds:    []schema.GroupVersionKind{e.Kind},
		Reads:    func(s Service) []Ref { return []Ref{{e.Kind, s.Namespace, s.Route.Name}} },
		Edit:     e,
		Borrowed: true,
		Atomic:   true,
		Render: func(s Service, r rollout.Route) ([]Object, error) {
			object, err := e.render(s, r)
			if err != nil {
				return nil, fmt.Errorf("divide %s %s/%s: %w", e.Kind.Kind, s.Namespace, s.Route.Name, err)
			}
			return []Object{object}, nil
		},
		Leave: func(s Service, _ rollout.Release) ([]Object, error) {
			live := s.Find(e.Kind.Kind, s.Route.Name)
			if live == nil {
				return nil, nil // its user has given up what would be given back
			}
			return []Object{e.Restore(*live, s)}, nil
		},
		Parse: func(objects []Object) (rollout.Route, bool, error) {
			if len(objects) == 0 {
				return rollout.Route{}, false, nil
			}
			route, err := e.Parse(objects[0], s)
			if err != nil {
				return rollout.Route{}, false, fmt.Errorf("parse %s %s/%s: %w", e.Kind.Kind, s.Namespace, s.Route.Name, err)
			}
			return route, e.accepted(objects[0]), nil
		},
	}
}

// Edits names the kind of object that the provider can divide in, as Kind.group; empty
// if there is none.
func (p Provider) Edits() string {
	if p.Edit == nil {
		return ""
	}
	return p.Edit.Kind.GroupKind().String()
}

func (e *Editor) render(s Service, r rollout.Route) (Object, error) {
	if err := (Caps{Weight: true}).validate(r); err != nil {
		return Object{}, err
	}
	live, problem := s.original("routeRef", e.Kind.Kind, s.Route.Name)
	if problem != nil {
		return Object{}, problem
	}
	return e.Divide(live, s, r)
}

// Divide returns a copy of the object that divides as the route says. Between releases
// it is as the user has it. What somebody else changed since it was edited
// last stays: the weights that were kept count only where they still fit.
func (e *Editor) Divide(live Object, s Service, r rollout.Route) (Object, error) {
	object := *live.DeepCopy()
	var kept []keptList
	var problems []error
	found := false
	share, named := r.Canary, r.Canary > 0 || s.Trying && !e.sparing
	if !named {
		share = 1 // At rest it is only tried: a release must not find out in the middle.
	}
	e.each(object, s, func(l *openList) {
		l.restore()
		if l.leads() {
			found = true
			divided, err := l.divided(share)
			switch {
			case err != nil:
				problems = append(problems, fmt.Errorf("%s: %w", l.at, err))
			case named && divided != nil:
				kept = append(kept, l.kept())
				l.entries, l.single, l.changed = divided, false, true
			}
		}
		l.put()
	})
	switch err := errors.Join(problems...); {
	case !found:
		return Object{}, s.unserved("routeRef", live)
	case err != nil:
		return Object{}, field.Invalid(field.NewPath("spec", "routeRef", "name"), live.GetName(), err.Error())
	}
	return object, keep(&object, s.Name, kept)
}

// Restore returns a copy of the object as the user has it, whatever else is wrong with it.
func (e *Editor) Restore(live Object, s Service) Object {
	object := *live.DeepCopy()
	e.each(object, s, func(l *openList) {
		l.restore()
		l.put()
	})
	if err := keep(&object, s.Name, nil); err != nil {
		object.SetAnnotations(without(object.GetAnnotations(), OriginalAnnotation)) // nobody can read it
	}
	return object
}

// Parse returns the route that the object expresses for a Service.
func (e *Editor) Parse(live Object, s Service) (rollout.Route, error) {
	object := *live.DeepCopy()
	route, first := rollout.Split(0), ""
	var problem error
	e.each(object, s, func(l *openList) {
		share, leads := l.share()
		switch {
		case !leads:
		case first == "":
			route, first = rollout.Split(share), l.at
		case route.Canary != share:
			problem = fmt.Errorf("%s divides the requests differently from %s", l.at, first)
		}
	})
	return route, problem
}

// each opens all lists of backends of an object.
func (e *Editor) each(object Object, s Service, visit func(*openList)) {
	before := keptOf(object, s.Name)
	for _, list := range e.lists {
		list.each(object.Object, func(at string, holder map[string]any) {
			l := &openList{Editor: e, backendList: list, service: s, at: at, holder: holder, before: before}
			if l.read() {
				visit(l)
			}
		})
	}
}
