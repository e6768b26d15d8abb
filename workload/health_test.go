package workload

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/serinhq/serin/rollout"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestHealth(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }
	unavailable := func(since time.Duration) appsv1.DeploymentCondition {
		return appsv1.DeploymentCondition{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionFalse, Reason: "MinimumReplicasUnavailable", LastUpdateTime: ago(since)}
	}
	exceeded := appsv1.DeploymentCondition{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded", LastUpdateTime: ago(time.Second)}
	progressing := appsv1.DeploymentCondition{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "ReplicaSetUpdated", LastUpdateTime: ago(time.Hour)}
	status := func(replicas, updated, available int32, conditions ...appsv1.DeploymentCondition) appsv1.DeploymentStatus {
		return appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: replicas, UpdatedReplicas: updated, AvailableReplicas: available, Conditions: conditions}
	}
	stale := status(2, 2, 2, exceeded, unavailable(time.Hour))
	stale.ObservedGeneration = 1
	for _, tc := range []struct {
		name      string
		replicas  *int32
		status    appsv1.DeploymentStatus
		side      rollout.Side
		threshold int
		want      rollout.Health
	}{
		{"all pods are new and available", new(int32(2)), status(2, 2, 2, progressing), rollout.OnPrimary, 100, rollout.Health{Ready: true, Serving: true}},
		{"the status is of an older generation, and so are its deadlines", new(int32(2)), stale, rollout.OnPrimary, 100,
			rollout.Health{Serving: true, Reason: "web.shop not ready: waiting for rollout to finish: observed deployment generation less than desired generation"}},
		{"the canary's words", new(int32(2)), stale, rollout.OnCanary, 100,
			rollout.Health{Serving: true, Reason: "canary deployment web.shop not ready: waiting for rollout to finish: observed deployment generation less than desired generation"}},
		{"the Deployment gave up", new(int32(2)), status(2, 2, 2, exceeded), rollout.OnPrimary, 100,
			rollout.Health{Serving: true, Dead: true, Reason: `web.shop not ready: deployment "web" exceeded its progress deadline`}},
		{"new pods are missing", new(int32(3)), status(3, 1, 3), rollout.OnPrimary, 100,
			rollout.Health{Serving: true, Reason: "web.shop not ready: waiting for rollout to finish: 1 out of 3 new replicas have been updated"}},
		{"nothing asked is one replica", nil, status(0, 0, 0), rollout.OnPrimary, 100,
			rollout.Health{Reason: "web.shop not ready: waiting for rollout to finish: 0 out of 1 new replicas have been updated"}},
		{"old pods are still there", new(int32(2)), status(3, 2, 2), rollout.OnPrimary, 100,
			rollout.Health{Serving: true, Reason: "web.shop not ready: waiting for rollout to finish: 1 old replicas are pending termination"}},
		{"pods are not available", new(int32(1)), status(1, 1, 0), rollout.OnCanary, 100,
			rollout.Health{Reason: "canary deployment web.shop not ready: waiting for rollout to finish: 0 of 1 (readyThreshold 100%) updated replicas are available"}},
		{"half of them is enough", new(int32(4)), status(4, 4, 2), rollout.OnPrimary, 50, rollout.Health{Ready: true, Serving: true}},
		{"less than half is not", new(int32(4)), status(4, 4, 1), rollout.OnPrimary, 50,
			rollout.Health{Serving: true, Reason: "web.shop not ready: waiting for rollout to finish: 1 of 2 (readyThreshold 50%) updated replicas are available"}},
		{"the threshold is rounded down", new(int32(3)), status(3, 3, 1), rollout.OnPrimary, 50, rollout.Health{Ready: true, Serving: true}},
		{"but never to no pod at all", new(int32(1)), status(1, 1, 0), rollout.OnPrimary, 50,
			rollout.Health{Reason: "web.shop not ready: waiting for rollout to finish: 0 of 1 (readyThreshold 50%) updated replicas are available"}},
		{"a primary without pods must not get traffic", new(int32(0)), status(0, 0, 0), rollout.OnPrimary, 100,
			rollout.Health{Reason: "web.shop not ready: scaled to zero: no replicas are desired"}},
		{"a parked canary is not dead, however long it was unavailable", new(int32(0)), status(0, 0, 0, exceeded, unavailable(time.Hour)), rollout.OnCanary, 100,
			rollout.Health{Reason: "canary deployment web.shop not ready: scaled to zero: no replicas are desired"}},
		{"unavailable within the deadline", new(int32(1)), status(1, 1, 0, unavailable(time.Minute)), rollout.OnPrimary, 100,
			rollout.Health{Reason: "web.shop not ready: waiting for rollout to finish: 0 of 1 (readyThreshold 100%) updated replicas are available"}},
		{"unavailable longer than the deadline", new(int32(1)), status(1, 1, 0, unavailable(time.Minute+time.Second)), rollout.OnPrimary, 100,
			rollout.Health{Dead: true, Reason: "web.shop not ready: waiting for rollout to finish: 0 of 1 (readyThreshold 100%) updated replicas are available"}},
		{"ready again, whatever an old condition says", new(int32(1)), status(1, 1, 1, unavailable(time.Hour)), rollout.OnPrimary, 100, rollout.Health{Ready: true, Serving: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", Generation: 2}}
			d.Spec.Replicas, d.Status = tc.replicas, tc.status
			got := Health(pods(t, d), Rule{Side: tc.side, Threshold: tc.threshold, Deadline: time.Minute}, now)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestScaleUp(t *testing.T) {
	asks := func(n int32) *appsv1.Deployment {
		return &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: new(n)}}
	}
	for _, tc := range []struct {
		name            string
		target, primary *appsv1.Deployment
		want            int32
	}{
		{"a canary that has pods keeps their number", asks(2), asks(5), 2},
		{"a parked canary comes up as large as the primary", asks(0), asks(5), 5},
		{"a primary without pods is no measure", asks(0), asks(0), 1},
		{"without a primary one pod is tried", asks(0), nil, 1},
		{"nothing asked is one", &appsv1.Deployment{}, asks(5), 1},
	} {
		var primary *Pods
		if tc.primary != nil {
			primary = pods(t, tc.primary)
		}
		if got := ScaleUp(pods(t, tc.target), primary); got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.name, got, tc.want)
		}
	}
	if got := string(Scaled(pods(t, asks(2)), 0)); got != `{"spec":{"replicas":0}}` {
		t.Errorf("the patch to zero is %s", got)
	}
}

