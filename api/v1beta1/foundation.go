package v1beta1

import "k8s.io/apimachinery/pkg/util/validation/field"

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
	return errs
}
