// Program identities gives the proxies of a mesh their certificates by Envoy's secret
// discovery service: what the agent does that Istio runs beside each of its proxies.
//
// It knows how Envoy asks and what Istio calls an identity. It refuses to know whether it is
// true what a proxy says of itself, and signs nothing: it hands out what lies in a folder,
// to a lab that only its own programs reach.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	secretv3 "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/anypb"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "identities:", err)
		os.Exit(1)
	}
}

func run() error {
	listen := flag.String("listen", "127.0.0.1:15012", "where proxies ask")
	folder := flag.String("folder", ".", "folder of authority.crt, and of a .crt and a .key named after each namespace")
	flag.Parse()
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return fmt.Errorf("listen for proxies: %w", err)
	}
	server := grpc.NewServer()
	secretv3.RegisterSecretDiscoveryServiceServer(server, identities{folder: *folder})
	return server.Serve(listener)
}

// identities are those in a folder.
type identities struct {
	secretv3.UnimplementedSecretDiscoveryServiceServer
	folder string
}

// StreamSecrets implements secretv3.SecretDiscoveryServiceServer: it answers one proxy for as
// long as it listens.
func (i identities) StreamSecrets(stream secretv3.SecretDiscoveryService_StreamSecretsServer) error {
	err := i.converse(stream)
	if err != nil && stream.Context().Err() == nil {
		slog.Warn("a proxy got no identity", "err", err)
	}
	return err
}

func (i identities) converse(stream secretv3.SecretDiscoveryService_StreamSecretsServer) error {
	var node string
	var answered []string
	for version := 1; ; version++ {
		asked, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case asked.GetErrorDetail() != nil:
			return fmt.Errorf("%s does not take %v: %s", node, answered, asked.GetErrorDetail().GetMessage())
		}
		if id := asked.GetNode().GetId(); id != "" {
			node = id // said once
		}
		if slices.Equal(asked.GetResourceNames(), answered) {
			continue // it thanks for the answer
		}
		answer, err := i.answer(node, asked)
		if err != nil {
			return err
		}
		answer.VersionInfo, answer.Nonce = strconv.Itoa(version), strconv.Itoa(version)
		if err := stream.Send(answer); err != nil {
			return err
		}
		answered = asked.GetResourceNames()
	}
}

func (i identities) answer(node string, asked *discoveryv3.DiscoveryRequest) (*discoveryv3.DiscoveryResponse, error) {
	namespace, err := namespaceOf(node)
	if err != nil {
		return nil, err
	}
	answer := &discoveryv3.DiscoveryResponse{TypeUrl: asked.GetTypeUrl()}
	for _, name := range asked.GetResourceNames() {
		secret, err := i.secret(name, namespace)
		if err != nil {
			return nil, fmt.Errorf("%s asks for %s: %w", node, name, err)
		}
		packed, err := anypb.New(secret)
		if err != nil {
			return nil, err
		}
		answer.Resources = append(answer.Resources, packed)
	}
	return answer, nil
}

// secret is one of the two by which proxies of Istio ask: for their own certificate, which is
// one for all of a namespace, and for the authority by which they know each other.
func (i identities) secret(name, namespace string) (*tlsv3.Secret, error) {
	secret := &tlsv3.Secret{Name: name}
	switch name {
	case "default":
		chain, err := i.read(namespace + ".crt")
		if err != nil {
			return nil, err
		}
		key, err := i.read(namespace + ".key")
		if err != nil {
			return nil, err
		}
		secret.Type = &tlsv3.Secret_TlsCertificate{TlsCertificate: &tlsv3.TlsCertificate{CertificateChain: chain, PrivateKey: key}}
	case "ROOTCA":
		authority, err := i.read("authority.crt")
		if err != nil {
			return nil, err
		}
		secret.Type = &tlsv3.Secret_ValidationContext{ValidationContext: &tlsv3.CertificateValidationContext{TrustedCa: authority}}
	default:
		return nil, errors.New("there are default and ROOTCA")
	}
	return secret, nil
}

// read a file of the folder, as what stands in the message.
func (i identities) read(name string) (*corev3.DataSource, error) {
	content, err := os.ReadFile(filepath.Join(i.folder, name))
	if err != nil {
		return nil, err
	}
	return &corev3.DataSource{Specifier: &corev3.DataSource_InlineBytes{InlineBytes: content}}, nil
}

// namespaceOf reads where a proxy is from the id that all proxies of Istio have.
func namespaceOf(node string) (string, error) {
	const parts, pod = 4, 2
	all := strings.Split(node, "~")
	if len(all) == parts {
		namespace := all[pod][strings.LastIndexByte(all[pod], '.')+1:]
		if namespace != all[pod] && namespace != "" && filepath.IsLocal(namespace) {
			return namespace, nil
		}
	}
	return "", fmt.Errorf("%q: a proxy's id is kind~address~pod.namespace~domain", node)
}
