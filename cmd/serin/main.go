// Command serin is the operator.
//
//	serin controller [flags]
//
// Flags take one dash or two and are those of the operator that Serin replaces;
// without a subcommand they are the controller's, so that a container with the
// other image's arguments starts as it is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"k8s.io/klog/v2"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/go-logr/logr"

	// The image holds nothing but this program: certificates of webhooks and of
	// metrics servers are verified with these roots where a system has none.
	_ "golang.org/x/crypto/x509roots/fallback"

	"github.com/serinhq/serin/controller"
)

// Set by the linker.
var (
	version  = "0.0.0-dev"
	revision = "unknown"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := profiled(func() int { return run(ctx, os.Args[1:], os.Stdout, os.Stderr) })
	stop()
	os.Exit(code)
}

const usage = `Serin releases software step by step and undoes what is bad.

Usage:
  serin controller [flags]   run the operator
  serin version              print the version

serin controller -help lists the flags.
`

// run returns the exit status: 0 done, 1 failed, 2 called wrongly.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-help" || args[0] == "-h":
		fmt.Fprint(stdout, usage)
		return 0
	case args[0] == "version":
		fmt.Fprintf(stdout, "serin %s revision %s\n", version, revision)
		return 0
	case args[0] == "controller":
		return operate(ctx, args[1:], stdout, stderr)
	case strings.HasPrefix(args[0], "-"):
		return operate(ctx, args, stdout, stderr)
	default:
		fmt.Fprintf(stderr, "serin: there is no command %q\n\n%s", args[0], usage)
		return 2
	}
}

func operate(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	settings, err := parse(args, os.Getenv, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "serin: %v\n", err)
		return 2
	case settings.version:
		fmt.Fprintf(stdout, "Flagger version %s revision  %s\n", version, revision)
		return 0
	}
	options, err := settings.options(stderr)
	if err != nil {
		fmt.Fprintf(stderr, "serin: %v\n", err)
		return 2
	}
	bridge(options)
	saveMemory()
	if err := controller.Run(ctx, options); err != nil {
		options.Log.Error(err.Error())
		return 1
	}
	return 0
}

// bridge sends the logs of libraries the same way.
func bridge(options controller.Options) {
	logger := logr.FromSlogHandler(options.Log.Handler())
	klog.SetLogger(logger)
	ctrllog.SetLogger(logger)
}
