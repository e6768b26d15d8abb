// Package explain says what a release does and why, in words for a person who
// was woken up: what happens, the values against their limits, what is fine, what
// follows by itself and when, and what can be typed.
//
// It knows the texts and the order of importance. It refuses to know the cluster
// and the clock: what it says follows from a Canary with its status, its plan and
// a time, so that kubectl describe, the CLI and the dashboard say the same. What
// the operator puts into status for that purpose comes from here, too, see
// [Account].
package explain
