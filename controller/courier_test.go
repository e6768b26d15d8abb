package controller

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/hook"
	"github.com/serinhq/serin/rollout"
)

// listener is an event webhook that gives on what it gets.
func listener(t *testing.T) (url string, got chan hook.Payload) {
	got = make(chan hook.Payload, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		p := hook.Payload{ID: req.Header.Get("Idempotency-Key")}
		if err := json.NewDecoder(req.Body).Decode(&p); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
		got <- p
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

// stuck is an event webhook that takes calls, says so, and never answers.
func stuck(t *testing.T) (url string, taken chan struct{}) {
	taken, blocked := make(chan struct{}, 1000), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		taken <- struct{}{}
		<-blocked
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(blocked) })
	return server.URL, taken
}

// post starts a courier that ends with the test, or when it is told to.
func post(t *testing.T, global string, log io.Writer) (c *courier, end func()) {
	hooks := hook.NewCaller()
	ctx, cancel := context.WithCancel(t.Context())
	c = newCourier(ctx, Options{EventWebhook: global, Now: time.Now, Log: slog.New(slog.NewTextHandler(log, nil))}, hooks)
	end = sync.OnceFunc(func() { cancel(); c.wait(); hooks.Close() })
	t.Cleanup(end)
	return c, end
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
	c, _ := post(t, url, io.Discard)
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
		want := hook.Payload{ID: deliveryID(canary, says(fmt.Sprint("event ", i))), Name: "podinfo", Namespace: "test", Phase: "Progressing", Checksum: hook.Checksum(nil, "b"),
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
	c, _ := post(t, global, io.Discard)
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
	c, _ := post(t, "", io.Discard)
	canary := canaryAt("podinfo", 1)
	c.send(canary, says("text"))
	if len(c.waiting(canary.UID)) > 0 {
		t.Error("an event waits for nobody")
	}
}

func TestFullQueueDropsWithAnError(t *testing.T) {
	var log bytes.Buffer
	url, _ := stuck(t)
	c, end := post(t, url, &log)
	canary := canaryAt("podinfo", 1)
	for i := range parcels + 2 {
		c.send(canary, says(fmt.Sprint("event ", i)))
	}
	if got := len(c.waiting(canary.UID)); got != parcels {
		t.Errorf("%d events wait, want %d", got, parcels)
	}
	end()
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "level=ERROR") || !strings.Contains(lines[0], "canary=podinfo.test") ||
		!strings.Contains(lines[0], fmt.Sprintf("event %d", parcels)) {
		t.Errorf("the log says %q", lines)
	}
}

// One Canary has chosen a receiver that hangs; that is nobody else's trouble.
func TestSlowReceiverDelaysNoOtherCanary(t *testing.T) {
	slow, taken := stuck(t)
	global, got := listener(t)
	c, _ := post(t, global, io.Discard)
	hung := canaryAt("hung", 1)
	hung.UID = "hung"
	hung.Spec.Analysis = &v1beta1.CanaryAnalysis{Webhooks: []v1beta1.Webhook{{Name: "slow", Type: v1beta1.EventHook, URL: slow}}}
	c.send(hung, says("of the one that hangs"))
	<-taken
	c.send(canaryAt("podinfo", 1), says("of another"))
	if p := listened(t, got); p.Metadata["eventMessage"] != "of another" {
		t.Errorf("the other receiver got %+v", p)
	}
	if got := len(c.waiting("hung")); got != 1 {
		t.Errorf("%d events wait for the receiver that hangs, want 1", got)
	}
}

// What the end of a process interrupts stays owed, and is no error of the webhook.
func TestDeliveryThatTheEndInterruptsStaysOwed(t *testing.T) {
	var log bytes.Buffer
	url, taken := stuck(t)
	c, end := post(t, url, &log)
	canary := canaryAt("podinfo", 1)
	c.send(canary, says("on its way"))
	c.send(canary, says("behind it"))
	c.send(canary, says("behind it")) // told again before it is delivered
	<-taken
	end()
	var got []string
	for _, d := range c.waiting(canary.UID) {
		got = append(got, d.Message)
	}
	if diff := cmp.Diff([]string{"on its way", "behind it"}, got); diff != "" {
		t.Errorf("owed, -want +got\n%s", diff)
	}
	if log.Len() > 0 {
		t.Errorf("the log says %s", &log)
	}
}

// The next process calls once for what status says is owed, under the same ID.
func TestNextProcessDeliversWhatIsOwed(t *testing.T) {
	url, got := listener(t)
	c, _ := post(t, url, io.Discard)
	owed := v1beta1.Delivery{ID: "uid/6/ab", Phase: rollout.Promoting, Checksum: "c", Type: "Warning", Message: "of before", Timestamp: 1767323045000}
	canary := canaryAt("podinfo", 7)
	canary.Status.Owe([]v1beta1.Delivery{owed})
	s, m := &voice{courier: c}, newMemory().of(types.NamespacedName{}, canary.UID)
	s.resume(canary, m)
	want := hook.Payload{ID: "uid/6/ab", Name: "podinfo", Namespace: "test", Phase: rollout.Promoting, Checksum: "c",
		Metadata: map[string]string{"eventMessage": "of before", "eventType": "Warning", "timestamp": "1767323045000"}}
	if diff := cmp.Diff(want, listened(t, got)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	c.wait()
	s.resume(canary, m) // since an event could not be written
	c.wait()
	if len(got) > 0 {
		t.Error("it was called for twice")
	}
}
