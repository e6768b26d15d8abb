// Package sds gives the proxies of a mesh their identities, over Envoy's secret discovery
// service: what the agent does that Istio runs beside each of its proxies.
//
// It knows how Envoy asks, what an identity is called, and which authority signs. It
// refuses to know whether it is true what a proxy says of itself: who reaches it gets what
// it asks for, which is for a lab that only its own programs reach.
package sds
