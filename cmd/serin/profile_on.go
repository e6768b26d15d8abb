//go:build profile

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
)

// profiled writes profiles of processor and heap into the folder SERIN_PROFILE when the
// work is done. It is compiled only by lab/scale: what is shipped has no profiler.
func profiled(work func() int) int {
	dir := os.Getenv("SERIN_PROFILE")
	if dir == "" {
		return work()
	}
	cpu, err := os.Create(filepath.Join(dir, "cpu.pprof"))
	if err == nil {
		err = pprof.StartCPUProfile(cpu)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "serin: profile:", err)
		return 1
	}
	code := work()
	pprof.StopCPUProfile()
	if err := errors.Join(cpu.Close(), heap(filepath.Join(dir, "heap.pprof"))); err != nil {
		fmt.Fprintln(os.Stderr, "serin: profile:", err)
		return 1
	}
	return code
}

func heap(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	runtime.GC() // what is still in use, not what was
	return errors.Join(pprof.WriteHeapProfile(file), file.Close())
}
