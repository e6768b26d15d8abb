// Package controller joins the pure packages to a cluster. It is the only one
// that reads and writes one.
//
// It knows when to look (watches, timers, answers of probes), where to read
// (caches) and how to write (status first, then server-side apply). It refuses
// to know strategies, providers, queries and texts: those are values of the
// packages rollout, router, workload, metric and hook.
//
// One reconcile of one Canary:
//
//	load ─> compile ─> observe ─> rollout.Next ─> commit ─> act ─> report ─> ask
//	          │ errors               (pure)         │ conflict
//	          └─> condition                         └─> drop everything, look again
//
// Nothing that anybody can see happens before the commit, so that a decision is
// taken once, whatever dies afterwards; and an act without a commit asks first
// whether somebody else has decided since (fence.go). Slow work (hooks, metrics)
// never runs in a worker: probes run it and wake the Canary with the answer.
package controller
