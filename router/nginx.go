package router

import (
	"maps"
	"strconv"
	"strings"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var nginxCaps = Caps{Weight: true, Match: true, Ingress: true}

// nginx drives ingress-nginx. Beside the user's Ingress stands a copy of it whose
// annotations say which requests go to the canary; all others follow the original,
// to the apex.
//
//	user's Ingress    path -> apex
//	its copy          path -> canary, by weight or for those with a header or cookie
//
// The copy stays with weight 0 at rest: the admission webhook takes a second Ingress
// for the same path only as long as it is a canary's.
var nginx = besideIngress(nginxCaps, renderNginx, nginxRoute)

// The annotations that make an Ingress a canary's, behind the prefix.
const (
	canaryKey       = "/canary"
	canaryWeight    = "/canary-weight"
	canaryTotal     = "/canary-weight-total"
	canaryByHeader  = "/canary-by-header"
	canaryByCookie  = "/canary-by-cookie"
	canaryByValue   = "/canary-by-header-value"
	canaryByPattern = "/canary-by-header-pattern"
	wholeWeight     = 100 // what a weight is of where no total is given
	audienceKey     = "serin.dev/audience"
	audienceHome    = "home"
	audienceCanary  = "canary"
)

func renderNginx(s Service, r rollout.Route) (Object, error) {
	if err := nginxCaps.validate(r); err != nil {
		return Object{}, err
	}
	original, problem := s.original("ingressRef", ingressKind.Kind, s.Ingress)
	if problem != nil {
		return Object{}, problem
	}
	spec, err := specOf(original)
	if err != nil {
		return Object{}, err
	}
	if !canaryBackends(spec, s.Name, s.CanaryName()) {
		return Object{}, s.unserved("ingressRef", original)
	}
	marks, problems := nginxMarks(s, r)
	if len(problems) > 0 {
		return Object{}, problems.ToAggregate()
	}
	object := s.beside(original, s.Ingress+"-canary", spec)
	foreign := object.GetAnnotations()
	maps.DeleteFunc(foreign, func(key, _ string) bool { return strings.HasPrefix(key, s.Settings.IngressPrefix+canaryKey) })
	object.SetAnnotations(foreign)
	return noted(annotated(object, merged(optOuts, marks)), map[string]string{s.Settings.IngressPrefix + canaryWeight: nginxWeight(r)})
}

// canaryBackends leads every path to the apex to the canary. Other paths stay: nginx
// finds nothing to divide there.
func canaryBackends(spec map[string]any, apex, canary string) bool {
	found := rename(spec["defaultBackend"], apex, canary)
	rules, ok := spec["rules"].([]any)
	if !ok {
		return found
	}
	for _, rule := range rules {
		_, paths := pathsOf(rule)
		for _, path := range paths {
			if fields, ok := path.(map[string]any); ok && rename(fields["backend"], apex, canary) {
				found = true
			}
		}
	}
	return found
}

// nginxMarks are the annotations that do not change with each step.
func nginxMarks(s Service, r rollout.Route) (map[string]string, field.ErrorList) {
	prefix := s.Settings.IngressPrefix
	marks := map[string]string{prefix + canaryKey: "true"}
	if primary, canary := r.Weights(); primary+canary != wholeWeight {
		marks[prefix+canaryTotal] = strconv.Itoa(primary + canary)
	}
	if !r.Match && len(s.Audience) == 0 {
		return marks, nil
	}
	audience, problems := nginxAudience(s)
	switch {
	case !r.Match:
	case r.Canary == 0:
		marks[audienceKey] = audienceHome
	default:
		marks[audienceKey] = audienceCanary
		for name, value := range audience {
			marks[prefix+name] = value
		}
	}
	return marks, problems
}

// nginxWeight is the share of those that no header and no cookie decides about.
func nginxWeight(r rollout.Route) string {
	if r.Match {
		return "0"
	}
	_, canary := r.Weights()
	return strconv.Itoa(canary)
}
