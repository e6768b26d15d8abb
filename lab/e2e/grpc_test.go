package e2e

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/serinhq/serin/lab/traffic"
)

// A grpcWire carries each request as a call of gRPC to podinfo, whose answer has the
// message that the pod was started with. It is written by hand, as a client of gRPC
// repeats by itself what a gateway refused, and such a call must count as lost.
type grpcWire struct{ *http.Transport }

func newGRPCWire() http.RoundTripper {
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	return grpcWire{&http.Transport{Protocols: protocols, DisableCompression: true}}
}

// RoundTrip implements http.RoundTripper. A call that failed is an answer of nobody's.
func (g grpcWire) RoundTrip(req *http.Request) (*http.Response, error) {
	var empty [5]byte // a message without fields: not compressed, of no length
	call := req.Clone(req.Context())
	call.Method, call.URL.Path = http.MethodPost, "/info.InfoService/Info"
	call.Body, call.ContentLength = io.NopCloser(bytes.NewReader(empty[:])), int64(len(empty))
	call.Header.Set("Content-Type", "application/grpc")
	call.Header.Set("TE", "trailers")
	resp, err := g.Transport.RoundTrip(call)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	// One that has nothing but an error has it in its head.
	of := func(name string) string { return cmp.Or(resp.Trailer.Get(name), resp.Header.Get(name)) }
	if status := of("Grpc-Status"); resp.StatusCode == http.StatusOK && status != "0" {
		resp.StatusCode = http.StatusBadGateway
		body = fmt.Appendf(nil, "status %q of gRPC: %s", status, of("Grpc-Message"))
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func TestCallsAreCounted(t *testing.T) {
	for name, tt := range map[string]struct{ status, release, problem string }{
		"answered": {"0", "1.2.3", ""},
		"refused":  {"14", "", `status "14" of gRPC: no pod`},
		"cut off":  {"", "", `status "" of gRPC`},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ProtoMajor != 2 || r.Host != "called.test" || r.Header.Get("Content-Type") != "application/grpc" {
					t.Errorf("%s %s of %s", r.Proto, r.Header, r.Host)
				}
				fmt.Fprint(w, "\x00\x00\x00\x00\x10\x32\x0erelease 1.2.3, pod x")
				if tt.status != "" {
					w.Header().Set(http.TrailerPrefix+"Grpc-Status", tt.status)
					w.Header().Set(http.TrailerPrefix+"Grpc-Message", "no pod")
				}
			}))
			protocols := &http.Protocols{}
			protocols.SetUnencryptedHTTP2(true)
			server.Config.Protocols = protocols
			server.Start()
			defer server.Close()
			w := traveller{site{T: t}, way{Name: "called", wire: newGRPCWire}}
			w.Site.Gateway = server.URL
			config := w.config(1)
			config.Header.Set("Host", "called.test")
			got, err := traffic.Ask(t.Context(), config)
			if got != tt.release || tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)) {
				t.Errorf("got %q, %v, want %q, %q", got, err, tt.release, tt.problem)
			}
			if tt.problem != "" {
				return
			}
			config.Rate, config.Longest = 200, time.Minute
			load, err := traffic.Start(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			pass(t, 100*time.Millisecond)
			load.Stop()
			all(t, load.Total(), tt.release)
		})
	}
}
