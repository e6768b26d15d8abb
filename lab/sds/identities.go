package sds

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/serinhq/serin/lab/certs"
)

// The names by which proxies of Istio ask: for their own certificate, and for the authority
// by which they know each other.
const (
	ownName   = "default"
	trustName = "ROOTCA"
)

const streamPath = "/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets"

// Identities signs certificates for proxies, one for all of a namespace.
type Identities struct {
	authority *certs.Authority

	mu     sync.Mutex
	signed map[string]certs.Pair // by namespace
}

// New returns the identities that an authority vouches for.
func New(authority *certs.Authority) *Identities {
	return &Identities{authority: authority, signed: map[string]certs.Pair{}}
}

// Serve answers proxies at listener until that is closed.
func (i *Identities) Serve(listener net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+streamPath, i.stream)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second, Protocols: new(http.Protocols)}
	server.Protocols.SetUnencryptedHTTP2(true)
	return server.Serve(listener)
}

// stream answers one proxy for as long as it listens.
func (i *Identities) stream(w http.ResponseWriter, r *http.Request) {
	const failed = "2" // gRPC's code for a reason that has none
	w.Header().Set("Content-Type", "application/grpc")
	status := "0"
	if err := i.converse(w, r); err != nil && r.Context().Err() == nil {
		slog.Warn("a proxy got no identity", "from", r.RemoteAddr, "err", err)
		status = failed
	}
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", status)
}

func (i *Identities) converse(w http.ResponseWriter, r *http.Request) error {
	flush := http.NewResponseController(w).Flush
	if err := flush(); err != nil {
		return err
	}
	var node string
	var answered []string
	for version := 1; ; version++ {
		message, err := readMessage(r.Body)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		asked, err := parseRequest(message)
		if err != nil {
			return err
		}
		if asked.problem != "" {
			return fmt.Errorf("%s does not take %v: %q", node, answered, asked.problem)
		}
		if asked.node != "" { // said once
			node = asked.node
		}
		if slices.Equal(asked.names, answered) {
			continue // it thanks for the answer
		}
		answer, err := i.answer(strconv.Itoa(version), node, asked.names)
		if err != nil {
			return err
		}
		if _, err := w.Write(framed(answer)); err != nil {
			return err
		}
		if err := flush(); err != nil {
			return err
		}
		answered = asked.names
	}
}

func (i *Identities) answer(version, node string, names []string) ([]byte, error) {
	namespace, err := namespaceOf(node)
	if err != nil {
		return nil, err
	}
	var secrets [][]byte
	for _, name := range names {
		switch name {
		case ownName:
			pair, err := i.pair(namespace)
			if err != nil {
				return nil, err
			}
			secrets = append(secrets, certificateSecret(name, pair.Cert, pair.Key))
		case trustName:
			secrets = append(secrets, trustSecret(name, i.authority.PEM()))
		default:
			return nil, fmt.Errorf("%s asks for the secret %q: there are %s and %s", node, name, ownName, trustName)
		}
	}
	return response(version, secrets...), nil
}

// pair is the certificate of the proxies of a namespace. All are of its account default:
// no pod of a lab names another.
func (i *Identities) pair(namespace string) (certs.Pair, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if has, ok := i.signed[namespace]; ok {
		return has, nil
	}
	pair, err := i.authority.Workload("identity-"+namespace, "spiffe://cluster.local/ns/"+namespace+"/sa/default")
	if err != nil {
		return certs.Pair{}, err
	}
	i.signed[namespace] = pair
	return pair, nil
}

var errNode = errors.New("a proxy's id is kind~address~pod.namespace~domain")

// namespaceOf reads where a proxy is from the id that all proxies of Istio have.
func namespaceOf(node string) (string, error) {
	const parts, pod = 4, 2
	all := strings.Split(node, "~")
	if len(all) != parts {
		return "", fmt.Errorf("read %q: %w", node, errNode)
	}
	dot := strings.LastIndexByte(all[pod], '.')
	if dot < 0 || dot == len(all[pod])-1 {
		return "", fmt.Errorf("read %q: %w", node, errNode)
	}
	return all[pod][dot+1:], nil
}
