// Program scale measures what many Canaries cost: it runs a real kube-apiserver and etcd,
// the operator as a process of its own, and stand-ins for everything around them, releases
// a number of workloads at once and prints what that took.
//
// It knows what an operator is seen to do from outside: requests in the audit log, status
// and events, processor time and memory. It refuses to know how the operator does it, and
// reaches it by its flags only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	idle, busy int
	namespaces int
	interval   time.Duration
	quiet      time.Duration
	pace       time.Duration
	operator   string
	env        string
	source     string
	profile    string
	keep       bool
}

func parse(args []string) (settings, error) {
	var s settings
	set := flag.NewFlagSet("scale", flag.ContinueOnError)
	set.IntVar(&s.busy, "busy", 50, "canaries that get a new revision, every tenth a bad one")
	set.IntVar(&s.idle, "idle", 0, "canaries that are only there")
	set.IntVar(&s.namespaces, "namespaces", 20, "namespaces the canaries are spread over")
	set.DurationVar(&s.interval, "interval", 10*time.Second, "interval of the analysis, whole seconds, at least 10s")
	set.DurationVar(&s.quiet, "quiet", time.Minute, "how long the idle operator is watched")
	set.DurationVar(&s.pace, "pace", 400*time.Millisecond, "time from one new revision to the next; 0 is as fast as they can be written")
	set.StringVar(&s.operator, "operator", "", "further flags of the measured operator, separated by spaces")
	set.StringVar(&s.env, "env", "", "environment variables of the measured operator, separated by spaces")
	set.StringVar(&s.source, "source", "..", "folder of Serin's module")
	set.StringVar(&s.profile, "profile", "", "folder for processor and heap profiles of the measured operator; they cost a little themselves")
	set.BoolVar(&s.keep, "keep", false, "leave the logs where they are and say where")
	if err := set.Parse(args); err != nil {
		return s, err
	}
	switch {
	case set.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q: flags begin with a dash", set.Arg(0))
	case s.busy < 1 || s.idle < 0 || s.namespaces < 1:
		return s, fmt.Errorf("-busy %d, -idle %d, -namespaces %d: at least 1, 0 and 1 are needed", s.busy, s.idle, s.namespaces)
	case s.pace < 0:
		return s, fmt.Errorf("-pace %s: give 0 or more", s.pace)
	case s.interval < 10*time.Second || s.interval%time.Second != 0:
		return s, fmt.Errorf("-interval %s: give whole seconds, at least 10s", s.interval)
	}
	return s, nil
}

func run(ctx context.Context, args []string) (err error) {
	s, err := parse(args)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	for _, part := range []func(context.Context) error{b.furnish, b.bootstrap, b.restart, b.rest, b.release} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	m, err := b.measure(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Print("\n", strings.TrimRight(m.table(), "\n"), "\n")
	return err
}
