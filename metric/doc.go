// Package metric asks metrics servers how a canary is doing.
//
// It knows query languages and protocols: the PromQL of the built-in checks
// (a table, builtin.go), the templates users write (template.go), and one file
// for each backend. It refuses to know Kubernetes objects, rollouts, retries
// and words: names, secrets and limits come in as plain values, and what goes
// out is numbers or one of two errors. [ErrNoData] says that nothing was
// measured, [ErrUnavailable] that nobody could say.
//
// To add a backend, write a file and its line in backends.
package metric
