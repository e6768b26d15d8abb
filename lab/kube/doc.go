// Package kube is the smallest client of a Kubernetes API server the lab can do with:
// requests, server-side apply, watches and kubeconfig files, with the standard library
// only, so that the lab's own program builds in seconds.
//
// It knows the wire. It refuses to know kinds: paths and objects come from the caller.
package kube
