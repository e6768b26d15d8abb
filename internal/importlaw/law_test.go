package importlaw_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serinhq/serin/internal/importlaw"
)

// The source tree keeps every law.
func TestLaws(t *testing.T) {
	imports, err := importlaw.Read("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(imports) == 0 {
		t.Fatal("no imports read: the test would pass on anything")
	}
	for _, breach := range importlaw.Breaches(importlaw.Laws, imports) {
		t.Error(breach)
	}
}

// A module that breaks the laws on purpose is found out, line by line, and
// what is allowed in it is left alone.
func TestBreaches(t *testing.T) {
	imports, err := importlaw.Read("testdata/broken")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, breach := range importlaw.Breaches(importlaw.Laws, imports) {
		got = append(got, breach.String())
	}
	want := []string{
		"api/v1beta1/types.go:4:8: api/v1beta1 uses controller: imports point to the core, never back to the shell",
		"rollout/rollout.go:7:2: rollout uses judge: the core decides with the standard library only",
		"rollout/rollout.go:8:2: rollout uses k8s.io/api/core/v1: the core decides with the standard library only",
		"rollout/rollout.go:9:2: rollout uses net/http: the core is arithmetic: no I/O, no goroutine, no clock, no chance",
		"rollout/rollout.go:13:13: rollout uses time.Now: the core is arithmetic: no I/O, no goroutine, no clock, no chance",
		"rollout/rollout_test.go:7:2: rollout uses k8s.io/client-go/kubernetes/fake: a Kubernetes client belongs to the shell",
		"rollout/rollout_test.go:7:2: rollout uses k8s.io/client-go/kubernetes/fake: a fake API answers what we hoped; use the integration tier",
		"rollout/rollout_test.go:10:15: rollout uses time.Sleep: nobody sleeps: wait for a condition with a deadline, or set the next timer",
		"router/router.go:5:2: router uses metric: providers do not know each other",
		"router/router.go:7:2: router uses k8s.io/client-go/kubernetes: a Kubernetes client belongs to the shell",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("breaches (-want +got):\n%s", diff)
	}
}

// Each module that we use directly has a reason in a record.
func TestReasons(t *testing.T) {
	modules, err := importlaw.Recorded("../../docs/adr")
	if err != nil {
		t.Fatal(err)
	}
	imports, err := importlaw.Read("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, use := range importlaw.Unexplained(modules, imports) {
		if strings.HasPrefix(use.From, "lab/tools/") {
			continue // the parts the lab is built from, not what it is built with: record 5
		}
		t.Errorf("%s: %s uses %s, and no record in docs/adr says why", use.Pos, use.From, use.Path)
	}
}

// Without a record every module is unexplained, once.
func TestUnexplained(t *testing.T) {
	imports, err := importlaw.Read("testdata/broken")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, use := range importlaw.Unexplained([]string{"k8s.io/client-go"}, imports) {
		got = append(got, use.Path)
	}
	want := []string{"sigs.k8s.io/controller-runtime", "k8s.io/api/core/v1", "github.com/google/go-cmp/cmp"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unexplained (-want +got):\n%s", diff)
	}
}
