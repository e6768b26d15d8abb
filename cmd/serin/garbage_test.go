package main

import (
	"runtime"
	"runtime/metrics"
	"testing"
)

func TestGarbageThatMayGrow(t *testing.T) {
	for live, want := range map[uint64]uint64{0: 100, 10 << 20: 100, 48 << 20: 100, 96 << 20: 50, 160 << 20: 30, 1 << 30: 25} {
		if got := allowed(live); got != want {
			t.Errorf("with %d MiB in use %d %%, not %d %%", live>>20, got, want)
		}
	}
}

// The allowance follows what is in use, down and up again.
func TestGarbageFollowsWhatIsInUse(t *testing.T) {
	t.Setenv("GOGC", "")
	large := make([]byte, 512<<20)
	saveMemory()
	collected(t, func(percent uint64) bool { return percent == fewest })
	runtime.KeepAlive(large)
	collected(t, func(percent uint64) bool { return percent == most })
}

// collected collects garbage until the percentage of the runtime is as wanted.
func collected(t *testing.T, wanted func(percent uint64) bool) {
	t.Helper()
	const patience = 1000
	set := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	for range patience {
		runtime.GC()
		runtime.Gosched() // to the cleanups
		if metrics.Read(set); wanted(set[0].Value.Uint64()) {
			return
		}
	}
	t.Fatalf("the runtime lets %d %% of garbage grow", set[0].Value.Uint64())
}
