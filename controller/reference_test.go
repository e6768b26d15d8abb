package controller

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/internal/golden"
	"github.com/serinhq/serin/rollout"
)

// The reference of the metrics says what is gathered once one Canary is known and
// its checks were looked at.
func TestReferenceOfMetrics(t *testing.T) {
	g, registry := someGauges()
	canary := canaryAt("podinfo", 1)
	canary.Spec.Analysis = &v1beta1.CanaryAnalysis{}
	g.release(canary, weighted(10), rollout.State{Phase: rollout.Progressing, Step: 1, Weight: rollout.Percent(10)})
	g.took(canary, 1)
	g.measured(canary, rollout.Finding{Source: rollout.FromSuccessRate, Name: "request-success-rate", Verdict: rollout.Pass, Value: 100})
	g.correct(canary, "HTTPRoute")
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}

	var page strings.Builder
	page.WriteString("# Metrics\n\nOf the operator, at `/metrics` of `-port`, under the names of Flagger 1.44; `serin_` begins what it has not. " +
		"Series disappear with their Canary, or when it names another target.\n\n" +
		"Generated from what is gathered: `go test ./controller -update`.\n\n| Metric | Type | Labels | Meaning |\n|---|---|---|---|\n")
	used := map[string]bool{}
	for _, family := range families {
		var labels []string
		for _, label := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+label.GetName()+"`")
			used[label.GetName()] = used[label.GetName()] || ours(family.GetName())
		}
		switch name := family.GetName(); {
		case ours(name):
			fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", name, strings.ToLower(family.GetType().String()), strings.Join(labels, ", "), family.GetHelp())
		case !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_"):
			t.Errorf("%s is none of the metrics that the page speaks of", name)
		}
	}
	page.WriteString("\nBeside them there are those of the Go runtime (`go_`, `process_`), of the queue and the workers (`controller_runtime_`,\n" +
		"`workqueue_`), of the requests to the API server (`rest_client_`) and of the lease (`leader_election_`).\n" +
		"\n## Labels\n\n| Label | Meaning |\n|---|---|\n")
	for _, label := range labelMeanings() {
		fmt.Fprintf(&page, "| `%s` | %s |\n", label.name, label.meaning)
		if !used[label.name] {
			t.Errorf("no metric has the label %s any more: remove it here", label.name)
		}
		delete(used, label.name)
	}
	for label, unsaid := range used {
		if unsaid {
			t.Errorf("say here what the label %s means", label)
		}
	}
	golden.Equal(t, filepath.Join("..", "docs", "reference", "metrics.md"), []byte(page.String()))
}

// ours reports whether a metric is not of a library: those of Flagger have its name.
func ours(name string) bool {
	return strings.HasPrefix(name, "flagger_") || strings.HasPrefix(name, "serin_")
}

type labelMeaning struct{ name, meaning string }

func labelMeanings() []labelMeaning {
	return []labelMeaning{
		{"name", "The target of the Canary (`spec.targetRef.name`), not the Canary."},
		{"namespace", "Of the Canary."},
		{"workload", "The target, and its primary with `-primary` behind it."},
		{"kind", "Of the object that was set back."},
		{"metric", "The name of a metric of the analysis."},
		{"deployment_strategy", "`canary`, `blue-green` or `ab-testing`, as the spec says."},
		{"analysis_status", "`completed`, or `skipped` for a release that was promoted without its analysis."},
		{"version", "Of the operator."},
		{"mesh_provider", "What `-mesh-provider` says."},
	}
}
