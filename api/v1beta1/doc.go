// Package v1beta1 holds the objects users write: Canary, MetricTemplate and
// AlertProvider of the group flagger.app, field for field as existing clusters
// store them. It knows their defaults, which of them make no sense, and how an
// analysis becomes a [rollout.Plan].
//
// It refuses to know the cluster: it reads no object but the one it is given,
// and it neither routes, measures nor writes. What the traffic provider at hand
// can do is told to [Compile] as [Features].
//
//	stored JSON ──> Decode ──> Canary ──> Compile ──> rollout.Plan
//	                             │                └──> field errors: a condition, never a retry
//	                             └── Status.State, Status.Store <──> rollout.State
//
// Objects are decoded one by one, so that one that holds nonsense hurts nobody
// else. v1alpha3 is the same JSON with spec.canaryAnalysis for spec.analysis;
// both names are part of both versions and [Canary.Analysis] is the one way to
// read them.
//
// +kubebuilder:object:generate=true
// +groupName=flagger.app
package v1beta1
