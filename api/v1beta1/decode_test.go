package v1beta1

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/serinhq/serin/rollout"
)

func TestDecodeNamesWhatDoesNotFit(t *testing.T) {
	tests := []struct {
		name string
		text string
		want []string // parts of the error; none for a good object
	}{
		{"a fraction", "spec: {analysis: {stepWeight: 12.5}}", []string{
			"spec.analysis.stepWeight: Invalid value: 12.5: must be a whole number, without quotes"}},
		{"a whole number written as a fraction", "spec: {analysis: {stepWeight: 12.0}}", nil},
		{"a number in quotes", "spec: {canaryAnalysis: {threshold: '5'}}", []string{
			`spec.canaryAnalysis.threshold: Invalid value: "5": must be a whole number, without quotes`}},
		{"a number too great for its field", "spec: {service: {port: 2147483648}}", []string{
			"spec.service.port: Invalid value: 2147483648: must be a whole number"}},
		{"a number too great for any", "spec: {analysis: {threshold: 1e300}}", []string{
			"spec.analysis.threshold: Invalid value: 1e+300: must be a whole number"}},
		{"an item of a list", "spec: {analysis: {stepWeights: [5, x, 10]}}", []string{
			`spec.analysis.stepWeights[1]: Invalid value: "x": must be a whole number`}},
		{"deep inside", "spec: {analysis: {metrics: [{name: a}, {name: b, thresholdRange: {min: low}}]}}", []string{
			`spec.analysis.metrics[1].thresholdRange.min: Invalid value: "low": must be a number, without quotes`}},
		{"text for a flag", "spec: {suspend: 'yes please'}", []string{
			`spec.suspend: Invalid value: "yes please": must be true or false, without quotes`}},
		{"a number for text", "spec: {analysis: {webhooks: [{metadata: {answer: 42}}]}}", []string{
			"spec.analysis.webhooks[0].metadata[answer]: Invalid value: 42: must be text; put it in quotes"}},
		{"a list for an object; its items are not repeated", "spec: {analysis: [s3cret]}", []string{
			`spec.analysis: Invalid value: "[...]": must be an object`}},
		{"an object for a list; its fields are not repeated", "spec: {analysis: {metrics: {token: s3cret}}}", []string{
			`spec.analysis.metrics: Invalid value: "{...}": must be a list`}},
		{"long text is cut", "spec: {analysis: {metrics: " + strings.Repeat("x", 1000) + "}}", []string{
			`spec.analysis.metrics: Invalid value: "` + strings.Repeat("x", 64) + `...": must be a list`}},
		{"a port by a flag", "spec: {service: {targetPort: true}}", []string{
			"spec.service.targetPort: Invalid value: true: must be a whole number or a name"}},
		{"a bad time", "metadata: {creationTimestamp: yesterday}", []string{
			`metadata.creationTimestamp: Invalid value: "yesterday": must be a time such as 2006-01-02T15:04:05Z`}},
		{"several at once", "spec: {suspend: 1, provider: 2}", []string{"spec.suspend:", "spec.provider:"}},
		{"no object at all", "spec: 7", []string{"spec: Invalid value: 7: must be an object"}},
		{"null is absent", "spec: {analysis: null, service: null, suspend: null}", nil},
		{"unknown fields", "spec: {toString: {}}\nother: 1", nil},
		{"nonsense in status, which is written anew", "status: {canaryWeight: 1.5, rollout: {step: first, pending: [7]}, conditions: 9}", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			canary, err := Decode(object(t, tt.text))
			if canary == nil {
				t.Fatal("no canary")
			}
			if (err != nil) != (len(tt.want) > 0) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("error %q repeats a secret", err)
			}
			alike(t, object(t, tt.text))
		})
	}
}

