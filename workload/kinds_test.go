package workload

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/serinhq/serin/internal/golden"
	"github.com/serinhq/serin/rollout"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// agent is the DaemonSet beside the Deployment web, with the same pods.
func agent(t testing.TB) *appsv1.DaemonSet {
	t.Helper()
	d := web(t)
	return &appsv1.DaemonSet{ObjectMeta: d.ObjectMeta, Spec: appsv1.DaemonSetSpec{
		Selector: d.Spec.Selector, Template: d.Spec.Template, MinReadySeconds: 5,
		UpdateStrategy: appsv1.DaemonSetUpdateStrategy{Type: appsv1.RollingUpdateDaemonSetStrategyType},
	}}
}

// store is the StatefulSet beside it, with a claim for each pod.
func store(t testing.TB) *appsv1.StatefulSet {
	t.Helper()
	d := web(t)
	claim := corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data"}}
	claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	return &appsv1.StatefulSet{ObjectMeta: d.ObjectMeta, Spec: appsv1.StatefulSetSpec{
		Replicas: new(int32(3)), Selector: d.Spec.Selector, Template: d.Spec.Template, ServiceName: "web-peers",
		VolumeClaimTemplates: []corev1.PersistentVolumeClaim{claim}, PodManagementPolicy: appsv1.OrderedReadyPodManagement,
		UpdateStrategy: appsv1.StatefulSetUpdateStrategy{Type: appsv1.RollingUpdateStatefulSetStrategyType},
		PersistentVolumeClaimRetentionPolicy: &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{
			WhenDeleted: appsv1.DeletePersistentVolumeClaimRetentionPolicyType, WhenScaled: appsv1.RetainPersistentVolumeClaimRetentionPolicyType},
	}}
}

func park(d *appsv1.DaemonSet) *appsv1.DaemonSet {
	d.Spec.Template.Spec.NodeSelector = map[string]string{parkingLabel: "true", "disk": "ssd"}
	return d
}

// TestPrimaryOfOtherKinds: what is not in the golden files is not ours.
func TestPrimaryOfOtherKinds(t *testing.T) {
	for _, tc := range []struct {
		name, reason string
		target       *Pods
	}{
		{"daemonset", "made while its target is parked: its pods run on every node with the user's own selector", pods(t, park(agent(t)))},
		{"statefulset", "claims of its own, which stay when the primary goes with its Canary; the same governing Service", pods(t, store(t))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			object, err := Primary(tc.target, options())
			if err != nil {
				t.Fatal(err)
			}
			golden.Equal(t, filepath.Join("testdata/primary", tc.name+".yaml"), document(t, tc.reason, object))
		})
	}
}

// TestParkingIsNoRevision: parked, woken and never parked are the same release.
func TestParkingIsNoRevision(t *testing.T) {
	d := agent(t)
	d.Spec.Template.Spec.NodeSelector = map[string]string{"disk": "ssd"}
	running, resting := pods(t, d), pods(t, park(agent(t)))
	if Revision(running.Template) != Revision(resting.Template) {
		t.Error("a parked DaemonSet is another revision")
	}
	only := agent(t)
	only.Spec.Template.Spec.NodeSelector = map[string]string{parkingLabel: "true"}
	if Revision(pods(t, only).Template) != Revision(pods(t, agent(t)).Template) {
		t.Error("a DaemonSet without a selector of its own is another revision while it is parked")
	}
	if running.Parked() || !resting.Parked() || resting.of.(daemonSet).Spec.Template.Spec.NodeSelector[parkingLabel] == "" {
		t.Error("parked is not told from running, or the user's object was changed")
	}
	o := options()
	made := agent(t) // as Flagger leaves it when it makes it from a parked target
	made.Spec.Template = twin(running, o, rewriteNone)
	o.Live = pods(t, park(made))
	if got := Copied(running, o); got != Revision(running.Template) {
		t.Errorf("Flagger's primary is taken for revision %s", got)
	}
}

func TestScaledByKind(t *testing.T) {
	for _, tc := range []struct {
		name     string
		target   *Pods
		replicas int32
		want     string
	}{
		{"a DaemonSet is parked by a node selector", pods(t, agent(t)), 0, `{"spec":{"template":{"spec":{"nodeSelector":{"flagger.app/scale-to-zero":"true"}}}}}`},
		{"and comes back without it", pods(t, park(agent(t))), 1, `{"spec":{"template":{"spec":{"nodeSelector":{"flagger.app/scale-to-zero":null}}}}}`},
		{"a StatefulSet has replicas", pods(t, store(t)), 3, `{"spec":{"replicas":3}}`},
	} {
		if got := string(Scaled(tc.target, tc.replicas)); got != tc.want {
			t.Errorf("%s: got %s", tc.name, got)
		}
	}
	if got := ScaleUp(pods(t, park(agent(t))), nil); got != 1 {
		t.Errorf("a parked DaemonSet comes up with %d", got)
	}
}

