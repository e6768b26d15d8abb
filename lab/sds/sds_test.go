package sds

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/serinhq/serin/lab/certs"
)

// A proxy under test asks as Envoy does: one stream, its id once.
type proxy struct {
	*testing.T
	asks    *io.PipeWriter
	answers io.ReadCloser
	resp    *http.Response
}

func serve(t *testing.T) (address string, authority *certs.Authority) {
	t.Helper()
	authority, err := certs.NewAuthority(t.TempDir(), "mesh-ca")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = New(authority).Serve(listener) }() // the error of a closed listener
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return listener.Addr().String(), authority
}

func connect(t *testing.T, address string) proxy {
	t.Helper()
	through := &http.Transport{Protocols: new(http.Protocols)}
	through.Protocols.SetUnencryptedHTTP2(true)
	ctx, cancel := context.WithCancel(t.Context())
	body, asks := io.Pipe()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+streamPath, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := through.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = asks.Close(); _ = resp.Body.Close(); through.CloseIdleConnections() })
	return proxy{t, asks, resp.Body, resp}
}

// ask sends a request with or without the proxy's id.
func (p proxy) ask(node string, names ...string) {
	p.Helper()
	// With what Envoy says of its build in the id, and by other kinds of fields: they are passed over.
	message := slices.Concat(field(1, ""), []byte{tag(9, varint), 0x96, 0x01}, []byte{tag(10, fourBytes), 1, 2, 3, 4}, []byte{tag(11, eightBytes), 1, 2, 3, 4, 5, 6, 7, 8})
	if node != "" {
		message = append(message, field(2, append(field(1, node), field(2, "cluster")...))...)
	}
	for _, name := range names {
		message = append(message, field(3, name)...)
	}
	if _, err := p.asks.Write(framed(message)); err != nil {
		p.Fatal(err)
	}
}

// tag is what stands before the value of a field.
func tag(number, kind byte) byte { return number<<kindBits | kind }

// secrets reads an answer: what is in each secret, by its name.
func (p proxy) secrets() map[string][]byte {
	p.Helper()
	message, err := readMessage(p.answers)
	if err != nil {
		p.Fatalf("no answer: %v", err)
	}
	found := map[string][]byte{}
	for _, resource := range all(p.T, message, 2) {
		if kind := all(p.T, resource, 1); string(kind[0]) != secretType {
			p.Errorf("a resource is of the type %s", kind[0])
		}
		secret := all(p.T, resource, 2)[0]
		name := string(all(p.T, secret, 1)[0])
		found[name] = secret
	}
	return found
}

// all are the values of a field.
func all(t *testing.T, message []byte, number uint64) (found [][]byte) {
	t.Helper()
	err := fields(message, func(has uint64, value []byte) error {
		if has == number {
			found = append(found, value)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

const gateway = "router~10.199.0.1~ingressgateway.gateway-system~gateway-system.svc.cluster.local"

// What a proxy gets is a certificate of its namespace, good for both ends of a connection
// with those whose authority it is told.
func TestProxiesGetTheirIdentity(t *testing.T) {
	address, _ := serve(t)
	p := connect(t, address)
	p.ask(gateway, "default")
	own := all(t, p.secrets()["default"], 2)[0]
	p.ask("", "default", "ROOTCA")
	trusted := all(t, all(t, all(t, p.secrets()["ROOTCA"], 4)[0], 1)[0], 2)[0]

	pair, err := tls.X509KeyPair(all(t, all(t, own, 1)[0], 2)[0], all(t, all(t, own, 2)[0], 2)[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(trusted) {
		t.Fatalf("no certificate: %s", trusted)
	}
	for _, use := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{use}}); err != nil {
			t.Errorf("use %v: %v", use, err)
		}
	}
	const want = "spiffe://cluster.local/ns/gateway-system/sa/default"
	if uris := pair.Leaf.URIs; len(uris) != 1 || uris[0].String() != want {
		t.Errorf("it is for %v, want %s", uris, want)
	}
}

// Envoy thanks for an answer with the same request. Were that answered, neither would
// ever be silent.
func TestThanksAreNotAnswered(t *testing.T) {
	address, authority := serve(t)
	p := connect(t, address)
	p.ask(gateway, "ROOTCA")
	p.secrets()
	p.ask("", "ROOTCA")
	p.ask("", "default")
	if got := p.secrets(); got["default"] == nil || bytes.Contains(got["default"], authority.PEM()) {
		t.Errorf("the next answer has %d secrets, want the one that was asked for then", len(got))
	}
}

func TestWhoAsksForNothingGetsNone(t *testing.T) {
	for _, c := range []struct{ name, node, secret string }{
		{"no id", "", "default"},
		{"an id of no mesh", "envoy-1", "default"},
		{"a pod without a namespace", "sidecar~10.0.0.1~web~svc.cluster.local", "default"},
		{"a namespace without a name", "sidecar~10.0.0.1~web.~svc.cluster.local", "default"},
		{"a secret that is none", gateway, "kubernetes://secret"},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, _ := serve(t)
			p := connect(t, address)
			p.ask(c.node, c.secret)
			if _, err := readMessage(p.answers); !errors.Is(err, io.EOF) {
				t.Errorf("the answer is %v, want the end", err)
			}
			if got := p.resp.Trailer.Get("Grpc-Status"); got == "" || got == "0" {
				t.Errorf("it ended with status %q", got)
			}
		})
	}
}

func TestMessagesThatAreNone(t *testing.T) {
	for _, c := range []struct {
		name    string
		message []byte
		want    string
	}{
		{"a tag without its end", []byte{0x80}, "cut off"},
		{"a number without its end", []byte{tag(1, varint), 0x80}, "cut off"},
		{"a text without its length", []byte{tag(1, counted)}, "cut off"},
		{"a text longer than the message", []byte{tag(1, counted), 5, 'a'}, "cut off"},
		{"a length beyond all", append([]byte{tag(1, counted)}, bytes.Repeat([]byte{0xff}, 9)...), "cut off"},
		{"four bytes that are three", []byte{tag(1, fourBytes), 1, 2, 3}, "cut off"},
		{"a kind that is none", []byte{tag(1, 7)}, "no kind 7"},
		{"in an id", field(2, "\x80"), "cut off"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := parseRequest(c.message); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestFramesThatAreNone(t *testing.T) {
	for _, c := range []struct {
		name  string
		frame []byte
	}{
		{"compressed", []byte{1, 0, 0, 0, 0}},
		{"too long", []byte{0, 0xff, 0, 0, 0}},
		{"shorter than it says", []byte{0, 0, 0, 0, 2, 'a'}},
		{"half a head", []byte{0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := readMessage(bytes.NewReader(c.frame)); err == nil || errors.Is(err, io.EOF) {
				t.Errorf("got %v", err)
			}
		})
	}
}
