package workload

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/util/json" // keeps whole numbers whole
	"sigs.k8s.io/yaml"
)

func knativeObject(t *testing.T, text string) *Object {
	t.Helper()
	object := &Object{}
	fields, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = json.Unmarshal(fields, &object.Object)
	}
	if err != nil {
		t.Fatal(err)
	}
	return object
}

func TestKnativeHealth(t *testing.T) {
	const begin = "Knative Revision web-00002.shop is not ready: "
	service := knativeObject(t, "{metadata: {name: web, namespace: shop}}")
	for _, tc := range []struct {
		name, status string
		want         rollout.Health
	}{
		{"ready", `{observedGeneration: 1, conditions: [{type: Active, status: "True"}, {type: Ready, status: "True"}]}`,
			rollout.Health{Ready: true, Serving: true}},
		{"ready without pods, which come with the first request", `{observedGeneration: 1, conditions: [{type: Active, status: "False"}, {type: Ready, status: "True"}]}`,
			rollout.Health{Ready: true, Serving: true}},
		{"coming up", `{observedGeneration: 1, conditions: [{type: Ready, status: Unknown, reason: Deploying}]}`,
			rollout.Health{Reason: begin + "Deploying: Knative does not say why"}},
		{"an image that is not there may come", `{observedGeneration: 1, conditions: [{type: Ready, status: "False", reason: ContainerMissing, message: no such image}]}`,
			rollout.Health{Reason: begin + "ContainerMissing: no such image"}},
		{"given up by Knative", `{observedGeneration: 1, conditions: [{type: Ready, status: "False", reason: ProgressDeadlineExceeded, message: took 600s}]}`,
			rollout.Health{Dead: true, Reason: begin + "ProgressDeadlineExceeded: took 600s"}},
		{"a verdict about what was before", `{observedGeneration: 0, conditions: [{type: Ready, status: "True"}]}`,
			rollout.Health{Reason: begin + "Unknown: Knative has not looked at it yet"}},
		{"nothing is known", `{}`, rollout.Health{Reason: begin + "Unknown: Knative has not looked at it yet"}},
		{"conditions of another shape", `{observedGeneration: 1, conditions: none}`, rollout.Health{Reason: begin + "Unknown: Knative does not say why"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			live := knativeObject(t, "{metadata: {name: web-00002, namespace: shop, generation: 1}, status: "+tc.status+"}")
			k := Serverless{Service: service, Revisions: map[string]*Object{"web-00002": live}}
			if diff := cmp.Diff(tc.want, k.Health("web-00002")); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	k := Serverless{Service: service}
	if got := k.Health("web-00002"); got.Ready || got.Serving || !strings.HasSuffix(got.Reason, "it was deleted") {
		t.Errorf("a Revision that is gone is %+v", got)
	}
	if got := k.Health(""); got != (rollout.Health{}) {
		t.Errorf("no Revision is %+v", got)
	}
}

func TestKnativeNames(t *testing.T) {
	k := Serverless{Service: knativeObject(t, `{metadata: {name: web, namespace: shop, uid: u, annotations: {flagger.app/primary-revision: web-00001}},
status: {latestCreatedRevisionName: web-00003, latestReadyRevisionName: web-00002}}`)}
	if k.Latest() != "web-00003" || k.Routable() != "web-00002" || k.Pinned() != "web-00001" {
		t.Errorf("latest %s, routable %s, pinned %s", k.Latest(), k.Routable(), k.Pinned())
	}
	if gone := (Serverless{}); gone.Latest() != "" || gone.Pinned() != "" {
		t.Error("a Service that is not there has Revisions")
	}
	k.Revisions = map[string]*Object{
		"web-00002": knativeObject(t, "{metadata: {resourceVersion: '7'}}"), "web-00001": knativeObject(t, "{metadata: {resourceVersion: '5'}}"), "web-00003": nil}
	if got := k.Versions(); got != "web-00001=5,web-00002=7" {
		t.Errorf("versions %s", got)
	}
	want := *knativeObject(t, `{apiVersion: serving.knative.dev/v1, kind: Service,
metadata: {name: web, namespace: shop, uid: u, annotations: {flagger.app/primary-revision: web-00003}}}`)
	if diff := cmp.Diff(want, k.Pin("web-00003")); diff != "" {
		t.Errorf("pinned (-want +got)\n%s", diff)
	}
}