func TestFit(t *testing.T) {
	daemon := func(change func(*appsv1.DaemonSetSpec)) *Pods { d := agent(t); change(&d.Spec); return pods(t, d) }
	stateful := func(change func(*appsv1.StatefulSetSpec)) *Pods { s := store(t); change(&s.Spec); return pods(t, s) }
	deleting := &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{WhenScaled: appsv1.DeletePersistentVolumeClaimRetentionPolicyType}
	for _, tc := range []struct {
		name string
		p    *Pods
		want string // empty if it fits
	}{
		{"a Deployment", pods(t, web(t)), ""},
		{"a DaemonSet", pods(t, agent(t)), ""},
		{"pods that are replaced by hand", daemon(func(s *appsv1.DaemonSetSpec) { s.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType }),
			"DaemonSet web.shop has spec.updateStrategy.type OnDelete, so that new pods would wait for somebody to delete the old ones: set it to RollingUpdate"},
		{"a StatefulSet", pods(t, store(t)), ""},
		{"ordered pods that are replaced by hand", stateful(func(s *appsv1.StatefulSetSpec) { s.UpdateStrategy.Type = appsv1.OnDeleteStatefulSetStrategyType }),
			"StatefulSet web.shop has spec.updateStrategy.type OnDelete"},
		{"a partition", stateful(func(s *appsv1.StatefulSetSpec) {
			s.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(int32(2))}
		}), "spec.updateStrategy.rollingUpdate.partition 2, so that some pods would keep the old revision: set it to 0"},
		{"data that parking would delete", stateful(func(s *appsv1.StatefulSetSpec) { s.PersistentVolumeClaimRetentionPolicy = deleting }),
			"whenScaled Delete, and a canary is scaled to zero after every release, which would delete its data: set it to Retain"},
		{"no data to delete", stateful(func(s *appsv1.StatefulSetSpec) {
			s.PersistentVolumeClaimRetentionPolicy, s.VolumeClaimTemplates = deleting, nil
		}), ""},
	} {
		err := tc.p.Fit()
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v", tc.name, err)
		}
	}
}

