package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// How much garbage may grow before it is collected: up to spare, but no more than there is
// memory in use, as Go does by itself, and no less than a quarter of it, so that collecting
// does not become all there is to do.
const (
	spare  = 48 << 20
	most   = 100 // percent
	fewest = 25
)

// saveMemory collects the garbage of a large fleet earlier than Go does by itself, unless
// GOGC says when: most of the day nothing is released, and memory that garbage once took
// is there all day.
func saveMemory() {
	if os.Getenv("GOGC") != "" {
		return
	}
	afterCollections(func() {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/gogc:percent"}}
		metrics.Read(live)
		if percent := allowed(live[0].Value.Uint64()); percent != live[1].Value.Uint64() {
			debug.SetGCPercent(int(percent))
		}
	})
}

// allowed is the percentage of the bytes in use up to which garbage may grow.
func allowed(live uint64) uint64 {
	return min(most, max(fewest, spare*100/max(live, 1)))
}

// afterCollections calls do after each garbage collection, on a goroutine of the runtime.
func afterCollections(do func()) {
	// It has a pointer, since the runtime may keep small objects without one for ever.
	type mark struct{ _ *byte }
	runtime.AddCleanup(new(mark), func(struct{}) { do(); afterCollections(do) }, struct{}{})
}
