package v1beta1

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serinhq/serin/rollout"
)

const steered = `
steps:
- {weight: 5, pause: legal}
webhooks:
- {name: sign-off, type: confirm-promotion, url: http://tester/}
`

func TestWishes(t *testing.T) {
	by := func(manager, annotation string) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, FieldsType: "FieldsV1",
			FieldsV1: metav1.NewFieldsV1(`{"f:metadata":{"f:annotations":{"f:` + annotation + `":{}}}}`)}
	}
	for _, tt := range []struct {
		name        string
		annotations map[string]string
		heard       map[string]string
		managed     []metav1.ManagedFieldsEntry
		want        []rollout.Wish
	}{
		{"nothing is asked", nil, nil, nil, nil},
		{"without a revision it is nobody's", map[string]string{"serin.dev/abort": " "}, nil, nil, nil},
		{"an actor and a reason", map[string]string{"serin.dev/abort": "s1-a", ActorAnnotation: "alice", ReasonAnnotation: "smells"}, nil, nil,
			[]rollout.Wish{{Verb: rollout.Abort, Revision: "s1-a", By: "alice", Why: "smells"}}},
		{"the manager of the field, and of no other", map[string]string{"serin.dev/pause": "s1-a"}, nil,
			[]metav1.ManagedFieldsEntry{by("flux", "serin.dev/abort"), by("kubectl-annotate", "serin.dev/pause")},
			[]rollout.Wish{{Verb: rollout.Pause, Revision: "s1-a", By: "kubectl-annotate"}}},
		{"the pause of a stage", map[string]string{"serin.dev/approve": "s1-a legal"}, nil, nil,
			[]rollout.Wish{{Verb: rollout.Approve, Revision: "s1-a", Gate: rollout.Approval, Name: "legal"}}},
		{"a webhook by its name", map[string]string{"serin.dev/deny": "s1-a sign-off"}, nil, nil,
			[]rollout.Wish{{Verb: rollout.Deny, Revision: "s1-a", Gate: rollout.ConfirmPromotion, Name: "sign-off"}}},
		{"a gate by its type", map[string]string{"serin.dev/approve": "s1-a confirm-rollout"}, nil, nil,
			[]rollout.Wish{{Verb: rollout.Approve, Revision: "s1-a", Gate: rollout.ConfirmRollout, Name: "confirm-rollout"}}},
		{"heard before, word for word", map[string]string{"serin.dev/retry": "s1-a"}, map[string]string{"retry": "s1-a"}, nil, nil},
		{"once more, with other words behind", map[string]string{"serin.dev/retry": "s1-a again"}, map[string]string{"retry": "s1-a"}, nil,
			[]rollout.Wish{{Verb: rollout.Retry, Revision: "s1-a"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := parse(t, withAnalysis(steered))
			c.Annotations, c.ManagedFields = tt.annotations, tt.managed
			c.Status.Rollout = &Rollout{Heard: tt.heard}
			got := c.Wishes()
			for i := range got {
				if got[i].Text != tt.annotations["serin.dev/"+string(got[i].Verb)] {
					t.Errorf("the text of %s is %q", got[i].Verb, got[i].Text)
				}
				got[i].Text = ""
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("wishes (-want +got)\n%s", diff)
			}
		})
	}
}

// A wish is latched: a GitOps tool may strip the annotation, and a person may then
// ask for the same thing again.
func TestHear(t *testing.T) {
	c := parse(t, withAnalysis(steered))
	c.Annotations = map[string]string{"serin.dev/pause": "s1-a"}
	c.Status.Rollout = new(Rollout)
	if !c.Hear(c.Wishes(), metav1.Time{}) || len(c.Wishes()) != 0 {
		t.Fatal("a wish that was heard is heard again")
	}
	if c.Hear(nil, metav1.Time{}) {
		t.Error("nothing new, and yet status would be written")
	}
	delete(c.Annotations, "serin.dev/pause")
	if !c.Hear(nil, metav1.Time{}) {
		t.Error("an annotation that is gone is not forgotten")
	}
	c.Annotations["serin.dev/pause"] = "s1-a"
	if len(c.Wishes()) != 1 {
		t.Error("asked for once more, it is not heard")
	}
	if c.Status.Rollout.Wish.What != "pause" {
		t.Errorf("status tells of %+v", c.Status.Rollout.Wish)
	}
}
