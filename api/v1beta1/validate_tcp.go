package v1beta1

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// connections: a service of TCP has no requests that could be matched, copied or
// given a cookie, which a release must not find out in the middle. A provider that
// divides nothing but connections says so whatever the protocol.
func connections(c *Canary, f Features) field.ErrorList {
	a := c.Analysis()
	if !f.TCP || !f.Match || a == nil || !strings.EqualFold(c.Spec.Service.AppProtocol, "tcp") {
		return nil
	}
	var errs field.ErrorList
	for _, one := range []struct {
		name string
		set  bool
	}{{"match", len(a.Match) > 0}, {"mirror", a.Mirror}, {"sessionAffinity", a.SessionAffinity != nil}} {
		if one.set {
			errs = append(errs, field.Forbidden(c.analysisPath().Child(one.name),
				"spec.service.appProtocol is tcp, and connections have no requests; set it to http, or remove the field"))
		}
	}
	return errs
}
