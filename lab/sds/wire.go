package sds

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The protocol is gRPC with messages of protobuf. Of both it takes so little that their
// libraries would be most of what the lab is built of.

// most is how long a message may be; one of a proxy has some kilobytes.
const most = 1 << 20

// header is the length of what gRPC puts before a message: whether it is compressed, and
// its length.
const header = 5

// readMessage reads one message of a stream, and returns io.EOF between two if it ended.
func readMessage(r io.Reader) ([]byte, error) {
	var head [header]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(head[1:])
	if head[0] != 0 || length > most {
		return nil, fmt.Errorf("a message of %d bytes, compression %d: want at most %d, not compressed", length, head[0], most)
	}
	message := make([]byte, length)
	if _, err := io.ReadFull(r, message); err != nil {
		return nil, fmt.Errorf("read a message: %w", err)
	}
	return message, nil
}

// framed is a message as it is written to a stream.
func framed(message []byte) []byte {
	head := make([]byte, header, header+len(message))
	binary.BigEndian.PutUint32(head[1:], uint32(len(message)))
	return append(head, message...)
}

// How the value of a field is written, by the last bits of its tag.
const (
	varint = iota
	eightBytes
	counted // its length before it: texts, bytes, messages
	_
	_
	fourBytes

	kindBits = 3
)

// field is a field of a message: a text, bytes, or a message in it.
func field[T string | []byte](number uint64, value T) []byte {
	out := binary.AppendUvarint(nil, number<<kindBits|counted)
	out = binary.AppendUvarint(out, uint64(len(value)))
	return append(out, value...)
}

var errCut = errors.New("the message is cut off")

// fields calls see with each counted field of a message, and passes over the others.
func fields(message []byte, see func(number uint64, value []byte) error) error {
	for len(message) > 0 {
		tag, size := binary.Uvarint(message)
		if size <= 0 {
			return errCut
		}
		number, kind := tag>>kindBits, tag&(1<<kindBits-1)
		value, rest, err := cut(kind, message[size:])
		if err != nil {
			return fmt.Errorf("field %d: %w", number, err)
		}
		if kind == counted {
			if err := see(number, value); err != nil {
				return err
			}
		}
		message = rest
	}
	return nil
}

// cut divides a message behind the value with which it begins.
func cut(kind uint64, message []byte) (value, rest []byte, err error) {
	start, length := 0, uint64(0)
	switch kind {
	case varint:
		_, start = binary.Uvarint(message)
	case eightBytes:
		length = 8
	case fourBytes:
		length = 4
	case counted:
		length, start = binary.Uvarint(message)
	default:
		return nil, nil, fmt.Errorf("there is no kind %d", kind)
	}
	if start < 0 || start == 0 && (kind == varint || kind == counted) || length > uint64(len(message)-start) {
		return nil, nil, errCut
	}
	end := start + int(length)
	return message[start:end], message[end:], nil
}

// A request is what is read of Envoy's.
type request struct {
	node    string   // its id; only in the first one of a stream
	names   []string // of the secrets
	problem string   // what Envoy has against the last answer, as protobuf; mostly empty
}

func parseRequest(message []byte) (request, error) {
	var r request
	err := fields(message, func(number uint64, value []byte) error {
		const node, names, problem = 2, 3, 6
		switch number {
		case node:
			return fields(value, func(number uint64, value []byte) error {
				if number == 1 {
					r.node = string(value)
				}
				return nil
			})
		case names:
			r.names = append(r.names, string(value))
		case problem:
			r.problem = string(value)
		}
		return nil
	})
	if err != nil {
		return request{}, fmt.Errorf("read a request for secrets: %w", err)
	}
	return r, nil
}

// secretType is what the resources of an answer are.
const secretType = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"

// response is an answer with secrets.
func response(version string, secrets ...[]byte) []byte {
	const versions, resources, kind, nonce = 1, 2, 4, 5
	out := field(versions, version)
	for _, secret := range secrets {
		const url, value = 1, 2
		out = append(out, field(resources, append(field(url, secretType), field(value, secret)...))...)
	}
	out = append(out, field(kind, secretType)...)
	return append(out, field(nonce, version)...)
}

// certificateSecret is a certificate with its key, in PEM.
func certificateSecret(name string, cert, key []byte) []byte {
	const names, certificate = 1, 2
	const chain, private = 1, 2
	return append(field(names, name), field(certificate, append(field(chain, inline(cert)), field(private, inline(key))...))...)
}

// trustSecret is the authority that a certificate must be signed by, in PEM.
func trustSecret(name string, authority []byte) []byte {
	const names, validation = 1, 4
	const trusted = 1
	return append(field(names, name), field(validation, field(trusted, inline(authority)))...)
}

// inline is content that stands in the message.
func inline(content []byte) []byte {
	const bytes = 2
	return field(bytes, content)
}
