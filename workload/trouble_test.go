package workload

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func podWith(name string, age time.Duration, containers ...corev1.ContainerStatus) corev1.Pod {
	born := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(-age)
	return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(born)},
		Status: corev1.PodStatus{ContainerStatuses: containers}}
}

func TestTrouble(t *testing.T) {
	waiting := func(reason, message string) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: "app", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}
	}
	running := corev1.ContainerStatus{Name: "app", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
	ready, unstarted, crashing, again := running, running, waiting("CrashLoopBackOff", "back-off 40s restarting failed container"), running
	ready.Ready, unstarted.Started = true, new(false)
	crashing.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 3, Reason: "Error", Message: "no config"}
	again.LastTerminationState = crashing.LastTerminationState
	unscheduled := podWith("podinfo-1", 0)
	unscheduled.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable",
		Message: "0/3 nodes are available: 3 Insufficient cpu."}}
	starting := podWith("podinfo-1", 0)
	starting.Status.InitContainerStatuses = []corev1.ContainerStatus{running}
	leaving := podWith("podinfo-1", 0, crashing)
	leaving.DeletionTimestamp = &metav1.Time{}
	quota := &appsv1.Deployment{}
	quota.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: "exceeded quota: pods"}}
	long := waiting("ErrImagePull", strings.Repeat("é", 1000))

	for _, tt := range []struct {
		name string
		of   *appsv1.Deployment
		pods []corev1.Pod
		want string
	}{
		{"no pods", &appsv1.Deployment{}, nil, ""},
		{"no pod can be made", quota, nil, "no pod can be made: exceeded quota: pods"},
		{"all is well", &appsv1.Deployment{}, []corev1.Pod{podWith("podinfo-1", 0, ready)}, ""},
		{"young", &appsv1.Deployment{}, []corev1.Pod{podWith("podinfo-1", 0, waiting("ContainerCreating", ""))}, ""},
		{"an init container at work", &appsv1.Deployment{}, []corev1.Pod{starting}, ""},
		{"no node", &appsv1.Deployment{}, []corev1.Pod{unscheduled}, "pod podinfo-1: Unschedulable: 0/3 nodes are available: 3 Insufficient cpu."},
		{"no image", &appsv1.Deployment{}, []corev1.Pod{podWith("podinfo-1", 0, waiting("ImagePullBackOff", `Back-off pulling image "app:2"`))},
			`container app of pod podinfo-1: ImagePullBackOff: Back-off pulling image "app:2"`},
		{"crash loop: without the time, which changes", &appsv1.Deployment{}, []corev1.Pod{podWith("podinfo-1", 0, crashing)},
			"container app of pod podinfo-1: CrashLoopBackOff: exit code 3, Error: no config"},
		{"between two crashes", &appsv1.Deployment{}, []corev1.Pod{podWith("podinfo-1", 0, again)},
			"container app of pod podinfo-1: runs again, not ready: exit code 3, Error: no config"},
		{"startup probe", &appsv1.Deployment{}, []corev1.Pod{podWith("podinfo-1", 0, unstarted)}, "container app of pod podinfo-1: runs, but its startup probe has not passed"},
		{"readiness probe", &appsv1.Deployment{}, []corev1.Pod{podWith("podinfo-1", 0, running)}, "container app of pod podinfo-1: runs, but its readiness probe does not pass"},
		{"the newest pod counts", &appsv1.Deployment{}, []corev1.Pod{podWith("podinfo-old", time.Hour, running), podWith("podinfo-new", 0, crashing)},
			"container app of pod podinfo-new: CrashLoopBackOff: exit code 3, Error: no config"},
		{"one that goes does not", &appsv1.Deployment{}, []corev1.Pod{leaving}, ""},
		{"long", &appsv1.Deployment{}, []corev1.Pod{podWith("podinfo-1", 0, long)}, "container app of pod podinfo-1: ErrImagePull: " + strings.Repeat("é", 143)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Trouble(pods(t, tt.of), tt.pods); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
