package workload

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Trouble is what keeps the pods of a workload from being ready, in their own
// words: the first trouble of the newest pod that has one. Empty if nothing is
// known, or if they are only young. Counters and times are left out, so that the
// same trouble is the same text.
func Trouble(p *Pods, pods []corev1.Pod) string {
	newest := slices.Clone(pods)
	slices.SortStableFunc(newest, func(a, b corev1.Pod) int { return b.CreationTimestamp.Compare(a.CreationTimestamp.Time) })
	for i := range newest {
		if text := podTrouble(&newest[i]); text != "" {
			return text
		}
	}
	d, ok := p.of.(deployment)
	if !ok {
		return "" // other kinds do not say why a pod cannot be made
	}
	if c := condition(d.Deployment, appsv1.DeploymentReplicaFailure); c != nil && c.Status == corev1.ConditionTrue {
		return "no pod can be made: " + c.Message
	}
	return ""
}

func podTrouble(pod *corev1.Pod) string {
	if pod.DeletionTimestamp != nil {
		return ""
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return fmt.Sprintf("pod %s: %s", pod.Name, said(c.Reason, c.Message))
		}
	}
	for i, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		text := stuck(s)
		if text == "" && i >= len(pod.Status.InitContainerStatuses) {
			text = unwell(s)
		}
		if text != "" {
			return fmt.Sprintf("container %s of pod %s: %s", s.Name, pod.Name, text)
		}
	}
	if pod.Status.Phase == corev1.PodFailed {
		return fmt.Sprintf("pod %s: %s", pod.Name, said(pod.Status.Reason, pod.Status.Message))
	}
	return ""
}

// stuck tells a container that cannot start and one that ends again and again.
func stuck(s corev1.ContainerStatus) string {
	switch waiting, ended := s.State.Waiting, s.LastTerminationState.Terminated; {
	case waiting != nil && waiting.Reason == "CrashLoopBackOff":
		return crash(waiting.Reason, ended)
	case waiting != nil && (waiting.Reason == "ContainerCreating" || waiting.Reason == "PodInitializing"):
		return ""
	case waiting != nil:
		return said(waiting.Reason, waiting.Message)
	case s.State.Terminated != nil && s.State.Terminated.ExitCode != 0:
		return crash("ended", s.State.Terminated)
	default:
		return ""
	}
}

// unwell tells a container that runs without passing its probe. Init containers
// are never ready while they run.
func unwell(s corev1.ContainerStatus) string {
	switch ended := s.LastTerminationState.Terminated; {
	case s.State.Running == nil || s.Ready:
		return ""
	case ended != nil:
		return crash("runs again, not ready", ended)
	case s.Started != nil && !*s.Started:
		return "runs, but its startup probe has not passed"
	default:
		return "runs, but its readiness probe does not pass"
	}
}

func crash(now string, ended *corev1.ContainerStateTerminated) string {
	if ended == nil {
		return now
	}
	return fmt.Sprintf("%s: exit code %d, %s", now, ended.ExitCode, said(ended.Reason, ended.Message))
}

// mostTrouble bounds what a container can say into status.
const mostTrouble = 300

func said(reason, message string) string {
	text := reason
	if message != "" {
		text += ": " + message
	}
	if len(text) > mostTrouble {
		text = text[:mostTrouble]
	}
	return strings.ToValidUTF8(text, "") // the cut may have split a letter
}
