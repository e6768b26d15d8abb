package v1beta1

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// foundation: some providers build upon an object of the user, which must be named.
func foundation(c *Canary, f Features) field.ErrorList {
	path := field.NewPath("spec")
	var errs field.ErrorList
	if f.Ingress && (c.Spec.IngressRef == nil || c.Spec.IngressRef.Name == "") {
		errs = append(errs, field.Required(path.Child("ingressRef"),
			"name the Ingress that leads to the service; the provider "+f.Provider+" builds upon it"))
	}
	if f.RouteRef && (c.Spec.RouteRef == nil || c.Spec.RouteRef.Name == "") {
		errs = append(errs, field.Required(path.Child("routeRef"),
			"name the ApisixRoute that leads to the service; the provider "+f.Provider+" builds upon it"))
	}
	if !f.RouteRef {
		errs = append(errs, inPlace(c, f)...)
	}
	return errs
}

// inPlace: a route of the user's must be one that the provider can divide in. That of
// APISIX may be named with any provider, for metric templates.
func inPlace(c *Canary, f Features) field.ErrorList {
	ref, path := c.Spec.RouteRef, field.NewPath("spec", "routeRef")
	switch {
	case ref == nil || ref.Kind == "ApisixRoute" || !slices.Contains(f.Available, f.Provider):
		return nil
	case ref.Name == "":
		return field.ErrorList{field.Required(path.Child("name"), "name the object in which requests are to be divided")}
	case f.Borrowed && c.Spec.TargetRef.Kind == "Service":
		return field.ErrorList{field.Forbidden(path, "a Service as target leads to the new version at once, and so would a route of yours; remove the field to have one made")}
	case f.Borrowed:
		return nil
	case f.Edits != "":
		return field.ErrorList{field.Invalid(path, ref.APIVersion+" "+ref.Kind,
			"the provider "+f.Provider+" divides requests in a "+f.Edits+"; name one, or remove the field to have one made")}
	default:
		return field.ErrorList{field.Forbidden(path, "the provider "+f.Provider+" cannot divide requests in a route of yours; remove the field")}
	}
}

// who says in errors and warnings what cannot do something.
func (f Features) who() string {
	if f.Borrowed {
		return "the provider " + f.Provider + " with spec.routeRef"
	}
	return "the provider " + f.Provider
}
