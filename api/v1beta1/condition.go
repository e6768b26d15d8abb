package v1beta1

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serinhq/serin/rollout"
)

// The types of conditions on a Canary.
const (
	// Promoted says whether the newest revision has reached the primary:
	// kubectl wait canary/name --for=condition=promoted.
	Promoted = "Promoted"

	// Accepted says whether the spec can be worked with. It is there only when
	// it cannot, with the field errors as message.
	Accepted = "Accepted"
)

// SetCondition puts c in the place of the condition of its type. The times stay
// as they are when nothing else changed; lastTransitionTime follows status alone.
// Promoted is kept in front.
func (s *CanaryStatus) SetCondition(c Condition, now time.Time) {
	at := slices.IndexFunc(s.Conditions, func(old Condition) bool { return old.Type == c.Type })
	c.LastUpdateTime, c.LastTransitionTime = metav1.NewTime(now), metav1.NewTime(now)
	conditions := slices.Clone(s.Conditions)
	switch {
	case at >= 0:
		old := conditions[at]
		if old.Status == c.Status && old.Reason == c.Reason && old.Message == c.Message {
			return
		}
		if old.Status == c.Status {
			c.LastTransitionTime = old.LastTransitionTime
		}
		conditions[at] = c
	case c.Type == Promoted:
		conditions = slices.Insert(conditions, 0, c)
	default:
		conditions = append(conditions, c)
	}
	s.Conditions = conditions
}

// DropCondition removes the condition of the given type.
func (s *CanaryStatus) DropCondition(kind string) {
	s.Conditions = slices.DeleteFunc(slices.Clone(s.Conditions), func(c Condition) bool { return c.Type == kind })
}

// promoted is the condition of that name for a state; its reason is the phase.
func promoted(state rollout.State, plan rollout.Plan) Condition {
	c := Condition{Type: Promoted, Status: metav1.ConditionUnknown, Reason: string(state.Phase)}
	switch state.Phase {
	case rollout.Initialized:
		c.Status = metav1.ConditionTrue
		c.Message = plan.Kind + " initialization completed."
	case rollout.Waiting, rollout.WaitingPromotion:
		c.Message = "Waiting for approval."
	case rollout.Progressing:
		c.Message = "New revision detected, progressing canary analysis."
	case rollout.Promoting:
		c.Message = "Canary analysis completed, starting primary rolling update."
	case rollout.Finalising:
		c.Message = "Canary analysis completed, routing all traffic to primary."
	case rollout.Succeeded:
		c.Status = metav1.ConditionTrue
		c.Message = "Canary analysis completed successfully, promotion finished."
	case rollout.Failed:
		c.Status = metav1.ConditionFalse
		c.Message = failure(state, plan)
	case rollout.New, rollout.Initializing:
		c.Reason = string(rollout.Initializing)
		c.Message = "New " + plan.Kind + " detected, starting initialization."
	case rollout.Terminating:
		c.Message = "The Canary is being deleted, " + plan.Kind + " gets its traffic back."
	default: // phases of another version
		c.Message = "New " + plan.Kind + " detected, starting initialization."
	}
	return c
}

// failure tells apart who has the traffic after one.
func failure(state rollout.State, plan rollout.Plan) string {
	switch {
	case state.Promoted == "":
		return plan.Kind + " initialization failed, its own pods keep the traffic."
	case state.Serving == rollout.OnCanary:
		return "Promotion failed, primary not ready: the canary keeps all traffic."
	default:
		return "Canary analysis failed, " + plan.Kind + " scaled to zero."
	}
}
