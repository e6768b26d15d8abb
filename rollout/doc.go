// Package rollout decides. Given a plan, the state of a release and what was
// observed of the world, it says what the state becomes and what the world
// should look like then.
//
// It knows phases, steps, weights, deadlines and words. It refuses to know
// Kubernetes, HTTP, clocks, goroutines and every provider: time is a field of
// [Observation], a strategy is a list of [Step], and what must be asked of the
// world is listed by [Needs]. It imports nothing but the standard library, so
// that all its reachable states can be walked in a test (see laws_test.go).
//
//	Needs ──> the shell observes ──> Next ──> State, Actions
//	                                  │
//	                                  └─────> Want ──> the shell renders and applies
//
// The shell writes State before it acts on it. Everything that Want says may
// therefore be applied again at any time, and everything that must happen only
// once is an [Action], identified by the number of the transition it belongs to.
package rollout
