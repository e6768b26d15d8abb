package workload

import (
	"github.com/serinhq/serin/rollout"
	appsv1 "k8s.io/api/apps/v1"
)

// Options say how a primary is made from its target.
type Options struct {
	Owner    Owner
	Selector Selector
	Labels   []string // -selector-labels: keys whose values are rewritten in affinity rules
	Include  []string // -include-label-prefix: prefixes of metadata keys that are copied, "*" for all

	// Autoscaled says that an autoscaler sets the primary's replicas once it exists.
	Autoscaled bool

	// Live is the primary as it is now, nil if there is none yet. It is read only.
	Live *appsv1.Deployment
}

// Primary renders the twin <name>-primary of the target, as it is to be created
// (no Live), promoted (Live is made from another revision) or kept (same
// revision). The same input gives the same object, so that a promotion repeated
// after a crash changes nothing: flagger-id is derived from the owner and the
// revision. A live primary of the same revision keeps its flagger-id and its
// affinity, so that adopting one restarts no pods.
//
// Replicas are always part of the object: leaving them out of a later apply
// would make the API server fall back to 1. Give a fresh Live.
func Primary(target *appsv1.Deployment, o Options) (Object, error) { return Object{}, nil }

// Copied returns the revision o.Live is made from: the one noted on it, or the
// target's if the pods of a primary without a note (made by Flagger) mean the
// same as those of a twin of the target would. Otherwise it is the revision of
// its own template, which equals no target's. It is none without a primary.
func Copied(target *appsv1.Deployment, o Options) (rollout.Revision, error) { return "", nil }
