package integration

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/serinhq/serin/api/v1beta1"
)

const weighted = `
maxWeight: 40
stepWeight: 20
metrics:
- {name: request-success-rate, thresholdRange: {min: 99}}
- {name: request-duration, thresholdRange: {max: 500}}
`

func TestGoodReleaseIsPromotedStepByStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.begin(weighted)
	if got := w.image("podinfo-primary"); got != "app:1" {
		t.Fatalf("the primary runs %s", got)
	}
	if replicas := *w.deployment("podinfo").Spec.Replicas; replicas != 0 {
		t.Fatalf("the canary was left with %d replicas", replicas)
	}

	w.push("app:2")
	w.phase("Succeeded")
	if got := w.image("podinfo-primary"); got != "app:2" {
		t.Errorf("the primary runs %s", got)
	}
	if got, want := w.gateway.seen(), "100/0 80/20 60/40 100/0"; got != want {
		t.Errorf("the route went through %s, want %s", got, want)
	}
	want := []string{
		"Initialization done! podinfo.NS",
		"New revision detected! Scaling up podinfo.NS",
		"Starting canary analysis for podinfo.NS",
		"Advance podinfo.NS canary weight 20",
		"Advance podinfo.NS canary weight 40",
		"Copying podinfo.NS template spec to podinfo-primary.NS",
		"Routing all traffic to primary",
		"Promotion completed! Scaling down podinfo.NS",
	}
	if got := milestones(w.events(), want); !slices.Equal(got, want) {
		t.Errorf("events, -want +got\n%s", cmp.Diff(want, got))
	}
	status := w.status().Status
	if status.LastAppliedSpec != status.LastPromotedSpec || status.CanaryWeight != 0 || status.Conditions[0].Status != "True" {
		t.Errorf("status at the end: %+v", status)
	}
}

// milestones keeps the events that are in the list; those about readiness come
// and go with the speed of the machine.
func milestones(events, list []string) []string {
	return slices.Compact(slices.DeleteFunc(slices.Clone(events), func(e string) bool { return !slices.Contains(list, e) }))
}

func TestBadReleaseIsUndone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		success, latency float64
		halt             string
	}{
		"errors":  {69.17, 20, "Halt podinfo.NS advancement success rate 69.17% < 99%"},
		"latency": {100, 1515, "Halt podinfo.NS advancement request duration 1.515s > 500ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.begin(weighted)
			w.metrics.set(c.success, c.latency)
			w.push("app:2")
			w.phase("Failed")
			if got := w.image("podinfo-primary"); got != "app:1" {
				t.Errorf("the primary runs %s", got)
			}
			if got, want := w.gateway.seen(), "100/0 80/20 100/0"; got != want {
				t.Errorf("the route went through %s, want %s", got, want)
			}
			events := w.events()
			for _, want := range []string{c.halt, "Rolling back podinfo.NS failed checks threshold reached 1", "Canary failed! Scaling down podinfo.NS"} {
				if !slices.Contains(events, want) {
					t.Errorf("no event %q in %q", want, events)
				}
			}
			if status := w.status().Status; status.FailedChecks != 1 || status.Conditions[0].Status != "False" {
				t.Errorf("status at the end: %+v", status)
			}
		})
	}
}

func TestRevisionThatNeverStartsIsUndoneWithoutTraffic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pods.breakImage("app:2")
	w.begin(weighted)
	w.push("app:2")
	w.phase("Failed")
	if got, want := w.gateway.seen(), "100/0"; got != want {
		t.Errorf("the route went through %s, want %s", got, want)
	}
}

