// Package workload reads and renders what is released: [Pods] under a
// Deployment, a DaemonSet or a StatefulSet, or a core Service ([Front]). What
// the kinds with pods have in common works on Pods; what they do in their own
// way is a file each.
//
// It knows what two pod templates have in common (their [Revision]), how the
// primary twin of a workload and of its autoscaler looks, when pods count as
// ready, how many replicas a canary comes up with and which ConfigMaps and Secrets a template names. It
// refuses to know clusters, clocks, weights and routes: every function turns
// objects into objects or facts, and the caller says what time it is.
//
//	target ──> Of ──> Revision, SelectorOf, ConfigRefs, Health ──> the observation
//	configs ────────> Content, RevisionWith, CopyOf ────────────> the revision, copies
//	target ──> Of ──> Primary, Scaled ──────────────────────────> objects to apply
//	scaler ─────────> Scaler, Demand, Pause, Resume ────────────> the same, for pods
//
// Objects are complete: they are meant for server-side apply with one field
// manager. What is not in them belongs to somebody else.
package workload
