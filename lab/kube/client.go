package kube

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Access says where an API server is and who is asking: by token or by certificate.
type Access struct {
	Host      string // https://address:port
	CA        []byte // PEM
	Token     string
	Cert, Key []byte // PEM
}

// Client asks one API server as one user.
type Client struct {
	access Access
	http   *http.Client
}

// New makes a client. It sends nothing.
func New(access Access) (*Client, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(access.CA) {
		return nil, fmt.Errorf("access to %s: no certificate in the CA bundle", access.Host)
	}
	config := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	if len(access.Cert) > 0 {
		pair, err := tls.X509KeyPair(access.Cert, access.Key)
		if err != nil {
			return nil, fmt.Errorf("access to %s: client certificate: %w", access.Host, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	return &Client{access: access, http: &http.Client{Transport: transport}}, nil
}

// StatusError is an answer that is not a success.
type StatusError struct {
	Code    int
	Message string
}

func (e StatusError) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Message) }

// Ready asks whether the API server says that it is ready.
func (c *Client) Ready(ctx context.Context) error {
	body, err := c.open(ctx, http.MethodGet, "/readyz", "", nil)
	if err != nil {
		return err
	}
	return body.Close()
}

// Read reads the object or list at path into into.
func (c *Client) Read(ctx context.Context, path string, into any) error {
	body, err := c.open(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(into); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// Apply applies an object (JSON or YAML) server-side at path, taking over its fields.
func (c *Client) Apply(ctx context.Context, path string, object []byte) error {
	const kind = "application/apply-patch+yaml"
	body, err := c.open(ctx, http.MethodPatch, path+"?fieldManager=lab&force=true", kind, object)
	if err != nil {
		return fmt.Errorf("apply %s: %w", path, err)
	}
	return body.Close()
}

func (c *Client) open(ctx context.Context, method, path, kind string, body []byte) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.access.Host+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	req.Header.Set("User-Agent", "serin-lab")
	req.Header.Set("Accept", "application/json")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if c.access.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.access.Token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		defer resp.Body.Close()
		return nil, fmt.Errorf("%s %s: %w", method, path, statusError(resp))
	}
	return resp.Body, nil
}

// statusError reads the message out of a Status object, or takes the text as it is.
func statusError(resp *http.Response) error {
	const most = 4096
	text, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return StatusError{Code: resp.StatusCode, Message: err.Error()}
	}
	var status struct{ Message string }
	if json.Unmarshal(text, &status) == nil && status.Message != "" {
		return StatusError{Code: resp.StatusCode, Message: status.Message}
	}
	return StatusError{Code: resp.StatusCode, Message: strings.TrimSpace(string(text))}
}
