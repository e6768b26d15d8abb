package v1beta1

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serinhq/serin/internal/golden"
	"github.com/serinhq/serin/rollout"
)

// The reference of the conditions says what the code puts into status, for every
// phase and every way to fail.
func TestReferenceOfConditions(t *testing.T) {
	var page strings.Builder
	page.WriteString(conditionsAbove)
	for _, c := range []struct {
		state rollout.State
		when  string
	}{
		{rollout.State{}, "the primary is being made; the workload's own pods serve"},
		{rollout.State{Phase: rollout.Initialized, Promoted: "a"}, "the primary serves, and there was no release yet"},
		{rollout.State{Phase: rollout.Waiting, Promoted: "a"}, "a confirm-rollout gate is closed"},
		{rollout.State{Phase: rollout.Progressing, Promoted: "a"}, "a release is being analysed"},
		{rollout.State{Phase: rollout.WaitingPromotion, Promoted: "a"}, "a confirm-promotion gate is closed"},
		{rollout.State{Phase: rollout.Promoting, Promoted: "a"}, "the primary takes the revision over"},
		{rollout.State{Phase: rollout.Finalising, Promoted: "a"}, "all traffic goes to the primary, the canary's last requests end"},
		{rollout.State{Phase: rollout.Succeeded, Promoted: "a"}, "the release is promoted"},
		{rollout.State{Phase: rollout.Failed, Promoted: "a"}, "the release was undone; the primary serves"},
		{rollout.State{Phase: rollout.Failed, Promoted: "a", Serving: rollout.OnCanary}, "the primary has no pod that is ready; **only the canary serves**"},
		{rollout.State{Phase: rollout.Failed}, "the primary never came up; the workload's own pods serve"},
		{rollout.State{Phase: rollout.Terminating, Promoted: "a"}, "the Canary is being deleted with `revertOnDeletion`"},
	} {
		page.WriteString(conditionRow(promoted(c.state, rollout.Plan{Subject: rollout.Subject{Kind: "Deployment"}}), c.when))
	}
	page.WriteString(conditionsBetween)
	page.WriteString(conditionRow(Condition{Type: Accepted, Status: metav1.ConditionFalse, Reason: "InvalidSpec", Message: "spec.…: Invalid value: …"},
		"field, value and remedy of each error; a release under way is not moved"))
	page.WriteString(conditionsBelow)
	golden.Equal(t, filepath.Join("..", "..", "docs", "reference", "conditions.md"), []byte(page.String()))
}

// conditionRow shows a condition, and what Ready and Stalled are beside it.
func conditionRow(c Condition, when string) string {
	canary := Canary{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{HealthAnnotation: FollowRelease}}}
	canary.Status.SetCondition(c, time.Time{})
	canary.Attend(time.Time{})
	ready, stalled := canary.Status.condition(Ready), "absent"
	if s := canary.Status.condition(Stalled); s != nil {
		stalled = string(s.Status)
	}
	return fmt.Sprintf("| %s | %s | `%s` | %s | %s | %s |\n", c.Status, c.Reason, c.Message, when, ready.Status, stalled)
}

const (
	conditionsAbove = `# Conditions

Of a Canary, in ` + "`status.conditions`" + `. What to do about them is in the [runbook](../runbook.md).

Generated from the code that writes them: ` + "`go test ./api/v1beta1 -update`" + `.

## Promoted

Whether the newest revision has reached the primary; it is always there, and first. Its reason is the phase. Messages name
the kind of the target, here a Deployment.

` + "`kubectl wait canary/podinfo --for=condition=promoted`" + ` waits for it.

| Status | Reason | Message | When | Ready | Stalled |
|---|---|---|---|---|---|
`
	conditionsBetween = `
## Accepted

There only while the spec cannot be worked with.

| Status | Reason | Message | When | Ready | Stalled |
|---|---|---|---|---|---|
`
	conditionsBelow = `
## Ready and Stalled

There only with the annotation ` + "`serin.dev/health: release`" + `, for tools that wait for objects to settle (Flux, kubectl, Argo CD):
the last columns above. Reason and message are those of the condition they follow, Accepted before Promoted. Stalled is
absent where a release goes on or is done, and True where nothing happens any more without a person.
`
)
