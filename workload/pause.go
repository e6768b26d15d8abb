package workload

import "fmt"

// PausedAnnotation on a ScaledObject makes KEDA keep the workload at so many
// replicas. It is the only thing that is ever changed of the user's ScaledObject.
const PausedAnnotation = "autoscaling.keda.sh/paused-replicas"

// none is the value that keeps a canary without pods.
const none = "0"

// Paused reports whether KEDA keeps the workload without pods. Another number in
// the annotation is its user's, who wants so many pods during a release.
func Paused(scaler Object) bool { return scaler.GetAnnotations()[PausedAnnotation] == none }

// Pause renders the JSON merge patch after which KEDA keeps the workload without pods.
func Pause() []byte {
	return fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, PausedAnnotation, none)
}

// Resume renders the JSON merge patch after which KEDA scales the workload again.
func Resume() []byte {
	return fmt.Appendf(nil, `{"metadata":{"annotations":{%q:null}}}`, PausedAnnotation)
}
