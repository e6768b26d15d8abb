package router

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
	"k8s.io/apimachinery/pkg/util/json" // keeps whole numbers whole
	"sigs.k8s.io/yaml"
)

func serverless() Service {
	return Service{Namespace: "shop", Name: "web", Target: "web", Pinned: "web-00001"}
}

func serverlessScenes() []scene {
	broken, down := serverless(), serverless()
	broken.Broken.Latest, down.Broken.Primary = true, true
	renamed := serverless()
	renamed.Name = "shop"
	return []scene{
		{"broken", "a canary that broke is not named, or Knative would not lead its traffic home", broken, rollout.Split(0)},
		{"broken-split", "as long as it has traffic it is named all the same", broken, rollout.Split(rollout.Percent(10))},
		{"down", "nor is a primary that broke, when the canary stands in for it", down, rollout.Split(rollout.Full)},
		{"renamed", "spec.service.name is no object here", renamed, rollout.Split(rollout.Percent(5))},
	}
}

// ksvc is a live Knative Service with what is given as its spec and status.
func ksvc(t *testing.T, spec, status string) Object {
	t.Helper()
	var object Object
	text := `
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: web
  namespace: shop
  uid: live
  generation: 4
  annotations: {flagger.app/primary-revision: web-00001, serving.knative.dev/creator: someone}
spec:
  template: {spec: {containers: [{image: "web:2"}]}}
  traffic: ` + spec + `
status: ` + status
	fields, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = json.Unmarshal(fields, &object.Object)
	}
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// What Flagger wrote and Knative completed is read as it was meant, and is served when
// Knative says so of this very generation.
func TestKnativeIsRead(t *testing.T) {
	const (
		tenth   = `[{latestRevision: true, percent: 10}, {revisionName: web-00001, latestRevision: false, percent: 90}]`
		served  = `{observedGeneration: 4, latestCreatedRevisionName: web-00002, conditions: [{type: RoutesReady, status: "True"}], traffic: `
		divided = `[{latestRevision: true, revisionName: web-00002, percent: 10}, {latestRevision: false, revisionName: web-00001, percent: 90}]`
	)
	for _, tc := range []struct {
		name, spec, status string
		canary             int // percent; -1 for an error
		accepted           bool
	}{
		{"a step that is served", tenth, served + divided + `}`, 10, true},
		{"home", `[{latestRevision: true, percent: 0}, {revisionName: web-00001, percent: 100}]`,
			served + `[{latestRevision: true, revisionName: web-00002, percent: 0}, {revisionName: web-00001, percent: 100}]}`, 0, true},
		{"home, the latest one not being ready", `[{latestRevision: true, percent: 0}, {revisionName: web-00001, percent: 100}]`,
			served + `[{latestRevision: true, revisionName: web-00001, percent: 0}, {revisionName: web-00001, percent: 100}]}`, 0, true},
		{"after a promotion, both ends being one", `[{latestRevision: true, percent: 0}, {revisionName: web-00001, percent: 100}]`,
			strings.ReplaceAll(served, "00002", "00001") + `[{latestRevision: true, revisionName: web-00001, percent: 0}, {revisionName: web-00001, percent: 100}]}`, 0, true},
		{"a broken canary left out", `[{revisionName: web-00001, percent: 100}]`, served + `[{revisionName: web-00001, percent: 100}]}`, 0, true},
		{"percents that Knative leaves out", `[{latestRevision: true}, {revisionName: web-00001, percent: 100}]`,
			served + `[{latestRevision: true, revisionName: web-00002}, {revisionName: web-00001, percent: 100}]}`, 0, true},
		{"not looked at yet", tenth, strings.Replace(served, "4", "3", 1) + divided + `}`, 10, false},
		{"not routed yet", tenth, strings.Replace(served, "True", "Unknown", 1) + divided + `}`, 10, false},
		{"the latest one is not ready, another one has its share", tenth, served + strings.ReplaceAll(divided, "00002", "00000") + `}`, 10, false},
		{"other shares in status", tenth, served + `[{latestRevision: true, revisionName: web-00002, percent: 20}, {revisionName: web-00001, percent: 80}]}`, 10, false},
		{"no status at all", tenth, `{}`, 10, false},
		{"a broken primary left out", `[{latestRevision: true, percent: 100}]`, served + `[{latestRevision: true, revisionName: web-00002, percent: 100}]}`, 100, true},
		{"the same, not followed yet", `[{latestRevision: true, percent: 100}]`, served + divided + `}`, 100, false},
		{"nothing about traffic", `[]`, `{}`, -1, false},
		{"a third Revision", `[{latestRevision: true, percent: 10}, {revisionName: web-00001, percent: 80}, {revisionName: old, percent: 10}]`, `{}`, -1, false},
		{"another primary", `[{latestRevision: true, percent: 10}, {revisionName: web-00007, percent: 90}]`, `{}`, -1, false},
		{"percents of more than there is", `[{latestRevision: true, percent: 90}, {revisionName: web-00001, percent: 90}]`, `{}`, -1, false},
		{"something else than a list", `{latest: 10}`, `{}`, -1, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			route, accepted, err := knative.Parse([]Object{ksvc(t, tc.spec, tc.status)})
			if tc.canary < 0 {
				if err == nil || !strings.Contains(err.Error(), "Knative Service shop/web") {
					t.Errorf("read as %+v, %v", route, err)
				}
				return
			}
			if err != nil || route != rollout.Split(rollout.Percent(tc.canary)) || accepted != tc.accepted {
				t.Errorf("read as %+v, accepted %t, %v; want %d %%, %t", route, accepted, err, tc.canary, tc.accepted)
			}
		})
	}
}

