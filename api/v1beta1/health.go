package v1beta1

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serinhq/serin/rollout"
)

// HealthAnnotation says what tools that wait for objects to settle (kstatus: Flux,
// kubectl, cli-utils) are to think of the Canary. Without it the Canary is
// settled as soon as its spec was seen, whatever its releases do: a deployment of
// something else must not fail because of a rollback. With the value release it
// is settled when its release is, and failed when that was undone.
const HealthAnnotation = wishPrefix + "health"

// FollowRelease is the value of HealthAnnotation.
const FollowRelease = "release"

// The conditions that are there only with serin.dev/health: release.
const (
	Ready   = "Ready"   // the newest revision is on the primary
	Stalled = "Stalled" // nothing happens any more without a person
)

// Attend keeps the conditions that tools read beside Promoted: Ready and Stalled
// if the Canary asks for them. It sees to it that Promoted is there, which tools
// expect of every status. It reports whether anything changed.
func (c *Canary) Attend(now time.Time) bool {
	s, before := &c.Status, slices.Clone(c.Status.Conditions)
	if s.condition(Promoted) == nil {
		s.SetCondition(promoted(s.State(), rollout.Plan{Subject: rollout.Subject{Kind: c.Spec.TargetRef.Kind}}), now)
	}
	if c.Annotations[HealthAnnotation] != FollowRelease {
		s.DropCondition(Ready)
		s.DropCondition(Stalled)
		return !slices.Equal(before, s.Conditions)
	}
	ready, stalled := s.health()
	s.SetCondition(ready, now)
	if stalled.Type == "" {
		s.DropCondition(Stalled)
	} else {
		s.SetCondition(stalled, now)
	}
	return !slices.Equal(before, s.Conditions)
}

// health follows from the conditions that are there: a spec that is refused
// counts before the release that goes on under the former one.
func (s *CanaryStatus) health() (ready, stalled Condition) {
	ready = Condition{Type: Ready, Status: metav1.ConditionFalse}
	basis := s.condition(Promoted)
	if refused := s.condition(Accepted); refused != nil {
		basis = refused
	}
	ready.Reason, ready.Message = basis.Reason, basis.Message
	switch basis.Status {
	case metav1.ConditionTrue:
		ready.Status = metav1.ConditionTrue
	case metav1.ConditionFalse:
		stalled = Condition{Type: Stalled, Status: metav1.ConditionTrue, Reason: basis.Reason, Message: basis.Message}
	case metav1.ConditionUnknown:
	}
	return ready, stalled
}

func (s *CanaryStatus) condition(kind string) *Condition {
	for i := range s.Conditions {
		if s.Conditions[i].Type == kind {
			return &s.Conditions[i]
		}
	}
	return nil
}

// Refused is the condition that says why the spec cannot be worked with; nil if
// it can.
func (s *CanaryStatus) Refused() *Condition { return s.condition(Accepted) }
