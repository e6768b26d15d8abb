// Package certs makes the keys and certificates of a throw-away Kubernetes.
//
// It knows a certificate authority and what it signs. It refuses to know who the
// subjects are and what they may do: names and groups come from the caller.
package certs
