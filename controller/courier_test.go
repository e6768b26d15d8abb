package controller

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/hook"
	"github.com/serinhq/serin/rollout"
)

// listener is an event webhook that gives on what it gets.
func listener(t *testing.T) (url string, got chan hook.Payload) {
	got = make(chan hook.Payload, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var p hook.Payload
		if err := json.NewDecoder(req.Body).Decode(&p); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
		got <- p
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

// post starts a courier that ends with the test.
func post(t *testing.T, global string) *courier {
	hooks := hook.NewCaller()
	c := newCourier(Options{EventWebhook: global, Now: time.Now, Log: slog.New(slog.DiscardHandler)}, hooks)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := c.Start(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait(); hooks.Close() })
	return c
}

func listened(t *testing.T, got chan hook.Payload) hook.Payload {
	t.Helper()
	select {
	case p := <-got:
		return p
	case <-time.After(time.Minute):
		t.Fatal("no event came")
		return hook.Payload{}
	}
}

func TestEventsComeInOrder(t *testing.T) {
	url, got := listener(t)
	c := post(t, url)
	canary := canaryAt("podinfo", 7)
	canary.Status.Phase = rollout.Progressing
	canary.Status.LastAppliedSpec = "b"
	for i := range 50 {
		c.send(canary, rollout.Report{Level: rollout.Warn, Message: fmt.Sprint("event ", i)})
	}
	canary.Status.Phase = rollout.Failed // what was sent keeps the phase it had
	for i := range 50 {
		p := listened(t, got)
		at := p.Metadata["timestamp"]
		want := hook.Payload{Name: "podinfo", Namespace: "test", Phase: "Progressing", Checksum: hook.Checksum(nil, "b"),
			Metadata: map[string]string{"eventMessage": fmt.Sprint("event ", i), "eventType": "Warning", "timestamp": at}}
		if diff := cmp.Diff(want, p); diff != "" || len(at) != len("1767323045000") {
			t.Fatalf("event %d at %q, -want +got\n%s", i, at, diff)
		}
	}
}

func TestOwnEventHooksReplaceTheGlobalOne(t *testing.T) {
	global, toAll := listener(t)
	first, toFirst := listener(t)
	second, toSecond := listener(t)
	c := post(t, global)
	own := canaryAt("own", 1)
	own.Spec.Analysis = &v1beta1.CanaryAnalysis{Webhooks: []v1beta1.Webhook{
		{Name: "first", Type: v1beta1.EventHook, URL: first, Metadata: map[string]string{"k": "v"}},
		{Name: "gate", Type: v1beta1.ConfirmPromotionHook, URL: global},
		{Name: "second", Type: v1beta1.EventHook, URL: second},
	}}
	gated := canaryAt("gated", 1)
	gated.Spec.Analysis = &v1beta1.CanaryAnalysis{Webhooks: []v1beta1.Webhook{{Name: "gate", URL: first}}}
	c.send(own, says("of own"))
	c.send(gated, says("of gated"))
	if p := listened(t, toAll); p.Metadata["eventMessage"] != "of gated" {
		t.Errorf("the global webhook got %+v", p)
	}
	if p := listened(t, toFirst); p.Metadata["eventMessage"] != "of own" || p.Metadata["k"] != "v" || p.Metadata["eventType"] != "Normal" {
		t.Errorf("the first hook got %+v", p)
	}
	if p := listened(t, toSecond); p.Metadata["eventMessage"] != "of own" {
		t.Errorf("the second hook got %+v", p)
	}
	if len(toAll)+len(toFirst)+len(toSecond) > 0 {
		t.Error("an event came twice, or to the wrong hook")
	}
}

func TestNobodyListens(t *testing.T) {
	c := newCourier(Options{Now: time.Now}, hook.NewCaller())
	c.send(canaryAt("podinfo", 1), says("text"))
	if len(c.queue) > 0 {
		t.Error("an event waits for nobody")
	}
}

// Nobody takes parcels out here: a receiver that never answers is no worse.
func TestFullQueueDropsWithAnError(t *testing.T) {
	var log bytes.Buffer
	c := newCourier(Options{EventWebhook: "http://127.0.0.1:1", Now: time.Now,
		Log: slog.New(slog.NewTextHandler(&log, nil))}, hook.NewCaller())
	for i := range parcels + 2 {
		c.send(canaryAt("podinfo", 1), says(fmt.Sprint("event ", i)))
	}
	if len(c.queue) != parcels {
		t.Errorf("%d events wait, want %d", len(c.queue), parcels)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "level=ERROR") || !strings.Contains(lines[0], "canary=podinfo.test") ||
		!strings.Contains(lines[0], fmt.Sprintf("event %d", parcels)) {
		t.Errorf("the log says %q", lines)
	}
}

func TestCourierEndsWithItsContext(t *testing.T) {
	blocked := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-blocked }))
	defer server.Close()
	defer close(blocked)
	var log bytes.Buffer
	c := newCourier(Options{EventWebhook: server.URL, Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil))}, hook.NewCaller())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Start(ctx) }()
	c.send(canaryAt("podinfo", 1), says("text"))
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if log.Len() > 0 {
		t.Errorf("the end of the process is no error of the webhook: %s", &log)
	}
}
