// Program demo shows Serin's job on a real cluster: see package demo.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/serinhq/serin/lab/demo"
)

func main() {
	demo.Enter()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := demo.Main(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}
