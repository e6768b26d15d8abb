package integration

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// The first tutorial: Istio, an autoscaler, and a Canary as it was written years ago.
func istioTutorial() tutorial {
	const canary = "hello-world.default"
	return tutorial{
		estate:  estate{name: "hello-world", provider: "istio", namespace: "default"},
		beside:  []string{"istio-system", "kubeaddons-flagger"},
		tester:  "flagger-loadtester.kubeaddons-flagger",
		server:  "prometheus.istio-system:9090",
		applied: []string{"seed0-gateway", "seed0-hpa"},
		canary:  "seed0-canary-v1alpha3",
		journey: []station{{
			does: "applies the Canary", image: "app:1", phase: "Initialized", serves: "app:1",
			way: "100/0", pages: []string{"istio"}, events: []string{"Initialization done! " + canary},
		}, {
			does: "releases a good image", image: "app:2", phase: "Succeeded", serves: "app:2",
			way: "90/10 80/20 70/30 60/40 50/50 100/0", pages: []string{"istio"},
			events: promotion(canary, advances(canary, "weight %d", 10, 20, 30, 40, 50)...),
		}, {
			does: "releases a bad image", image: "app:3", bad: true, phase: "Failed", serves: "app:2",
			way: "90/10 100/0", pages: []string{"istio"},
			events: rollback(canary, advances(canary, "weight %d", 10)...),
		}},
	}
}

// The Gloo tutorial: steps, a metric of its own whose query is no PromQL, and an A/B test.
func glooTutorial() tutorial {
	const canary = "podinfo.test"
	const steps = "95/5 90/10 85/15 80/20 75/25 70/30 65/35 60/40 55/45 50/50 100/0"
	accepted := append([]string{"Pre-rollout check acceptance-test passed"}, advances(canary, "weight %d", 5, 10, 15, 20, 25, 30, 35, 40, 45, 50)...)
	return tutorial{
		estate: estate{name: "podinfo", provider: "gloo", namespace: "test"},
		beside: []string{"gloo-system"},
		tester: "flagger-loadtester.test",
		server: "flagger-prometheus.gloo-system:9090",
		others: `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: podinfo}
spec:
  minReplicas: 2
  maxReplicas: 4
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: podinfo}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 99}}}]
`,
		applied: []string{"seed1-virtualservice", "seed1-metrictemplate"},
		canary:  "seed1-canary-gloo",
		journey: []station{{
			does: "applies the Canary", image: "app:1", phase: "Initialized", serves: "app:1",
			way: "100/0", pages: []string{"gloo", "gloo-rest"}, events: []string{"Initialization done! " + canary},
		}, {
			does: "releases a good image", image: "app:2", phase: "Succeeded", serves: "app:2",
			way: steps, pages: []string{"gloo", "gloo-rest"}, events: promotion(canary, accepted...),
		}, {
			does: "releases a bad image", image: "app:3", bad: true, phase: "Failed", serves: "app:2",
			way: "95/5 100/0", pages: []string{"gloo", "gloo-rest"}, events: rollback(canary, accepted[:2]...),
		}, {
			does: "adds the metric, and takes it out when the server does not understand it", image: "app:4", phase: "Succeeded", serves: "app:4",
			before: (*walker).measuring, meanwhile: (*walker).misunderstood,
			way: steps, pages: []string{"gloo", "gloo-rest"},
			events: promotion(canary, slices.Insert(slices.Clone(accepted), 2, misunderstanding)...),
		}, {
			does: "makes it an A/B test", image: "app:5", phase: "Succeeded", serves: "app:5",
			before: (*walker).testing,
			way:    "0/100 100/0", pages: []string{"gloo-ab", "gloo-rest"},
			events: promotion(canary, advances(canary, "iteration %d/10", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)...),
		}},
	}
}

// promotion is what is said about a good release.
func promotion(canary string, between ...string) []string {
	name, namespace, _ := strings.Cut(canary, ".")
	return slices.Concat(
		[]string{"New revision detected! Scaling up " + canary, "Starting canary analysis for " + canary}, between,
		[]string{
			fmt.Sprintf("Copying %s template spec to %s-primary.%s", canary, name, namespace),
			"Routing all traffic to primary",
			"Promotion completed! Scaling down " + canary,
		})
}

