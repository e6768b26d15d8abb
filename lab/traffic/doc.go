// Package traffic sends steady requests to one address and keeps the books: who
// answered, how well, how fast, second by second and between two marks.
//
// It knows HTTP, rates and counts. It refuses to know what the answers mean: the caller
// says which release a body came from, and everything no release answered is held
// against the way there.
//
// The load is open: a request is due at its time whether or not earlier ones were
// answered, and its latency counts from then. A slow server therefore cannot make
// itself look fast by holding the client back. Two things bound it always: how many
// requests may be under way, and how long the load lasts.
package traffic
