package node

import (
	"errors"
	"io"
	"log/slog"
	"net"
)

// relay accepts connections from the host and carries them to an address inside, until
// the listener is closed.
func relay(listener net.Listener, target string) error {
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go carry(conn, target)
	}
}

func carry(outside net.Conn, target string) {
	defer outside.Close()
	inside, err := net.Dial("tcp", target)
	if err != nil {
		slog.Debug("nobody listens inside", "target", target, "err", err)
		return
	}
	defer inside.Close()
	done := make(chan struct{})
	go func() {
		pour(inside, outside)
		close(done)
	}()
	pour(outside, inside)
	<-done
}

// pour copies one direction to its end and passes the end on, so that an answer that is
// still on its way the other way is not cut off. Errors end the connection, which is all
// that either side can be told.
func pour(to, from net.Conn) {
	_, err := io.Copy(to, from)
	half, ok := to.(interface{ CloseWrite() error })
	if err != nil || !ok || half.CloseWrite() != nil {
		_ = to.Close()
		_ = from.Close()
	}
}
