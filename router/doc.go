// Package router turns a [rollout.Route] into the objects of a traffic system,
// and reads it back from them.
//
// It knows the Services every provider stands on and, in one file per traffic
// system, which fields a route becomes there and how that system says that it
// took the route. It refuses to know phases, clusters and other providers, and
// it has no state: a [Provider] is a table of pure functions. Nothing is left
// out silently: what a traffic system cannot express is an error that names the
// field of the Canary.
//
//	Service + rollout.Route ──> Provider.Render ──> objects, applied by the shell
//	           rollout.Route <── Provider.Parse  <── the same objects, live
//
// Adding a provider: one file, one line in [Providers], go test ./router -update,
// and read the golden files below testdata as a user would.
package router
