package metric

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"time"
)

// idlePerHost is how many idle connections to one server are kept: about as
// many as there are checks at once, as most share one metrics server.
const idlePerHost = 16

// Clients holds the HTTP clients of all backends, one for each way to connect,
// so that checks share connections. The controller owns one.
type Clients struct {
	verified, unverified *http.Client
}

// NewClients returns clients that honour the proxy environment.
func NewClients() *Clients {
	return &Clients{verified: newClient(&tls.Config{}), unverified: newClient(&tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // the user asked for it with insecureSkipVerify
	})}
}

// Close ends idle connections.
func (c *Clients) Close() {
	c.verified.CloseIdleConnections()
	c.unverified.CloseIdleConnections()
}

// client returns the one that connects as the settings demand. What depends on
// the settings otherwise, such as credentials, goes with each request.
func (c *Clients) client(s Settings) *http.Client {
	if s.Insecure {
		return c.unverified
	}
	return c.verified
}

func newClient(config *tls.Config) *http.Client {
	return &http.Client{CheckRedirect: stayHome, Transport: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     config,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: idlePerHost,
		IdleConnTimeout:     90 * time.Second,
	}}
}

// stayHome follows redirects within one host only, and never to plain text:
// headers that users configure may be credentials, and net/http sends them on
// to wherever a redirect leads.
func stayHome(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case len(via) >= 10:
		return fmt.Errorf("stopped after %d redirects", len(via))
	case req.URL.Hostname() != first.Hostname(), first.Scheme == "https" && req.URL.Scheme != "https":
		return fmt.Errorf("redirected to %s://%s, which is not followed: use the final address", req.URL.Scheme, req.URL.Host)
	}
	return nil
}
