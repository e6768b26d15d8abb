package hook

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/serinhq/serin/rollout"
)

// Type says when a hook is called, spelt as in the Canary.
type Type string

// The types. An empty type in a Canary means Rollout.
const (
	ConfirmRollout         Type = "confirm-rollout"
	PreRollout             Type = "pre-rollout"
	Rollout                Type = "rollout"
	ConfirmTrafficIncrease Type = "confirm-traffic-increase"
	ConfirmPromotion       Type = "confirm-promotion"
	PostRollout            Type = "post-rollout"
	Rollback               Type = "rollback"
	Event                  Type = "event"
)

// A Hook is a webhook of a Canary, or the event webhook of the controller.
type Hook struct {
	Name     string
	Type     Type
	URL      string
	Timeout  time.Duration     // of each attempt; 10 s if not positive
	Retries  int               // attempts after the first
	Insecure bool              // do not verify the server's certificate (disableTLS)
	Mute     bool              // send no alert while this gate is closed
	Metadata map[string]string // sent with each payload
}

// A Payload is the body of a request.
type Payload struct {
	Name      string            `json:"name"` // of the Canary
	Namespace string            `json:"namespace"`
	Phase     rollout.Phase     `json:"phase"`
	Checksum  string            `json:"checksum"`           // see Checksum
	Metadata  map[string]string `json:"metadata,omitempty"` // Call adds the hook's own; what is here wins

	// ID is sent as the header Idempotency-Key if it is not empty: all
	// attempts of one call, and a call repeated after a crash, have the same.
	ID string `json:"-"`
}

// ForEvent returns the payload of an event hook: the same with the text and
// type (Normal or Warning) of a Kubernetes event and the time in milliseconds.
func (p Payload) ForEvent(message, kind string, at time.Time) Payload {
	metadata := maps.Clone(p.Metadata)
	if metadata == nil {
		metadata = map[string]string{}
	}
	metadata["eventMessage"] = message
	metadata["eventType"] = kind
	metadata["timestamp"] = strconv.FormatInt(at.UnixMilli(), 10)
	p.Metadata = metadata
	return p
}

// with returns the payload with metadata added that it does not have itself.
func (p Payload) with(metadata map[string]string) Payload {
	merged := maps.Clone(metadata)
	if merged == nil {
		merged = map[string]string{}
	}
	maps.Copy(merged, p.Metadata)
	p.Metadata = merged
	return p
}

// Checksum returns a short name for a revision together with the checksums of
// the configuration it uses. Receivers compare it to tell one release from the
// next. No configs (nil) and an empty set of them are different.
func Checksum(configs map[string]string, revision string) string {
	text := fmt.Appendf(nil, "%q %t", revision, configs == nil)
	for _, name := range slices.Sorted(maps.Keys(configs)) {
		text = fmt.Appendf(text, " %q %q", name, configs[name])
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:5])
}
