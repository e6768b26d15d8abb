package integration

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
)

// A stage is where a release stands while somebody meddles.
type stage struct {
	name     string
	analysis string
	needs    func(router.Caps) bool
}

// share of the canary that status says. Under A/B it says none.
func (s stage) share() int64 {
	return map[string]int64{"weighted": 20, "sticky": 20, "half": 20}[s.name]
}

// sticky reports whether users have cookies.
func (s stage) sticky() bool { return strings.Contains(s.analysis, "cookieName") }

// stages of a release that stays in its first step: an interval is ten minutes.
func stages() []stage {
	return []stage{
		{"home", "", func(router.Caps) bool { return true }},
		{"weighted", "{interval: 10m, threshold: 1, maxWeight: 40, stepWeight: 20}", func(c router.Caps) bool { return c.Weight }},
		{"mirror", "{interval: 10m, threshold: 1, maxWeight: 40, stepWeight: 20, mirror: true}", func(c router.Caps) bool { return c.Mirror }},
		{"match", `{interval: 10m, threshold: 1, iterations: 2, match: [{headers: {x-canary: {exact: insider}}}]}`,
			func(c router.Caps) bool { return c.Match }},
		{"sticky", "{interval: 10m, threshold: 1, maxWeight: 40, stepWeight: 20, sessionAffinity: {cookieName: side, primaryCookieName: home, path: /}}",
			func(c router.Caps) bool { return c.PrimaryCookie }},
		{"half", "{interval: 10m, threshold: 1, maxWeight: 40, stepWeight: 20, sessionAffinity: {cookieName: side, path: /}}",
			func(c router.Caps) bool { return c.Affinity && !c.PrimaryCookie }},
		{"farewell", "{interval: 10m, threshold: 1, maxWeight: 40, stepWeight: 20, sessionAffinity: {cookieName: side, path: /}}",
			func(c router.Caps) bool { return c.Affinity }},
	}
}

// reached reports whether objects say what the stage is about.
func (m meddling) reached(found []*unstructured.Unstructured) bool {
	values := map[string]router.Object{}
	for _, object := range found {
		values[object.GetKind()+object.GetName()] = *object
	}
	route, accepted, err := router.Providers[m.provider].Parse(sorted(values))
	if err != nil || !accepted {
		return false
	}
	switch m.stage.name {
	case "weighted":
		return route.Canary == rollout.Percent(20)
	case "mirror":
		return route.Mirror > 0
	case "match":
		return route.Match && route.Canary == rollout.Full
	case "sticky":
		return route.Canary == rollout.Percent(20) && route.Cookies.Canary != "" && route.Cookies.Primary != ""
	case "half":
		return route.Canary == rollout.Percent(20) && route.Cookies.Canary != ""
	case "farewell":
		return route.Canary == 0 && route.Cookies.Previous != ""
	default:
		return route.Canary == 0
	}
}