// rollback is what is said about a bad release, whose errors are the fifth part of the answers.
func rollback(canary string, between ...string) []string {
	return slices.Concat(
		[]string{"New revision detected! Scaling up " + canary, "Starting canary analysis for " + canary}, between,
		[]string{
			"Halt " + canary + " advancement success rate 69.17% < 99%",
			"Rolling back " + canary + " failed checks threshold reached 5",
			"Canary failed! Scaling down " + canary,
		})
}

func advances(canary, format string, numbers ...int) (all []string) {
	for _, number := range numbers {
		all = append(all, fmt.Sprintf("Advance %s canary "+format, canary, number))
	}
	return all
}

// The Istio tutorial runs to its end: the VirtualService is the one of the tutorial at
// each of its weights, which grow by ten a minute.
func TestIstioTutorialRunsToItsEnd(t *testing.T) {
	t.Parallel()
	w := istioTutorial().walk(t)
	calls := w.hooks.to("")
	if len(calls) == 0 || calls[0].Name != "hello-world" || calls[0].Metadata["cmd"] != "hey -z 1m -q 10 -c 2 http://hello-world-canary.default:80/" {
		t.Errorf("the load tester was asked %v", calls)
	}
	if failed := w.statusOf("hello-world").Status.FailedChecks; failed != 5 {
		t.Errorf("status counts %d failed checks, want the 5 that the manifest allows", failed)
	}
}

// The Gloo tutorial runs to its end, step by step and then as an A/B test.
func TestGlooTutorialRunsToItsEnd(t *testing.T) {
	t.Parallel()
	w := glooTutorial().walk(t)
	if calls := w.hooks.to(""); len(calls) == 0 || calls[0].Metadata["type"] != "bash" {
		t.Errorf("the acceptance test was not the first to be called: %v", calls)
	}
}

// abAnalysis is the file of what takes the place of an analysis.
const abAnalysis = "seed1-ab-analysis"

// unexpected is what Prometheus 2.42 says about the query of the tutorial, and
// misunderstanding what its user then reads.
const (
	unexpected       = `invalid parameter "query": 1:143: parse error: unexpected identifier "status" in label matching, expected "," or "}"`
	misunderstanding = "Metric query failed for 404s percentage: error response: 400 Bad Request: bad_data: " + unexpected
)

// measuring adds the metric of the tutorial, whose server answers under the name in the
// manifest. What it is asked is the text of the manifest with its variables replaced.
func (w *walker) measuring() {
	w.t.Helper()
	var template struct{ Spec struct{ Query string } }
	w.must(yaml.Unmarshal(manifest(w.t, "seed1-metrictemplate"), &template))
	query := strings.NewReplacer("{{ namespace }}", "test", "{{ target }}", "podinfo", "{{ interval }}", "1m").Replace(template.Spec.Query)
	w.metrics.refuse(strings.Join(strings.Fields(query), " "), unexpected) // Prometheus is asked in one line
	w.edit(`[{"op": "add", "path": "/spec/analysis/metrics/-", "value": {"name": "404s percentage", "templateRef": {"name": "not-found-percentage"},
		"thresholdRange": {"max": 5}, "interval": "1m"}}]`)
}

// misunderstood waits until its user knows what is wrong with the query.
func (w *walker) misunderstood() {
	w.t.Helper()
	w.hears(misunderstanding)
	w.edit(`[{"op": "remove", "path": "/spec/analysis/metrics/2"}]`)
}

// testing puts the analysis of an A/B test in the place of the one before.
func (w *walker) testing() {
	w.t.Helper()
	var part struct{ Analysis any }
	w.must(yaml.Unmarshal(manifest(w.t, abAnalysis), &part))
	patch, err := json.Marshal([]any{map[string]any{"op": "replace", "path": "/spec/analysis", "value": part.Analysis}})
	w.must(err)
	w.edit(string(patch))
}

// All manifests of the tutorials are used, so that none is kept that nobody tries.
func TestEveryManifestOfTheTutorialsIsUsed(t *testing.T) {
	t.Parallel()
	used := []string{abAnalysis}
	for _, x := range []tutorial{istioTutorial(), glooTutorial()} {
		used = append(append(used, x.applied...), x.canary)
	}
	slices.Sort(used)
	paths, err := filepath.Glob("../api/v1beta1/testdata/compat/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, path := range paths {
		there = append(there, strings.TrimSuffix(filepath.Base(path), ".yaml"))
	}
	if !slices.Equal(there, used) {
		t.Errorf("of %q are used %q", there, used)
	}
}
