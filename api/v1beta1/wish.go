package v1beta1

import (
	"encoding/json"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serinhq/serin/rollout"
)

// The annotations by which a person steers a release. Each value begins with the
// revision it is meant for, as in status.lastAppliedSpec, so that one left behind
// does nothing to a later release:
//
//	serin.dev/abort: s1-5f2d…            end the release, traffic goes home
//	serin.dev/approve: s1-5f2d… legal    open a gate: a webhook's type or name, or a pause's
//
// More words after that are for people, and make the text a new one.
const (
	wishPrefix = "serin.dev/"

	// ActorAnnotation names who asks, where the field manager does not say it.
	ActorAnnotation = wishPrefix + "actor"
	// ReasonAnnotation says why.
	ReasonAnnotation = wishPrefix + "reason"
)

// Annotation is the one by which a person asks for something.
func Annotation(verb rollout.Verb) string { return wishPrefix + string(verb) }

// verbs are the annotations behind wishPrefix, in the order in which they are heard.
func verbs() []rollout.Verb {
	return []rollout.Verb{rollout.Abort, rollout.Undo, rollout.Deny, rollout.Pause, rollout.Resume,
		rollout.Approve, rollout.Promote, rollout.Retry}
}

// Steered reports whether annotations ask for anything.
func Steered(annotations map[string]string) bool {
	for _, verb := range verbs() {
		if annotations[wishPrefix+string(verb)] != "" {
			return true
		}
	}
	return false
}

// Asked is the text of the annotation of a verb, empty if there is none.
func (c *Canary) Asked(verb rollout.Verb) string { return c.Annotations[wishPrefix+string(verb)] }

// Wishes are what the annotations ask for and nobody has heard yet.
func (c *Canary) Wishes() []rollout.Wish {
	var wishes []rollout.Wish
	for _, verb := range verbs() {
		text := c.Asked(verb)
		words := strings.Fields(text)
		if len(words) == 0 || c.Status.heard(verb) == text {
			continue
		}
		wish := rollout.Wish{Verb: verb, Revision: rollout.Revision(words[0]), Text: text,
			By: c.actor(verb), Why: cutTo(c.Annotations[ReasonAnnotation], mostWhy)}
		if len(words) > 1 && (verb == rollout.Approve || verb == rollout.Deny) {
			wish.Gate, wish.Name = c.gate(words[1])
		}
		wishes = append(wishes, wish)
	}
	return wishes
}

const (
	mostBy  = 256
	mostWhy = 512
)

func (s *CanaryStatus) heard(verb rollout.Verb) string {
	if s.Rollout == nil {
		return ""
	}
	return s.Rollout.Heard[string(verb)]
}

// gate finds what a word names: the type of a gate, one of its webhooks, or the
// pause of a stage.
func (c *Canary) gate(word string) (gate rollout.Probe, name string) {
	a := c.Analysis()
	if a == nil {
		return rollout.Probe(word), word
	}
	for _, step := range a.Steps {
		if step.Pause == word {
			return rollout.Approval, word
		}
	}
	for _, hook := range a.Webhooks {
		if hook.Name == word && string(hook.Kind()) != word {
			return rollout.Probe(hook.Kind()), word
		}
	}
	return rollout.Probe(word), word
}

// actor is who set the annotation: named by another one, or the manager of the field.
func (c *Canary) actor(verb rollout.Verb) string {
	if by := strings.TrimSpace(c.Annotations[ActorAnnotation]); by != "" {
		return cutTo(by, mostBy)
	}
	for _, entry := range c.ManagedFields {
		if entry.Subresource == "" && owns(entry, wishPrefix+string(verb)) {
			return cutTo(entry.Manager, mostBy)
		}
	}
	return ""
}

// owns reports whether an entry of the managed fields contains an annotation.
func owns(entry metav1.ManagedFieldsEntry, annotation string) bool {
	if entry.FieldsV1 == nil {
		return false
	}
	var fields struct {
		Metadata struct {
			Annotations map[string]any `json:"f:annotations"`
		} `json:"f:metadata"`
	}
	if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields); err != nil {
		return false // of a shape that no API server writes: nobody is named
	}
	_, ok := fields.Metadata.Annotations["f:"+annotation]
	return ok
}

// Hear notes which of the wishes the release has taken up, and forgets those
// whose annotation is gone. It reports whether anything changed, which has to be
// written with the decision.
func (c *Canary) Hear(taken []rollout.Wish, now metav1.Time) bool {
	changed := false
	if c.Status.Rollout == nil {
		return false
	}
	memory := c.Status.Rollout
	for verb := range memory.Heard {
		if c.Annotations[wishPrefix+verb] == "" {
			delete(memory.Heard, verb)
			changed = true
		}
	}
	for _, wish := range taken {
		if memory.Heard == nil {
			memory.Heard = map[string]string{}
		}
		memory.Heard[string(wish.Verb)] = wish.Text
		memory.Wish = &Wish{What: string(wish.Verb), Revision: string(wish.Revision), Gate: wish.Name, By: wish.By, Why: wish.Why, At: now}
		changed = true
	}
	return changed
}

// cutTo bounds a text of somebody else's before it is shown or kept.
func cutTo(text string, most int) string {
	text = strings.ToValidUTF8(text, "?")
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}