func TestSelectorOf(t *testing.T) {
	flag := []string{"app", "name", "app.kubernetes.io/name"}
	for _, tc := range []struct {
		name   string
		labels map[string]string
		want   Selector
		err    string
	}{
		{"the first of the flag wins", map[string]string{"name": "b", "app": "a"}, Selector{"app", "a"}, ""},
		{"any of the flag will do", map[string]string{"app.kubernetes.io/name": "c", "tier": "x"}, Selector{"app.kubernetes.io/name", "c"}, ""},
		{"none of the flag", map[string]string{"tier": "x"}, Selector{},
			"Deployment web.shop selects its pods by none of the labels app, name, app.kubernetes.io/name: add one to spec.selector.matchLabels, or name its own in -selector-labels"},
	} {
		d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"}}
		d.Spec.Selector = &metav1.LabelSelector{MatchLabels: tc.labels}
		got, err := SelectorOf(pods(t, d), flag)
		if got != tc.want || (err == nil) != (tc.err == "") || err != nil && err.Error() != tc.err {
			t.Errorf("%s: got %v, %v", tc.name, got, err)
		}
	}
	if _, err := SelectorOf(pods(t, &appsv1.Deployment{}), flag); err == nil {
		t.Error("a Deployment without a selector has one")
	}
}

func TestConfigRefs(t *testing.T) {
	got := ConfigRefs(template(t, `
spec:
  imagePullSecrets: [{name: pull}]
  initContainers:
  - name: init
    env: [{name: A, valueFrom: {configMapKeyRef: {name: init-env, key: a, optional: true}}}, {name: B, value: b}, {name: C, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
    envFrom: [{secretRef: {name: init-from}}]
  containers:
  - name: app
    env: [{name: A, valueFrom: {secretKeyRef: {name: env, key: a}}}, {name: B, valueFrom: {configMapKeyRef: {name: both, key: b}}}]
    envFrom: [{configMapRef: {name: from, optional: true}}]
  volumes:
  - {name: a, configMap: {name: both, optional: true}}
  - {name: b, secret: {secretName: volume}}
  - {name: c, projected: {sources: [{secret: {name: projected}}, {configMap: {name: projected}}, {serviceAccountToken: {path: token}}]}}
  - {name: d, csi: {driver: a, nodePublishSecretRef: {name: csi}}}
  - {name: e, emptyDir: {}}`))
	want := []Ref{
		{"ConfigMap", "both", false}, {"ConfigMap", "from", true}, {"ConfigMap", "init-env", true}, {"ConfigMap", "projected", false},
		{"Secret", "env", false}, {"Secret", "init-from", false}, {"Secret", "projected", false}, {"Secret", "volume", false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if refs := ConfigRefs(corev1.PodTemplateSpec{}); refs != nil {
		t.Errorf("an empty template names %v", refs)
	}
}
