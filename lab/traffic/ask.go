package traffic

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"
)

// maxBody is how much of an answer is read; a release says its name long before.
const maxBody = 64 << 10

// Ask sends one request and names the release that answered it without an error.
func Ask(ctx context.Context, config Config) (string, error) {
	config, err := config.complete()
	if err != nil {
		return "", err
	}
	l := &Load{config: config, client: newClient(config)}
	defer l.client.CloseIdleConnections()
	result, ok := l.ask(ctx, time.Now())
	switch {
	case !ok:
		return "", fmt.Errorf("GET %s: %w", config.URL, context.Cause(ctx))
	case result.release == "":
		return "", fmt.Errorf("GET %s: %s", config.URL, result.lost)
	case result.status >= http.StatusInternalServerError:
		return "", fmt.Errorf("GET %s: release %s answered %d", config.URL, result.release, result.status)
	}
	return result.release, nil
}

// ask sends one request. It is not ok if ctx ended: then nothing was learnt.
func (l *Load) ask(ctx context.Context, due time.Time) (outcome, bool) {
	connections := 0
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connections++ },
	})
	status, body, err := l.exchange(traced)
	if ctx.Err() != nil {
		return outcome{}, false
	}
	now := time.Now()
	result := outcome{at: now, latency: now.Sub(due)}
	switch {
	case err != nil:
		result.lost = err.Error()
	case connections > 1:
		// The client repeats a request whose connection broke before the first byte. Its
		// user sees an answer, but the gateway dropped one: that is what is counted.
		result.lost = fmt.Sprintf("connection lost, answered %d on the next", status)
	default:
		result.status, result.release = status, l.config.Release(body)
		if result.release == "" {
			result.lost = fmt.Sprintf("%d: %s", status, firstLine(body))
		}
	}
	return result, true
}

func (l *Load) exchange(ctx context.Context) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.config.URL, nil)
	if err != nil {
		return 0, nil, fmt.Errorf("make a request: %w", err)
	}
	if l.config.Header != nil {
		req.Header = l.config.Header // never changed after Start
		req.Host = l.config.Header.Get("Host")
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return 0, nil, fmt.Errorf("read the answer %d: %w", resp.StatusCode, err)
	}
	return resp.StatusCode, body, nil
}

func firstLine(body []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	const most = 120
	if len(line) > most {
		line = line[:most] + "..."
	}
	if line == "" {
		return "(no body)"
	}
	return line
}
