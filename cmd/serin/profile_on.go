//go:build profile

package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"syscall"
)

// profiled writes profiles of processor and heap into the folder SERIN_PROFILE: of the heap
// as the last collection left it before the work was told to end, since at its end the caches
// are gone. It is compiled only by lab/scale: what is shipped has no profiler.
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
	ends, written := make(chan os.Signal, 1), make(chan error, 1)
	signal.Notify(ends, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ends
		written <- heap(filepath.Join(dir, "heap.pprof"))
	}()
	code := work()
	pprof.StopCPUProfile()
	signal.Stop(ends)
	close(ends) // should the work have ended by itself
	if err := errors.Join(cpu.Close(), <-written); err != nil {
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
	return errors.Join(pprof.WriteHeapProfile(file), file.Close())
}
