package workload

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/serinhq/serin/rollout"
)

// A Demand says what a canary with an autoscaler must be able to carry. Requests
// come faster than an autoscaler follows, so the pods are there before them.
type Demand struct {
	Current int32 // replicas that the canary asks for
	Ready   int32 // pods of the primary that are ready
	Share   int   // of the traffic, in parts of rollout.Full, now and in the next step

	Least, Most int32 // limits of the canary's autoscaler
}

// DemandOf is a demand within the limits of an autoscaler. What it does not say is
// as for Kubernetes and KEDA; never less than one, since a canary is measured.
func DemandOf(scaler Object) Demand {
	least, most := "minReplicas", "maxReplicas"
	var unlimited int32
	if scaler.GetKind() == ScaledObject.Kind {
		least, most = "minReplicaCount", "maxReplicaCount"
		unlimited = 100 // KEDA's default; that of an HPA is required
	}
	return Demand{Least: max(1, whole(scaler, least, 1)), Most: whole(scaler, most, unlimited)}
}

// Replicas with which the canary comes up, or goes on into the next step. They are
// never fewer than it has: to scale down is the autoscaler's business.
func (d Demand) Replicas() int32 {
	need := max(1, int64(d.Least), ceiling(int64(d.Ready)*int64(d.Share), rollout.Full))
	if d.Most > 0 {
		need = min(need, int64(d.Most))
	}
	return max(d.Current, int32(need))
}

// Whole is how many pods carry all of the traffic, as far as the two sides show of
// which the canary carries a share now. Either may have more pods than it needs,
// so the smaller answer counts.
func Whole(primary, canary int32, share int) int32 {
	switch {
	case share <= 0:
		return primary
	case share >= rollout.Full:
		return canary
	}
	return int32(min(ceiling(int64(canary)*rollout.Full, int64(share)), ceiling(int64(primary)*rollout.Full, int64(rollout.Full-share))))
}

func ceiling(n, by int64) int64 { return (n + by - 1) / by }

// whole reads a number of the spec.
func whole(scaler Object, field string, otherwise int32) int32 {
	switch n, _, _ := unstructured.NestedFieldNoCopy(scaler.Object, "spec", field); n := n.(type) {
	case int64:
		return int32(n)
	case float64:
		return int32(n)
	default:
		return otherwise
	}
}
