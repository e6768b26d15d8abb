package integration

import (
	"net/http"
	"sync"
	"testing"
)

// services are those of other people's clusters, as their manifests address them. An
// operator reaches them through the proxy in its environment, as it does in many a
// company: neither it nor the manifests know that the cluster is another one.
var services = &network{servers: map[string]http.Handler{}}

// A network is a proxy that knows who answers to a host.
type network struct {
	mu      sync.Mutex
	servers map[string]http.Handler
}

// answers lets a server answer to a host until the test ends. A host is of one test only.
func (n *network) answers(t *testing.T, host string, server http.Handler) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.servers[host] != nil {
		t.Fatalf("another test answers to %s already", host)
	}
	n.servers[host] = server
	t.Cleanup(func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.servers, host)
	})
}

// ServeHTTP implements http.Handler.
func (n *network) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	n.mu.Lock()
	server := n.servers[req.URL.Host]
	n.mu.Unlock()
	if server == nil {
		http.Error(w, "no Service answers to "+req.URL.Host, http.StatusBadGateway)
		return
	}
	server.ServeHTTP(w, req)
}
