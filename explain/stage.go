package explain

import (
	"fmt"
	"strconv"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
)

// Stage is where an analysis is, as people count; nil outside of one. Looks that
// only repeat what the step before began count as that one.
func Stage(plan rollout.Plan, state rollout.State) *v1beta1.Stage {
	if state.Phase != rollout.Progressing && state.Phase != rollout.WaitingPromotion || len(plan.Steps) == 0 {
		return nil
	}
	at := stepOf(plan, state)
	stage := v1beta1.Stage{Of: stages(plan.Steps), Number: stages(plan.Steps[:at+1])}
	for at > 0 && plan.Steps[at].Enter == rollout.Stay {
		at--
	}
	stage.Name = stageName(plan, at)
	return &stage
}

func stepOf(plan rollout.Plan, state rollout.State) int {
	return min(max(state.Step, 0), len(plan.Steps)-1)
}

func stages(steps []rollout.Step) int {
	n := 0
	for _, step := range steps {
		if step.Enter != rollout.Stay {
			n++
		}
	}
	return n
}

func stageName(plan rollout.Plan, at int) string {
	step := plan.Steps[at]
	switch step.Enter {
	case rollout.Arrive:
		return "arrival"
	case rollout.Warm:
		return "warm-up"
	case rollout.Advance:
		return advance(plan, at)
	case rollout.Switch:
		return "all traffic"
	case rollout.Settle:
		return "last look"
	case rollout.Bake:
		return "bake"
	case rollout.Stay:
		return ""
	}
	return ""
}

func advance(plan rollout.Plan, at int) string {
	route := plan.Steps[at].Route
	switch {
	case plan.Strategy != rollout.Canary:
		return fmt.Sprintf("iteration %d/%d", advances(plan.Steps[:at+1]), advances(plan.Steps))
	case route.Mirror > 0:
		return "mirror " + percent(route.Mirror)
	default:
		return "weight " + percent(route.Canary)
	}
}

func advances(steps []rollout.Step) int {
	n := 0
	for _, step := range steps {
		if step.Enter == rollout.Advance {
			n++
		}
	}
	return n
}

func percent(share int) string {
	return strconv.FormatFloat(float64(share)/float64(rollout.Percent(1)), 'f', -1, 64) + "%"
}
