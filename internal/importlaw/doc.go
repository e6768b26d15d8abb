// Package importlaw says who may import what, and reads the source to see that
// it is so. The shape of Serin is kept by the direction of its imports: towards
// rollout, never back, and a Kubernetes client only in the shell. A review can
// miss one line of imports; this does not.
//
// It knows package paths and the names of what they declare. It refuses to know
// types: it parses and never compiles, so it is fast and needs no dependency to
// be there. What a package imports through another one is judged at that other
// one.
package importlaw
