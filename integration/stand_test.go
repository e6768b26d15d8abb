package integration

import (
	"strings"
	"testing"

	"github.com/serinhq/serin/api/v1beta1"
)

// A release whose pods do not come up says so in status, in the words of the event,
// and stops saying it when it goes on.
func TestStatusSaysWhatAReleaseWaitsFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.begin(weighted)
	w.pods.breakImage("app:2")
	w.push("app:2")
	var told v1beta1.Account
	w.until("status says that the pods are not ready", func(c *v1beta1.Canary) bool {
		told = c.Status.Account()
		return strings.Contains(told.WaitsFor, "canary deployment podinfo."+w.namespace+" not ready: ")
	})
	if told.Until == "" || told.Stage == nil {
		t.Errorf("status tells %+v", told)
	}
	said := false
	for _, event := range w.events() {
		said = said || strings.Contains(event, "not ready: waiting for rollout to finish")
	}
	if !said {
		t.Errorf("no event says so: %q", w.events())
	}
	w.push("app:3")
	w.phase("Succeeded")
	told = w.status().Status.Account()
	if told.WaitsFor != "" || told.Stage != nil || len(told.Measurements) == 0 || len(told.History) < 2 || told.History[0].Outcome != v1beta1.Completed {
		t.Errorf("status tells %+v", told)
	}
}