func TestFailedPromotionKeepsTrafficOnTheCanaryAndAFixComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.begin(weighted + "webhooks:\n- {name: gate, type: confirm-promotion, url: " + w.hooks.URL + "/gate}\n")
	w.hooks.refuse("gate", true)
	w.push("app:2")
	w.until("the promotion to wait for approval", func(c *v1beta1.Canary) bool { return c.Status.Phase == "WaitingPromotion" })
	w.pods.breakImage("app:2") // the canary's pods run already, the primary's will not
	w.hooks.refuse("gate", false)
	w.until("the promotion to fail", func(c *v1beta1.Canary) bool { return c.Status.Phase == "Failed" })
	if got := w.status().Status.CanaryWeight; got != 100 {
		t.Errorf("the canary has %d %% of the traffic, want all", got)
	}
	w.push("app:3")
	w.phase("Succeeded")
	if got := w.image("podinfo-primary"); got != "app:3" {
		t.Errorf("the primary runs %s", got)
	}
	if got, want := w.gateway.seen(), "100/0 80/20 60/40 0/100 100/0"; got != want {
		t.Errorf("the route went through %s, want %s", got, want)
	}
}

func TestHooksAreCalledInTheirPhases(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate()
	w.push("app:1")
	hooks := "webhooks:\n"
	types := []string{"confirm-rollout", "pre-rollout", "rollout", "confirm-traffic-increase", "confirm-promotion", "post-rollout", "event"}
	for _, kind := range types {
		hooks += "- {name: " + kind + ", type: " + kind + ", url: " + w.hooks.URL + "/" + kind + "}\n"
	}
	w.canary("maxWeight: 50\nstepWeight: 50\n" + hooks)
	w.phase("Initialized")
	w.push("app:2")
	w.phase("Succeeded")
	for kind, want := range map[string][]string{
		"confirm-rollout": {"Initialized"}, "pre-rollout": {"Progressing"}, "rollout": {"Progressing"},
		"confirm-traffic-increase": {"Progressing", "Progressing"}, "confirm-promotion": {"Progressing"}, "post-rollout": {"Succeeded"},
	} {
		var got []string
		for _, c := range w.hooks.to(kind) {
			got = append(got, c.Phase)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s was called in phases %q, want %q", kind, got, want)
		}
	}
	if len(w.hooks.to("event")) == 0 {
		t.Error("the event hook was not called")
	}
}

// What it lacks is in the Canary itself: no kind that another test installs may mend it.
func TestRefusedSpecIsSaidAndHurtsNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate()
	w.push("app:1")
	w.must(apply(w.ctx, plane.client, w.parse(`
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: other}
spec:
  provider: nginx
  targetRef: {apiVersion: apps/v1, kind: DaemonSet, name: other}
  service: {port: 80}
  analysis: {interval: 10s, threshold: 1, stepWeight: 10}
`)))
	w.canary(weighted)
	w.phase("Initialized")
	raw := blank(v1beta1.GroupVersion().WithKind("Canary"))
	raw.SetNamespace(w.namespace)
	raw.SetName("other")
	w.must(follow(w.ctx, plane.client, raw, w.namespace, "other", refusal(t)))
}

// refusal waits for the condition that names what is missing.
func refusal(t *testing.T) func(*unstructured.Unstructured) bool {
	t.Helper()
	return func(u *unstructured.Unstructured) bool {
		canary, err := v1beta1.Decode(u.Object)
		if err != nil {
			return false
		}
		for _, c := range canary.Status.Conditions {
			if c.Type == v1beta1.Accepted && c.Status == "False" {
				t.Log(c.Message)
				return strings.Contains(c.Message, "spec.ingressRef")
			}
		}
		return false
	}
}

// Whether the metrics backends answer is told while the primary is awaited: who waits for
// it should not learn of a wrong address only with the first release.
func TestInitializationSaysThatTheMetricsAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pods.breakImage("app:1")
	w.operate()
	w.push("app:1")
	w.canary(weighted)
	w.hears(blank(corev1.SchemeGroupVersion.WithKind("Event")), "all the metrics providers are available!")
}

// What a gateway has against a route is told where people look first.
func TestRefusalOfTheGatewayIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gateway.against = "there is no such listener"
	w.operate()
	w.push("app:1")
	w.canary(weighted)
	const want = "the traffic provider has not accepted the route: HTTPRoute podinfo: Accepted is False (Accepted): there is no such listener"
	w.until("the reason", func(c *v1beta1.Canary) bool { return c.Status.Rollout != nil && c.Status.Rollout.WaitsFor == want })
}
