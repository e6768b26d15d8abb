package controller

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/hook"
	"github.com/serinhq/serin/rollout"
)

// parcels of one Canary that may wait; more are dropped with an error in the log, so
// that a receiver that hangs can hold up nothing and costs little memory.
const parcels = 256

// courier brings events to event hooks: those of one Canary one after the other,
// those of different Canaries side by side, so that a slow receiver is only waited
// for by whoever chose it.
//
// What is still under way is written into status with the next transition. Together
// with the outbox that is all that an operator that dies can take with it: the next
// one calls again, with the same ID.
type courier struct {
	options Options
	hooks   *hook.Caller
	life    context.Context // of the process; deliveries end with it

	mu      sync.Mutex
	over    bool                   // nothing new is accepted
	queues  map[types.UID][]parcel // the first is on its way
	running sync.WaitGroup
}

// A parcel is a delivery with its address.
type parcel struct {
	v1beta1.Delivery
	name, namespace string
	receivers       []hook.Hook
}

func newCourier(life context.Context, options Options, hooks *hook.Caller) *courier {
	return &courier{options: options, hooks: hooks, life: life, queues: map[types.UID][]parcel{}}
}

// send queues an event for the hooks of the Canary, or else for the global one.
func (c *courier) send(canary *v1beta1.Canary, report rollout.Report) {
	c.resend(canary, v1beta1.Delivery{
		ID:       deliveryID(canary, report),
		Phase:    canary.Status.Phase,
		Checksum: hook.Checksum(canary.Status.TrackedConfigs, canary.Status.LastAppliedSpec),
		Type:     eventType(report), Message: report.Message, Timestamp: c.options.clock().UnixMilli(),
	})
}

// deliveryID names a delivery by what is said and not by when: a report that is told
// again has the same, and two reports of one millisecond have two.
func deliveryID(canary *v1beta1.Canary, report rollout.Report) string {
	sum := sha256.Sum256([]byte(report.Message))
	return fmt.Sprintf("%s/%d/%x", canary.UID, canary.Status.Transition(), sum[:6])
}

// resend queues a delivery unless it is waiting already.
func (c *courier) resend(canary *v1beta1.Canary, d v1beta1.Delivery) {
	receivers := c.receivers(canary)
	if len(receivers) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	queue := c.queues[canary.UID]
	switch {
	case c.over:
		return // it stays owed, as what is under way
	case slices.ContainsFunc(queue, func(p parcel) bool { return p.ID == d.ID }):
		return
	case len(queue) >= parcels:
		c.options.Log.Error("event webhooks are too slow, an event was dropped",
			"canary", canary.Name+"."+canary.Namespace, "message", d.Message)
		return
	}
	c.queues[canary.UID] = append(queue, parcel{d, canary.Name, canary.Namespace, receivers})
	if len(queue) == 0 {
		c.running.Go(func() { c.carry(canary.UID) })
	}
}

// waiting lists the deliveries of a Canary that are not known to be done.
func (c *courier) waiting(uid types.UID) []v1beta1.Delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []v1beta1.Delivery
	for _, p := range c.queues[uid] {
		all = append(all, p.Delivery)
	}
	return all
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

// carry delivers what waits for one Canary, until nothing does or the process ends.
func (c *courier) carry(uid types.UID) {
	for {
		c.mu.Lock()
		next := c.queues[uid][0]
		c.mu.Unlock()
		c.deliver(next)
		if c.life.Err() != nil {
			return // it stays owed: nobody knows whether it arrived
		}
		if c.done(uid) {
			return
		}
	}
}

// done takes the first delivery off the queue and reports whether it was the last.
func (c *courier) done(uid types.UID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queues[uid] = c.queues[uid][1:]
	if len(c.queues[uid]) > 0 {
		return false
	}
	delete(c.queues, uid)
	return true
}

// wait returns once nothing is under way; the life of the process must be over. A
// worker that still ends may have something to say, which is not taken any more.
func (c *courier) wait() {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	c.running.Wait()
}

func (c *courier) deliver(p parcel) {
	for _, h := range p.receivers {
		payload := hook.Payload{Name: p.name, Namespace: p.namespace, Phase: p.Phase, Checksum: p.Checksum, ID: p.ID}
		payload = payload.ForEvent(p.Message, p.Type, time.UnixMilli(p.Timestamp))
		if f := c.hooks.Call(c.life, h, payload); f.Verdict != rollout.Pass && c.life.Err() == nil {
			c.options.Log.Error("error sending event to webhook: "+f.Err, "canary", p.name+"."+p.namespace, "hook", h.Name)
		}
	}
}
