package router

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ingressKind is the kind behind spec.ingressRef, whatever version it names.
var ingressKind = schema.GroupVersionKind{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"}

// ingresses are the Ingress of the user and the one beside it, which is ours.
func ingresses(s Service) []Ref {
	if s.Ingress == "" {
		return nil
	}
	return []Ref{{ingressKind, s.Namespace, s.Ingress}, {ingressKind, s.Namespace, s.Ingress + "-canary"}}
}

// original is the object of the user that a route is made from.
func (s Service) original(ref, kind, name string) (Object, *field.Error) {
	path := field.NewPath("spec", ref)
	if name == "" {
		return Object{}, field.Required(path, fmt.Sprintf("name the %s that leads to Service %s", kind, s.Name))
	}
	live := s.Find(kind, name)
	if live == nil {
		return Object{}, field.Invalid(path.Child("name"), name,
			fmt.Sprintf("namespace %s has no %s of this name: create it, with Service %s behind it", s.Namespace, kind, s.Name))
	}
	return *live, nil
}

// unserved says that the original does not lead to the apex.
func (s Service) unserved(ref string, original Object) *field.Error {
	return field.Invalid(field.NewPath("spec", ref, "name"), original.GetName(), fmt.Sprintf(
		"this %s does not lead to Service %s: let one of its backends name it, or set spec.service.name to the Service that they name", original.GetKind(), s.Name))
}

// beside is an object with the metadata of the original that it is made from. One
// that was there before belongs to the user and gets no owner.
func (s Service) beside(original Object, name string, spec map[string]any) Object {
	object := Object{Object: map[string]any{"spec": spec}}
	object.SetGroupVersionKind(original.GroupVersionKind())
	object.SetNamespace(s.Namespace)
	object.SetName(name)
	object.SetLabels(merged(carriedOver(original.GetLabels())))
	object.SetAnnotations(merged(carriedOver(original.GetAnnotations())))
	if live := s.Find(object.GetKind(), name); live == nil || s.Owner.Claim(live) != workload.Unclaimed {
		object.SetOwnerReferences(s.Owner.References())
	}
	return object
}

// carriedOver leaves out keys that say something about the original alone: tools
// that put them there would take the copy for the original, ask for its certificate
// twice, or write the key again and again.
func carriedOver(all map[string]string) map[string]string {
	kept := map[string]string{}
	for key, value := range all {
		switch domain, _, _ := strings.Cut(key, "/"); {
		case strings.HasSuffix(domain, "toolkit.fluxcd.io"):
		case strings.HasSuffix(domain, "cert-manager.io"), key == "kubernetes.io/tls-acme":
		case domain == "argocd.argoproj.io", domain == "meta.helm.sh", domain == "serin.dev":
		case key == corev1.LastAppliedConfigAnnotation, key == "field.cattle.io/publicEndpoints":
		default:
			kept[key] = value
		}
	}
	return kept
}

// annotated adds annotations to an object that is being made.
func annotated(object Object, more map[string]string) Object {
	object.SetAnnotations(merged(object.GetAnnotations(), more))
	return object
}

// noted puts a digest of an object on it, and then the annotations that move with each
// step. A live object that has a field too many covers the one that is wanted, so that
// nothing else would tell that the original lost a field, or the route a condition.
func noted(object Object, moving map[string]string) (Object, error) {
	text, err := json.Marshal(object.Object) // maps come out sorted
	if err != nil {
		return Object{}, fmt.Errorf("encode %s %s: %w", object.GetKind(), object.GetName(), err)
	}
	sum := sha256.Sum256(text)
	digest := map[string]string{workload.RenderedAnnotation: hex.EncodeToString(sum[:10])}
	return annotated(object, merged(digest, moving)), nil
}

// dividing is our object among those of a route; false if there is none yet. Its name
// is the longest of those that end as ours do: the original's may end so, too.
func dividing(objects []Object) (ours Object, found bool) {
	for _, object := range objects {
		if name := object.GetName(); strings.HasSuffix(name, "-canary") && len(name) > len(ours.GetName()) {
			ours, found = object, true
		}
	}
	return ours, found
}

// steppingAside leaves with a route that is rendered out of the way of the original,
// which leads to the apex. It stays like this and goes with the Canary, so that nothing
// is left at the last. Where the original is gone or leads elsewhere, nobody asks us.
func steppingAside(render func(Service, rollout.Release) (Object, error)) func(Service, rollout.Release) ([]Object, error) {
	return func(s Service, how rollout.Release) ([]Object, error) {
		if how == rollout.Alone {
			return nil, nil
		}
		s.Audience = nil
		object, err := render(s, how)
		if _, gone := errors.AsType[*field.Error](err); gone {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if live := s.Find(object.GetKind(), object.GetName()); live != nil && s.Owner.Claim(live) == workload.Theirs {
			return nil, nil
		}
		return []Object{object}, nil
	}
}

// besideIngress is a provider that divides by an Ingress beside the user's own. Neither
// of those systems says anywhere what it took, so that a route is accepted when it is there.
func besideIngress(caps Caps, render func(Service, rollout.Route) (Object, error), read func(map[string]string) (rollout.Route, error)) Provider {
	return Provider{
		Caps:  caps,
		Kinds: []schema.GroupVersionKind{ingressKind},
		Reads: ingresses,
		Render: func(s Service, r rollout.Route) ([]Object, error) {
			object, err := render(s, r)
			if err != nil {
				return nil, fmt.Errorf("render Ingress %s/%s-canary: %w", s.Namespace, s.Ingress, err)
			}
			return []Object{object}, nil
		},
		Leave: steppingAside(func(s Service, _ rollout.Release) (Object, error) { return render(s, rollout.Split(0)) }),
		Parse: func(objects []Object) (rollout.Route, bool, error) {
			live, ok := dividing(objects)
			if !ok {
				return rollout.Route{}, false, nil
			}
			route, err := read(live.GetAnnotations())
			if err != nil {
				return rollout.Route{}, false, fmt.Errorf("parse Ingress %s/%s: %w", live.GetNamespace(), live.GetName(), err)
			}
			return route, true, nil
		},
	}
}

// pathsOf are the paths of a rule of an Ingress.
func pathsOf(rule any) (http map[string]any, paths []any) {
	fields, ok := rule.(map[string]any)
	if !ok {
		return nil, nil
	}
	if http, ok = fields["http"].(map[string]any); !ok {
		return nil, nil
	}
	paths, ok = http["paths"].([]any)
	if !ok {
		return nil, nil
	}
	return http, paths
}

// rename lets a backend of an Ingress name another Service, if it names the first.
func rename(backend any, from, to string) bool {
	fields, ok := backend.(map[string]any)
	if !ok {
		return false
	}
	service, ok := fields["service"].(map[string]any)
	if !ok || service["name"] != from {
		return false
	}
	service["name"] = to
	return true
}

// specOf is a copy of an object's spec.
func specOf(object Object) (map[string]any, error) {
	spec, _, err := unstructured.NestedMap(object.Object, "spec")
	return spec, err
}
