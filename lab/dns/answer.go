package dns

import (
	"errors"
	"fmt"
	"log/slog"
	"net"

	"golang.org/x/net/dns/dnsmessage"
)

// lifetime is how long, in seconds, an answer may be kept. Service addresses do not change.
const lifetime = 5

// Serve answers questions that come to conn until that is closed.
func (n *Names) Serve(conn net.PacketConn) error {
	const most = 1500
	buffer := make([]byte, most)
	for {
		size, from, err := conn.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a question: %w", err)
		}
		answer, err := n.answer(buffer[:size])
		if err != nil {
			slog.Debug("a packet was no question", "from", from, "err", err)
			continue
		}
		if _, err := conn.WriteTo(answer, from); err != nil {
			slog.Debug("an answer was not sent", "to", from, "err", err)
		}
	}
}

func (n *Names) answer(question []byte) ([]byte, error) {
	var parser dnsmessage.Parser
	header, err := parser.Start(question)
	if err != nil {
		return nil, err
	}
	asked, err := parser.Question()
	if err != nil {
		return nil, err
	}
	header.Response, header.Authoritative, header.RecursionAvailable = true, true, true
	address, found := n.find(asked.Name.String())
	if !found {
		header.RCode = dnsmessage.RCodeNameError
	}
	builder := dnsmessage.NewBuilder(nil, header)
	if err := builder.StartQuestions(); err != nil {
		return nil, err
	}
	if err := builder.Question(asked); err != nil {
		return nil, err
	}
	if err := builder.StartAnswers(); err != nil {
		return nil, err
	}
	// A name that is there but has no record of the type gets an empty answer.
	if found && asked.Type == dnsmessage.TypeA && address.Is4() {
		resource := dnsmessage.ResourceHeader{Name: asked.Name, Class: asked.Class, TTL: lifetime}
		if err := builder.AResource(resource, dnsmessage.AResource{A: address.As4()}); err != nil {
			return nil, err
		}
	}
	return builder.Finish()
}
