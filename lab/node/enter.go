package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/serinhq/serin/lab/priority"
)

// The names under which the program starts itself again.
const (
	initRole  = "serin-lab-init"
	nodeRole  = "serin-lab-node"
	probeRole = "serin-lab-probe"
)

// The files that the outside hands in.
const (
	eventsFile    = 3
	firstListener = 4
	listeners     = 5 // API server, gateway, Prometheus, Traefik, Envoy Gateway
)

// inside is where the state folder is to be found inside: a short path, because the
// paths of unix sockets may not be long.
const inside = "/run/lab"

// Enter must be called first in the main function of each program that starts a lab. It
// returns at once, unless the process is the inside of a lab: then it never does.
func Enter() {
	switch filepath.Base(os.Args[0]) {
	case initRole:
		os.Exit(runInit())
	case nodeRole:
		os.Exit(runNode())
	case probeRole:
		os.Exit(runProbe())
	}
}

// runInit is the first process of the namespace: it prepares the mounts, starts the node
// and collects the dead. The kernel kills everything else when it ends.
func runInit() int {
	events := &speaker{out: os.NewFile(eventsFile, "events")}
	child, err := 0, errors.Join(priority.RaiseSession(), priority.Raise())
	if err == nil {
		child, err = startNode(os.Args[1])
	}
	if err != nil {
		_ = events.say(Event{Error: err.Error()}) // when nobody listens, there is nobody to tell
		return 1
	}
	go exitOnSignal()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return 1
		}
		if pid == child {
			return status.ExitStatus()
		}
	}
}

func exitOnSignal() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
	os.Exit(0)
}

func startNode(state string) (int, error) {
	if err := setupMounts(state); err != nil {
		return 0, err
	}
	if err := unix.Sethostname([]byte(nodeName)); err != nil {
		return 0, fmt.Errorf("set the host name: %w", err)
	}
	files := []*os.File{os.Stdin, os.Stdout, os.Stderr}
	for fd := range listeners + 1 {
		files = append(files, os.NewFile(uintptr(eventsFile+fd), "handed in"))
	}
	process, err := os.StartProcess("/proc/self/exe", []string{nodeRole}, &os.ProcAttr{Files: files, Env: os.Environ()})
	if err != nil {
		return 0, fmt.Errorf("start the node: %w", err)
	}
	for _, file := range files[eventsFile:] {
		// A copy left open here would keep the outside waiting for a dead node's events.
		if err := file.Close(); err != nil {
			return 0, fmt.Errorf("close a file of the node: %w", err)
		}
	}
	return process.Pid, nil
}

// runNode is the second process: it starts everything and ends when anything ends.
func runNode() int {
	events := &speaker{out: os.NewFile(eventsFile, "events")}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := node(ctx, events); err != nil {
		fmt.Fprintln(os.Stderr, err)
		_ = events.say(Event{Error: err.Error()}) // also printed above
		return 1
	}
	return 0
}

func node(ctx context.Context, events *speaker) error {
	config, err := readConfig(filepath.Join(inside, "node.json"))
	if err != nil {
		return err
	}
	config.State = inside
	var handed [listeners]net.Listener
	for i := range handed {
		file := os.NewFile(uintptr(firstListener+i), "listener")
		if handed[i], err = net.FileListener(file); err != nil {
			return fmt.Errorf("take over a listener: %w", err)
		}
		if err := file.Close(); err != nil { // FileListener made a copy
			return fmt.Errorf("close a listener's first copy: %w", err)
		}
	}
	n := newNode(config, events)
	if err := n.start(ctx, handed); err != nil {
		return err
	}
	if err := events.say(Event{Ready: true}); err != nil {
		return err
	}
	return n.watch(ctx)
}
