package integration

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// warnings keeps what the API server warns of, as kubectl shows it.
type warnings struct {
	mu   sync.Mutex
	text []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, text)
}

func (w *warnings) taken() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := strings.Join(w.text, "\n")
	w.text = nil
	return all
}

// The chart's policy warns who deletes a Canary without revertOnDeletion, and nobody else.
func TestDeletionThatGivesNothingBackIsWarnedOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.policy()
	heard := &warnings{}
	config := rest.CopyConfig(plane.config)
	config.WarningHandler = heard
	user, err := client.New(config, client.Options{})
	w.must(err)

	w.canary(weighted)
	// A policy takes a moment until it is in force. A deletion that is only tried warns too.
	for dry := ""; !strings.Contains(dry, "set spec.revertOnDeletion before you delete the Canary"); dry = heard.taken() {
		if w.ctx.Err() != nil {
			t.Fatalf("nobody is warned: %q", dry)
		}
		w.must(user.Delete(w.ctx, w.canaryObject("podinfo"), client.DryRunAll))
	}
	w.revert = true
	w.canary(weighted)
	heard.taken()
	w.must(user.Delete(w.ctx, w.canaryObject("podinfo"), client.DryRunAll))
	if text := heard.taken(); text != "" {
		t.Errorf("with revertOnDeletion there is a warning: %q", text)
	}
	w.revert = false
	w.must(client.IgnoreNotFound(user.Delete(w.ctx, w.canaryObject("podinfo"))))
}

// policy applies the policy of the chart.
func (w *world) policy() {
	w.t.Helper()
	text, err := os.ReadFile("../charts/testdata/default/objects.yaml")
	w.must(err)
	applied := 0
	for part := range strings.SplitSeq(string(text), "---\n") {
		object := &unstructured.Unstructured{}
		w.must(yaml.Unmarshal([]byte(part), &object.Object))
		if !strings.HasPrefix(object.GetKind(), "ValidatingAdmissionPolicy") {
			continue
		}
		w.must(apply(w.ctx, plane.client, object))
		w.t.Cleanup(func() { w.must(plane.client.Delete(context.Background(), object)) })
		applied++
	}
	if applied != 2 {
		w.t.Fatalf("the chart has %d objects of a policy, want it and its binding", applied)
	}
}
