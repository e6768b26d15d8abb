//go:build !linux

package main

import (
	"fmt"
	"os"
	"runtime"
)

func main() {
	fmt.Fprintf(os.Stderr, "lab: the lab is made of Linux namespaces and does not run on %s: use a Linux machine\n", runtime.GOOS)
	os.Exit(1)
}
