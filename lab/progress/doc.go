// Package progress shows on a terminal, or in a log, which parts of a long work are
// running, how far they are, and how long they took.
//
// It knows lines and time. It refuses to know what the work is.
package progress
