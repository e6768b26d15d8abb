package router

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var skipperCaps = Caps{Weight: true, Ingress: true}

// skipper drives Zalando's Skipper. Beside the user's Ingress stands a copy of it that
// divides every path to the apex, and whose predicate says whether it comes before the
// original or does not count.
//
//	user's Ingress    path -> apex
//	its copy          path -> primary, path -> canary, by weight; only while divided
var skipper = besideIngress(skipperCaps, renderSkipper, skipperRoute)

const (
	skipperWeights   = "zalando.org/backend-weights"
	skipperPredicate = "zalando.org/skipper-predicate"
	skipperFirst     = "Weight(100)" // before the original
	skipperNever     = "False()"     // the original serves
)

func renderSkipper(s Service, r rollout.Route) (Object, error) {
	if err := skipperCaps.validate(r); err != nil {
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
	if !bothBackends(spec, s) {
		return Object{}, s.unserved("ingressRef", original)
	}
	weights, problem := s.skipperWeights(original, r)
	if problem != nil {
		return Object{}, problem
	}
	predicate := skipperFirst
	if r.Canary == 0 {
		predicate = skipperNever
	}
	if own := strings.TrimSpace(original.GetAnnotations()[skipperPredicate]); own != "" {
		predicate += " && " + own
	}
	object := annotated(s.beside(original, s.Ingress+"-canary", spec), optOuts)
	return noted(object, map[string]string{skipperWeights: weights, skipperPredicate: predicate})
}

// bothBackends leads every path to the apex to the primary, and a second one, behind
// all others of its rule, to the canary. A default backend cannot be divided: it stays
// at the apex.
func bothBackends(spec map[string]any, s Service) bool {
	found := false
	rules, ok := spec["rules"].([]any)
	if !ok {
		return false
	}
	for _, rule := range rules {
		http, paths := pathsOf(rule)
		for _, path := range paths {
			fields, ok := path.(map[string]any)
			if !ok || !rename(fields["backend"], s.Name, s.PrimaryName()) {
				continue
			}
			second := runtime.DeepCopyJSON(fields)
			rename(second["backend"], s.PrimaryName(), s.CanaryName())
			paths = append(paths, second)
			found = true
		}
		if http != nil {
			http["paths"] = paths
		}
	}
	return found
}

// skipperWeights divides what the user gave the apex among Services of one path: all
// of it, or its part beside others, whose weights stay.
func (s Service) skipperWeights(original Object, r rollout.Route) (string, *field.Error) {
	weights := map[string]float64{}
	if given := original.GetAnnotations()[skipperWeights]; given != "" {
		if err := json.Unmarshal([]byte(given), &weights); err != nil {
			return "", field.Invalid(field.NewPath("spec", "ingressRef", "name"), original.GetName(), fmt.Sprintf(
				"annotation %s of this Ingress has no weights by Service: correct it, for example {%q: 100}", skipperWeights, s.Name))
		}
	}
	primary, canary := r.Weights()
	whole := float64(primary + canary)
	share, shared := weights[s.Name]
	if !shared {
		share = whole
	}
	delete(weights, s.Name)
	weights[s.PrimaryName()] = float64(primary) * share / whole
	weights[s.CanaryName()] = float64(canary) * share / whole
	text, err := json.Marshal(weights)
	if err != nil {
		return "", field.InternalError(field.NewPath("spec", "ingressRef", "name"), err)
	}
	return string(text), nil
}

// skipperRoute reads the annotations of a canary's Ingress.
func skipperRoute(annotations map[string]string) (rollout.Route, error) {
	var weights map[string]float64
	if err := json.Unmarshal([]byte(annotations[skipperWeights]), &weights); err != nil {
		return rollout.Route{}, fmt.Errorf("annotation %s is %q: no weights by Service", skipperWeights, annotations[skipperWeights])
	}
	var routes []rollout.Route
	for name, primary := range weights {
		apex, is := strings.CutSuffix(name, "-primary")
		canary, both := weights[apex+"-canary"]
		if !is || !both {
			continue
		}
		if primary < 0 || canary < 0 || primary+canary == 0 {
			return rollout.Route{}, fmt.Errorf("weights of %v and %v are no division", primary, canary)
		}
		routes = append(routes, rollout.Split(int(math.Round(canary*rollout.Full/(primary+canary)))))
	}
	predicate := annotations[skipperPredicate]
	switch {
	case len(routes) != 1:
		return rollout.Route{}, fmt.Errorf("annotation %s divides between %d pairs of a primary and a canary instead of one", skipperWeights, len(routes))
	case strings.HasPrefix(predicate, skipperNever):
		return rollout.Split(0), nil
	case !strings.HasPrefix(predicate, skipperFirst):
		return rollout.Route{}, fmt.Errorf("annotation %s is %q: it begins neither with %s nor with %s", skipperPredicate, predicate, skipperFirst, skipperNever)
	}
	return routes[0], nil
}
