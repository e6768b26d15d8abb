//go:build !profile

package main

// profiled is a place for the profiler of make bench-scale. What is shipped has none.
func profiled(work func() int) int { return work() }
