package controller

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
)

// Limits of what is kept: the API server refuses longer events, and status must
// stay small.
const (
	messageLimit = 1000
	outboxLimit  = 32
	memoryOfSaid = 10 * time.Minute // older transitions were said by whoever made them
)

// voice says things once: as an event, a log line and a call of event hooks.
//
// An event is named after the transition it belongs to and its text. Saying it
// again, by this process or by the next one, finds it there: so a report that a
// crash interrupted is repeated, and none is doubled.
type voice struct {
	options Options
	client  client.Client
	deliver func(*v1beta1.Canary, v1beta1.Report) // to event hooks; must not block
}

// outbox is what status keeps of a transition until its successor.
func outbox(reports []rollout.Report) []v1beta1.Report {
	var out []v1beta1.Report
	for _, r := range reports {
		if len(out) < outboxLimit {
			out = append(out, written(r))
		}
	}
	return out
}

func written(r rollout.Report) v1beta1.Report {
	kind := corev1.EventTypeNormal
	if r.Level != rollout.Info {
		kind = corev1.EventTypeWarning
	}
	return v1beta1.Report{Type: kind, Message: shorten(r.Message)}
}

// shorten cuts a text between characters.
func shorten(text string) string {
	if len(text) <= messageLimit {
		return text
	}
	cut := messageLimit
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// repeat says the outbox of the transition that status is at, unless this
// process did, or it is so old that its events may have expired.
func (s *voice) repeat(ctx context.Context, canary *v1beta1.Canary, m *memo) error {
	stored := canary.Status.Rollout
	if stored == nil || m.spoken == stored.Transition {
		return nil
	}
	state := canary.Status.State()
	if m.spoken < 0 && s.options.clock().Sub(state.Since) > memoryOfSaid {
		m.spoken = stored.Transition
		return nil
	}
	for i, report := range stored.Outbox {
		if err := s.once(ctx, canary, m, report, i); err != nil {
			return err
		}
	}
	m.spoken = stored.Transition
	return nil
}

// remark says what stands in the way, each text once in a transition.
func (s *voice) remark(ctx context.Context, canary *v1beta1.Canary, m *memo, remarks []rollout.Report) error {
	for _, r := range remarks {
		if err := s.once(ctx, canary, m, written(r), afterOutbox); err != nil {
			return err
		}
	}
	return nil
}

// afterOutbox is the place of remarks behind the reports of a transition.
const afterOutbox = 0xff

// once says a report, unless it was said in this transition. The place orders
// events that happen within a second, which is as fine as their times are.
func (s *voice) once(ctx context.Context, canary *v1beta1.Canary, m *memo, report v1beta1.Report, place int) error {
	if report.Message == "" || m.said[report.Message] {
		return nil
	}
	err := s.client.Create(ctx, s.event(canary, report, place))
	switch {
	case apierrors.IsAlreadyExists(err):
		m.said[report.Message] = true
		return nil
	case err != nil && !apierrors.IsForbidden(err): // a namespace being deleted takes no events
		return fmt.Errorf("record event of Canary %s.%s: %w", canary.Name, canary.Namespace, err)
	}
	m.said[report.Message] = true
	s.options.Log.Info(report.Message, "canary", canary.Name+"."+canary.Namespace,
		"phase", string(canary.Status.Phase), "weight", canary.Status.CanaryWeight)
	s.deliver(canary, report)
	return nil
}

// event of a report, named after what it is about: events that are sorted by
// name are in the order in which things happened.
func (s *voice) event(canary *v1beta1.Canary, report v1beta1.Report, place int) *corev1.Event {
	now := metav1.NewTime(s.options.clock())
	sum := sha256.Sum256([]byte(string(canary.UID) + "\n" + report.Message))
	name := fmt.Sprintf("%s.%08x%02x%x", clip(canary.Name, 200), canary.Status.Transition(), place, sum[:6])
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: canary.Namespace, Name: name},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: v1beta1.GroupVersion().String(), Kind: "Canary", Namespace: canary.Namespace,
			Name: canary.Name, UID: canary.UID, ResourceVersion: canary.ResourceVersion,
		},
		Reason: reason, Message: report.Message, Type: report.Type,
		Source:         corev1.EventSource{Component: component},
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
	}
}

func clip(text string, limit int) string { return text[:min(len(text), limit)] }
