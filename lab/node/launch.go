package node

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Node is a started inside, seen from the host.
type Node struct {
	Config Config
	PID    int
	done   chan struct{}
}

// Launch starts the inside and returns when all of it runs. Config's addresses are filled
// in; tell gets the events meanwhile. On error nothing runs any more.
func Launch(ctx context.Context, config Config, tell func(Event)) (*Node, error) {
	handed, err := listenAll(&config)
	if err != nil {
		return nil, err
	}
	defer closeAll(handed)
	if err := config.write(); err != nil {
		return nil, err
	}
	events, hand, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	defer events.Close()
	n, err := startInside(config, append([]*os.File{hand}, handed...))
	if err := errors.Join(err, hand.Close()); err != nil {
		return nil, err
	}
	if err := n.follow(ctx, events, tell); err != nil {
		return nil, errors.Join(err, End(n.PID))
	}
	return n, nil
}

// listenAll opens the host's ends of the relays, on ports that are free.
func listenAll(config *Config) ([]*os.File, error) {
	var files []*os.File
	for _, address := range []*string{
		&config.APIServer, &config.Gateway, &config.Prometheus, &config.TraefikGateway, &config.EnvoyGatewayAddress,
	} {
		want := *address
		if want == "" {
			want = "127.0.0.1:0"
		}
		listener, err := net.Listen("tcp", want)
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("%s is taken by another program: end that one or choose another port", want)
		}
		if err != nil {
			return nil, fmt.Errorf("listen on %s: %w", want, err)
		}
		*address = listener.Addr().String()
		file, err := listener.(*net.TCPListener).File() // a copy, which the inside gets
		if err := errors.Join(err, listener.Close()); err != nil {
			return nil, fmt.Errorf("hand over the listener of %s: %w", want, err)
		}
		files = append(files, file)
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, file := range files {
		_ = file.Close() // the inside has its own copies
	}
}

func startInside(config Config, handed []*os.File) (*Node, error) {
	log, err := os.Create(filepath.Join(config.State, "node.log"))
	if err != nil {
		return nil, fmt.Errorf("open the node's log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command("/proc/self/exe", config.State)
	cmd.Args[0] = initRole
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, handed
	cmd.Dir = "/"
	// A session of its own: the lab outlives the terminal and its Ctrl-C.
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the node in its namespaces: %w", err)
	}
	n := &Node{Config: config, PID: cmd.Process.Pid, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // it is killed in the end; that is no error
		close(n.done)
	}()
	return n, nil
}

// follow reads events until the node is ready or has failed.
func (n *Node) follow(ctx context.Context, events *os.File, tell func(Event)) error {
	stop := context.AfterFunc(ctx, func() { _ = events.Close() }) // ends the reading below
	defer stop()
	scanner := bufio.NewScanner(events)
	const most = 1 << 20
	scanner.Buffer(nil, most)
	for scanner.Scan() {
		var e Event
		if err := json.Unmarshal(scanner.Bytes(), &e); err != nil {
			return fmt.Errorf("read how far the start is: %w", err)
		}
		switch {
		case e.Ready:
			return nil
		case e.Error != "":
			return fmt.Errorf("start the node: %s", strings.ReplaceAll(e.Error, inside, n.Config.State))
		default:
			tell(e)
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("start the node: %w", context.Cause(ctx))
	}
	return fmt.Errorf("start the node: it ended without a word (see %s)", filepath.Join(n.Config.State, "node.log"))
}

// Done is closed when the node has ended.
func (n *Node) Done() <-chan struct{} { return n.done }
