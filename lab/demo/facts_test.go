package demo

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestFactsAreReadFromObjectsOfTheAPI(t *testing.T) {
	objects, err := parse([]byte(`
apiVersion: flagger.app/v1beta1
kind: Canary
status: {phase: Progressing, canaryWeight: 20, failedChecks: 1, lastAppliedSpec: abc}
---
apiVersion: flagger.app/v1beta1
kind: Canary
---
apiVersion: v1
kind: Event
type: Warning
message: Halt podinfo.demo advancement
---
apiVersion: flagger.app/v1beta1
kind: Canary
status: {canaryWeight: many}
`))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []fact{
		{status: &Status{Phase: "Progressing", Weight: 20, FailedChecks: 1, Applied: "abc"}},
		{status: &Status{}},
		{event: &happening{Type: "Warning", Message: "Halt podinfo.demo advancement"}},
	} {
		read := statusOf
		if objects[i].GetKind() == "Event" {
			read = eventOf
		}
		if diff := cmp.Diff(want, read(objects[i].Object), cmp.AllowUnexported(fact{}), cmpopts.EquateErrors()); diff != "" {
			t.Errorf("object %d (-want +got):\n%s", i, diff)
		}
	}
	if broken := statusOf(objects[3].Object); broken.err == nil {
		t.Errorf("a weight that is no number was read: %+v", broken.status)
	}
}
