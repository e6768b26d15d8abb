package controller

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/hook"
	"github.com/serinhq/serin/rollout"
)

// parcels that may wait; more are dropped with an error in the log, so that a
// receiver that hangs can never hold a release up.
const parcels = 4096

// courier brings events to event hooks, one after the other.
type courier struct {
	options Options
	hooks   *hook.Caller
	queue   chan parcel
}

type parcel struct {
	canary *v1beta1.Canary
	report rollout.Report
	at     time.Time
}

func newCourier(options Options, hooks *hook.Caller) *courier {
	return &courier{options: options, hooks: hooks, queue: make(chan parcel, parcels)}
}

// send queues an event for the hooks of the Canary, or else for the global one.
func (c *courier) send(canary *v1beta1.Canary, report rollout.Report) {
	if len(c.receivers(canary)) == 0 {
		return
	}
	select {
	case c.queue <- parcel{canary.DeepCopy(), report, c.options.clock()}:
	default:
		c.options.Log.Error("event webhooks are too slow, an event was dropped",
			"canary", canary.Name+"."+canary.Namespace, "message", report.Message)
	}
}

func (c *courier) receivers(canary *v1beta1.Canary) []hook.Hook {
	var all []hook.Hook
	for _, w := range canary.Hooks(v1beta1.EventHook) {
		all = append(all, hookOf(w))
	}
	if len(all) == 0 && c.options.EventWebhook != "" {
		all = append(all, hook.Hook{Name: "event-webhook", Type: hook.Event, URL: c.options.EventWebhook})
	}
	return all
}

// Start delivers until the context ends; it implements manager.Runnable.
func (c *courier) Start(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case p := <-c.queue:
			c.deliver(ctx, p)
		}
	}
}

func (c *courier) deliver(ctx context.Context, p parcel) {
	name := p.canary.Name + "." + p.canary.Namespace
	// By what is said and not by when: a report that is told again has the same key,
	// and two reports of one millisecond have two.
	sum := sha256.Sum256([]byte(p.report.Message))
	id := fmt.Sprintf("%s/%d/%x", p.canary.UID, p.canary.Status.Transition(), sum[:6])
	for _, h := range c.receivers(p.canary) {
		payload := hook.Payload{
			Name: p.canary.Name, Namespace: p.canary.Namespace, Phase: p.canary.Status.Phase, ID: id,
			Checksum: hook.Checksum(p.canary.Status.TrackedConfigs, p.canary.Status.LastAppliedSpec),
		}
		payload = payload.ForEvent(p.report.Message, eventType(p.report), p.at)
		if f := c.hooks.Call(ctx, h, payload); f.Verdict != rollout.Pass && ctx.Err() == nil {
			c.options.Log.Error("error sending event to webhook: "+f.Err, "canary", name, "hook", h.Name)
		}
	}
}