// What Knative begins with is no division: nothing is pinned.
func TestKnativeWithoutAPrimaryIsNoRoute(t *testing.T) {
	fresh := ksvc(t, `[{latestRevision: true, percent: 100}]`, `{}`)
	fresh.SetAnnotations(nil)
	if route, _, err := knative.Parse([]Object{fresh}); err == nil {
		t.Errorf("read as %+v", route)
	}
}

// Without a Revision there is nothing to pin, and users are told what is waited for.
func TestKnativeWithoutARevisionIsRefused(t *testing.T) {
	s := serverless()
	s.Pinned = ""
	if _, err := knative.Render(s, rollout.Split(0)); err == nil || !strings.Contains(err.Error(), "spec.targetRef") {
		t.Errorf("rendered without a primary: %v", err)
	}
	if left, err := knative.Leave(s, rollout.Alone); err != nil || left != nil {
		t.Errorf("what was never changed is given back as %v, %v", left, err)
	}
}

// A Service that was deleted between the look and the apply must not come back empty.
func TestKnativeNamesTheVeryObject(t *testing.T) {
	s := serverless()
	s.Live = []Object{ksvc(t, `[]`, `{}`)}
	objects, err := knative.Render(s, rollout.Split(0))
	if err != nil || objects[0].GetUID() != "live" {
		t.Fatalf("rendered for UID %q, %v", objects[0].GetUID(), err)
	}
	if diff := cmp.Diff(map[string]string{workload.PrimaryRevision: "web-00001"}, objects[0].GetAnnotations()); diff != "" {
		t.Errorf("annotations (-want +got)\n%s", diff)
	}
}

// The user's Service is given back in one go, before the Canary goes.
func TestKnativeIsGivenBack(t *testing.T) {
	for how, traffic := range map[rollout.Release]string{
		rollout.Named: "latestRevision,percent:0 percent:100,revisionName", rollout.Served: "latestRevision,percent:100", rollout.Alone: "latestRevision,percent:100",
	} {
		left, err := knative.Leave(serverless(), how)
		if err != nil || len(left) != 1 {
			t.Fatal(left, err)
		}
		if got := targetsOf(left[0]); got != traffic {
			t.Errorf("%v leads to %s, want %s", how, got, traffic)
		}
		if pinned := left[0].GetAnnotations()[workload.PrimaryRevision]; (pinned != "") != (how == rollout.Named) {
			t.Errorf("%v is pinned to %q", how, pinned)
		}
	}
}

func targetsOf(object Object) string {
	var all []string
	for _, target := range object.Object["spec"].(map[string]any)["traffic"].([]any) {
		text, err := yaml.Marshal(target)
		if err != nil {
			return err.Error()
		}
		words := strings.NewReplacer(": true", "", ": web-00001", "", " ", "").Replace(strings.TrimSpace(string(text)))
		all = append(all, strings.ReplaceAll(words, "\n", ","))
	}
	return strings.Join(all, " ")
}