// TestStatefulPrimaryKeepsItsClaims: the API server lets nobody change them, and
// an apply that it refuses would only say so at the end of a release.
func TestStatefulPrimaryKeepsItsClaims(t *testing.T) {
	o := options()
	object, err := Primary(pods(t, store(t)), o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	var live appsv1.StatefulSet
	if err := yaml.UnmarshalStrict(text, &live); err != nil {
		t.Fatal(err)
	}
	o.Live = pods(t, &live)
	again, err := Primary(pods(t, store(t)), o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(object.Object, again.Object); diff != "" {
		t.Errorf("applied and rendered again, it changed (-first +again)\n%s", diff)
	}
	for field, change := range map[string]func(*appsv1.StatefulSetSpec){
		"volumeClaimTemplates": func(s *appsv1.StatefulSetSpec) { s.VolumeClaimTemplates = nil },
		"serviceName":          func(s *appsv1.StatefulSetSpec) { s.ServiceName = "others" },
		"podManagementPolicy":  func(s *appsv1.StatefulSetSpec) { s.PodManagementPolicy = appsv1.ParallelPodManagement },
	} {
		target := store(t)
		change(&target.Spec)
		want := "its spec." + field + " is not that of web, and cannot be changed: delete it with --cascade=orphan"
		if _, err := Primary(pods(t, target), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

func TestHealthOfADaemonSet(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	status := func(desired, updated, available int32) appsv1.DaemonSetStatus {
		return appsv1.DaemonSetStatus{ObservedGeneration: 2, DesiredNumberScheduled: desired, UpdatedNumberScheduled: updated, NumberAvailable: available}
	}
	stale := status(2, 2, 2)
	stale.ObservedGeneration = 1
	late, early := now.Add(-time.Minute-time.Second), now.Add(-time.Minute)
	for _, tc := range []struct {
		name      string
		parked    bool
		status    appsv1.DaemonSetStatus
		side      rollout.Side
		threshold int
		since     time.Time
		want      rollout.Health
	}{
		{"a new and available pod on each node", false, status(2, 2, 2), rollout.OnPrimary, 100, late, rollout.Health{Ready: true, Serving: true}},
		{"the status is of an older generation, whatever the clock says", false, stale, rollout.OnCanary, 100, late, rollout.Health{Serving: true,
			Reason: "canary damonset web.shop not ready with retryable true: waiting for rollout to finish: observed daemonset generation less than desired generation"}},
		{"new pods are missing", false, status(3, 1, 3), rollout.OnPrimary, 100, early, rollout.Health{Serving: true,
			Reason: "primary daemonset web.shop not ready: waiting for rollout to finish: 1 out of 3 new pods have been updated"}},
		{"pods are not available", false, status(2, 2, 0), rollout.OnCanary, 100, time.Time{}, rollout.Health{
			Reason: "canary damonset web.shop not ready with retryable true: waiting for rollout to finish: 0 of 2 (readyThreshold 100%) updated pods are available"}},
		{"half of them is enough", false, status(4, 4, 2), rollout.OnCanary, 50, late, rollout.Health{Ready: true, Serving: true}},
		{"less than half is not", false, status(4, 4, 1), rollout.OnPrimary, 50, early, rollout.Health{Serving: true,
			Reason: "primary daemonset web.shop not ready: waiting for rollout to finish: 1 of 2 (readyThreshold 50%) updated pods are available"}},
		{"longer than the deadline", false, status(2, 2, 0), rollout.OnCanary, 100, late, rollout.Health{Dead: true,
			Reason: "canary damonset web.shop not ready with retryable false: exceeded its progressDeadlineSeconds: 60"}},
		{"a parked one is not dead, however long", true, status(0, 0, 0), rollout.OnCanary, 100, late, rollout.Health{
			Reason: "canary damonset web.shop not ready with retryable true: scaled to zero: its pod template selects nodes by flagger.app/scale-to-zero"}},
		{"0 of 0 pods must not get traffic", false, status(0, 0, 0), rollout.OnPrimary, 100, early, rollout.Health{
			Reason: "primary daemonset web.shop not ready: waiting for rollout to finish: no node matches its pod template"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := agent(t)
			if tc.parked {
				park(d)
			}
			d.Generation, d.Status = 2, tc.status
			got := Health(pods(t, d), Rule{Side: tc.side, Threshold: tc.threshold, Deadline: time.Minute, Since: tc.since}, now)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestHealthOfAStatefulSet(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	status := func(all, updated, available int32, current string) appsv1.StatefulSetStatus {
		return appsv1.StatefulSetStatus{ObservedGeneration: 2, Replicas: all, UpdatedReplicas: updated, AvailableReplicas: available,
			CurrentRevision: current, UpdateRevision: "web-2"}
	}
	stale := status(3, 3, 3, "web-2")
	stale.ObservedGeneration = 1
	for _, tc := range []struct {
		name      string
		replicas  int32
		status    appsv1.StatefulSetStatus
		threshold int
		age       time.Duration
		want      rollout.Health
	}{
		{"all pods are new and available", 3, status(3, 3, 3, "web-2"), 100, time.Hour, rollout.Health{Ready: true, Serving: true}},
		{"the status is of an older generation", 3, stale, 100, time.Hour, rollout.Health{Serving: true,
			Reason: "canary statefulset web.shop not ready: waiting for rollout to finish: observed statefulset generation less than desired generation"}},
		{"one after the other", 3, status(3, 1, 2, "web-1"), 100, time.Minute, rollout.Health{Serving: true,
			Reason: "canary statefulset web.shop not ready: waiting for rollout to finish: 1 out of 3 new replicas have been updated"}},
		{"old pods are still there", 3, status(4, 3, 3, "web-1"), 100, time.Minute, rollout.Health{Serving: true,
			Reason: "canary statefulset web.shop not ready: waiting for rollout to finish: 1 old replicas are pending termination"}},
		{"the rollout has not ended", 3, status(3, 3, 3, "web-1"), 100, time.Minute, rollout.Health{Serving: true,
			Reason: "canary statefulset web.shop not ready: waiting for rollout to finish: revision web-2 is not the current one yet"}},
		{"half of them is enough", 4, status(4, 4, 2, "web-1"), 50, time.Hour, rollout.Health{Ready: true, Serving: true}},
		{"parked", 0, status(0, 0, 0, "web-2"), 100, time.Hour, rollout.Health{
			Reason: "canary statefulset web.shop not ready: scaled to zero: no replicas are desired"}},
		{"longer than the deadline", 1, status(1, 1, 0, "web-1"), 100, time.Minute + time.Second, rollout.Health{Dead: true,
			Reason: "canary statefulset web.shop not ready: exceeded its progressDeadlineSeconds: 60"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := store(t)
			s.Generation, s.Spec.Replicas, s.Status = 2, new(tc.replicas), tc.status
			got := Health(pods(t, s), Rule{Side: rollout.OnCanary, Threshold: tc.threshold, Deadline: time.Minute, Since: now.Add(-tc.age)}, now)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
