package router

import (
	"fmt"
	"math"

	"github.com/serinhq/serin/rollout"
)

// glooShadow copies a share of the requests of a route to the canary.
func (s Service) glooShadow(route map[string]any, share int) map[string]any {
	if share == 0 {
		return route
	}
	var percentage any = float64(share) / float64(rollout.Percent(1))
	if share%rollout.Percent(1) == 0 { // as the API server gives back a number without a fraction
		percentage = int64(share / rollout.Percent(1))
	}
	route["options"] = map[string]any{"shadowing": map[string]any{
		"upstream":   map[string]any{"name": s.upstreamName(glooCanary), "namespace": s.Namespace},
		"percentage": percentage,
	}}
	return route
}

// A glooShadowing is what is read of the option.
type glooShadowing struct {
	Upstream struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"upstream"`
	Percentage any `json:"percentage"` // none is zero
}

// share of the requests that are copied to the canary. Who copies them to others wrote it by hand.
func (option glooShadowing) share(table Object) (int, error) {
	upstream := option.Upstream
	if upstream.Name == "" {
		return 0, nil
	}
	if glooSide(table, upstream.Name) != glooCanary || upstream.Namespace != table.GetNamespace() {
		return 0, fmt.Errorf("upstream %q, which gets copies, is not the canary's", upstream.Name)
	}
	switch percentage := option.Percentage.(type) {
	case int64:
		return rollout.Percent(int(percentage)), nil
	case float64:
		return int(math.Round(percentage * float64(rollout.Percent(1)))), nil
	default:
		return 0, nil
	}
}
