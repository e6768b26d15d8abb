// Package demo plays the story of `make demo`: an application is put under Serin's care,
// a good release is promoted, two bad ones are undone, and steady traffic from outside
// tells what its users saw of it.
//
// The story is data: a list of acts, each with a release and what has to come of it. So
// the end-to-end tests play the same acts, and more.
//
//	stage ──> site: kubeconfig, gateway, Prometheus, images
//	            │
//	story ──> play ──> facts (watches), traffic ──> course of an act ──> row of the table
//	            │                                        │
//	            └──> screen or lines <──── view ─────────┘
//
// It knows the API that users of Serin know: Canary, its status and its events. It
// refuses to know Serin's code, and how a cluster is built.
package demo