// What is good stays, so that the operator can still write a status and leave
// the traffic where it is.
func TestDecodeKeepsTheRest(t *testing.T) {
	canary, err := Decode(object(t, `
metadata: {name: podinfo, namespace: test, uid: abc, generation: 3, labels: {a: b}, ownerReferences: [{name: x, controller: true}]}
spec:
  targetRef: {kind: Deployment, name: podinfo}
  service: {port: 80, targetPort: http, gatewayRefs: [{name: public, port: 81.5}], trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}
  analysis: {interval: 1m, stepWeight: 12.5, maxWeight: 50, mirrorWeight: x, metrics: [{name: a, threshold: 99.5}]}
status: {phase: Progressing, canaryWeight: 20, lastAppliedSpec: current, lastTransitionTime: "2026-01-01T00:00:00Z"}
`))
	if err == nil {
		t.Fatal("no error")
	}
	spec := canary.Spec
	got := []any{canary.Name, canary.Namespace, string(canary.UID), canary.Generation, canary.Labels["a"], *canary.OwnerReferences[0].Controller,
		spec.Service.Port, spec.Service.TargetPort, spec.Service.GatewayRefs[0].Name, spec.Service.GatewayRefs[0].Port == nil,
		string(spec.Service.TrafficPolicy.Raw), spec.Analysis.Interval, spec.Analysis.StepWeight, spec.Analysis.MaxWeight,
		spec.Analysis.MirrorWeight == nil, spec.Analysis.Metrics[0].Threshold,
		string(canary.Status.Phase), canary.Status.CanaryWeight, canary.Status.LastAppliedSpec, canary.Status.LastTransitionTime.Year()}
	want := []any{"podinfo", "test", "abc", int64(3), "b", true,
		int32(80), intstr.FromString("http"), "public", true,
		`{"tls":{"mode":"ISTIO_MUTUAL"}}`, "1m", 0, 50,
		true, 99.5,
		"Progressing", 20, "current", 2026}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

// Whatever a good object holds is read as the standard library would read it.
func TestDecodeAgreesWithJSON(t *testing.T) {
	for _, file := range []string{"seed0-canary-v1alpha3.yaml", "seed1-canary-gloo.yaml"} {
		obj := object(t, compat(t, file))
		text, err := json.Marshal(obj)
		if err != nil {
			t.Fatal(err)
		}
		want := new(Canary)
		if err := json.Unmarshal(text, want); err != nil {
			t.Fatal(err)
		}
		got, err := Decode(obj)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-json +decode):\n%s", file, diff)
		}
		alike(t, obj)
	}
}

// alike wants spec and status of an object to be read as text as they are in the object.
func alike(t *testing.T, obj map[string]any) {
	t.Helper()
	parts, text := map[string]any{}, map[string][]byte{}
	for _, part := range []string{"spec", "status"} {
		value, has := obj[part]
		if !has {
			continue
		}
		var err error
		if text[part], err = json.Marshal(value); err != nil {
			return // infinity, which only YAML has
		}
		parts[part] = value
	}
	want, wantErr := Decode(parts)
	got, err := DecodeParts(text["spec"], text["status"])
	if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
		t.Errorf("in parts: %v\nas a whole: %v", err, wantErr)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("in parts (-whole +parts):\n%s", diff)
	}
}

// What is no JSON is said, and nothing of it is used.
func TestDecodePartsWantsJSON(t *testing.T) {
	canary, err := DecodeParts([]byte(`{"provider": "istio"`), nil)
	if err == nil || canary == nil || canary.Spec.Provider != "" {
		t.Errorf("read %+v, %v", canary, err)
	}
}

func compat(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "compat", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func FuzzDecode(f *testing.F) {
	for _, text := range []string{withAnalysis("stepWeights: [1, 2]" + allGates), "spec: {analysis: {stepWeight: 12.5}}",
		"status: {rollout: {pending: [draining], since: never}}", compat(f, "seed0-canary-v1alpha3.yaml")} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var obj map[string]any
		if yaml.Unmarshal(text, &obj) != nil {
			return
		}
		canary, err := Decode(obj)
		again, errAgain := Decode(obj)
		if (err == nil) != (errAgain == nil) || !cmp.Equal(canary, again) {
			t.Fatalf("decoding twice gives two results: %v, %v", err, errAgain)
		}
		alike(t, obj)
		for _, features := range []Features{gateway(), plain(), {}} {
			plan, errs := Compile(canary, features)
			if len(plan.Steps) == 0 || plan.Threshold < 1 || plan.Interval < LeastInterval {
				t.Fatalf("plan %+v (%v) cannot be followed", plan, errs)
			}
			for i, step := range plan.Steps {
				if r := step.Route; r.Primary+r.Canary != rollout.Full || r.Canary < 0 || r.Primary < 0 || r.Mirror < 0 || r.Mirror > rollout.Full {
					t.Fatalf("step %d routes %+v", i, r)
				}
			}
			status := canary.Status
			status.Store(status.State(), plan, epoch)
		}
	})
}
