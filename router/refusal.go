package router

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Refusal is what the status of the first of these objects that is not served says of it,
// and empty if none says anything. It is for people: whether a route is served is for the
// provider's Parse to say.
func Refusal(live []Object) string {
	for _, object := range live {
		if why := refusal(object); why != "" {
			return object.GetKind() + " " + object.GetName() + ": " + why
		}
	}
	return ""
}

// verdicts are the statuses of all kinds of routes, as far as they say why.
type verdicts struct {
	Conditions []verdict  // HTTPProxy, ApisixRoute, Service of Knative
	Parents    []struct { // Gateway API
		Conditions []verdict
	}
	Reason   string // RouteTable of Gloo, as it was and as it is
	Statuses map[string]struct{ Reason string }
}

type verdict struct {
	metav1.Condition
	Errors []struct{ Reason, Message string } // of an HTTPProxy, where the message says no more than that there are some
}

// required lists the conditions that a route which is served has, among those that may
// well be false.
func required() []string {
	return []string{"Accepted", "ResolvedRefs", "Programmed", "Valid", "Ready", "ResourcesAvailable"}
}

func refusal(object Object) string {
	text, err := json.Marshal(object.Object["status"])
	var status verdicts
	if err != nil || json.Unmarshal(text, &status) != nil {
		return "" // of a shape that is not known here
	}
	conditions := status.Conditions
	for _, parent := range status.Parents {
		conditions = append(conditions, parent.Conditions...)
	}
	for _, c := range conditions {
		old := c.ObservedGeneration != 0 && c.ObservedGeneration != object.GetGeneration()
		if c.Status == metav1.ConditionFalse && !old && slices.Contains(required(), c.Type) {
			return brief(c.String())
		}
	}
	reasons := []string{status.Reason}
	for _, of := range status.Statuses {
		reasons = append(reasons, of.Reason)
	}
	return brief(slices.Max(reasons))
}

// String implements fmt.Stringer.
func (v verdict) String() string {
	reason, message := v.Reason, v.Message
	if len(v.Errors) > 0 {
		reason, message = cmp.Or(v.Errors[0].Reason, reason), cmp.Or(v.Errors[0].Message, message)
	}
	return fmt.Sprintf("%s is False (%s): %s", v.Type, reason, message)
}

// brief bounds a text of somebody else's: it becomes part of events and of status.
func brief(text string) string {
	const most = 300
	text = strings.TrimSpace(strings.ToValidUTF8(text, "?"))
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
