package node

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Dial connects to an IP address and port as a program on the node does: from its network,
// in which Services have addresses. The node is known by its first process.
//
// A socket belongs for ever to the network that its thread was in when it was made. The
// thread is not given back but ends with its goroutine: nothing else can find itself in
// the wrong network.
func Dial(ctx context.Context, pid int, network, address string) (net.Conn, error) {
	inside, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return nil, fmt.Errorf("find the network of the node: %w", err)
	}
	defer inside.Close()
	type outcome struct {
		conn net.Conn
		err  error
	}
	ended := make(chan outcome)
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(int(inside.Fd()), unix.CLONE_NEWNET); err != nil {
			ended <- outcome{err: fmt.Errorf("enter the network of the node: %w", err)}
			return
		}
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		ended <- outcome{conn, err}
	}()
	got := <-ended
	return got.conn, got.err
}
