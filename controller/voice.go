package controller

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
)

// expiry is the age from which a transition counts as said by whoever made it:
// its events may be gone already, and would come up a second time.
const expiry = 10 * time.Minute

// afterOutbox is the place of remarks behind the reports of a transition.
const afterOutbox = 0xff

// voice says things once: as an event, a log line and a call of event hooks.
//
// An event is named after the transition it belongs to and its text. Saying it
// again, by this process or by the next one, finds it there: so a report that a
// crash interrupted is repeated, and none is doubled. Only event hooks are called
// again by the next process, since nobody knows whether they were: with the same ID.
type voice struct {
	options Options
	client  client.Client
	courier *courier // to event hooks; never blocks
	gauges  *gauges
}

// repeat says the outbox of the transition that status is at, unless this
// process did, or it is so old that its events may have expired.
func (s *voice) repeat(ctx context.Context, canary *v1beta1.Canary, m *memo) error {
	stored := canary.Status.Rollout
	if stored == nil || m.spoken == stored.Transition {
		return nil
	}
	if m.spoken < 0 && faded(canary, s.options) {
		m.spoken = stored.Transition
		return nil
	}
	if m.spoken < 0 {
		s.resume(canary, m)
	}
	for i, report := range canary.Status.Posted() {
		if err := s.once(ctx, canary, m, report, i); err != nil {
			return err
		}
	}
	m.spoken = stored.Transition
	return nil
}

// resume sends what the process before owed to event hooks when it wrote status, once.
func (s *voice) resume(canary *v1beta1.Canary, m *memo) {
	for _, d := range canary.Status.Owed() {
		if !m.said[d.ID] {
			put(&m.said, d.ID, true)
			s.courier.resend(canary, d)
		}
	}
}

// faded reports whether the transition that status is at is older than expiry.
// Not every transition starts a step: one that closes a gate changes the phase only.
func faded(canary *v1beta1.Canary, options Options) bool {
	newest := canary.Status.State().Since
	if phase := canary.Status.LastTransitionTime.Time; phase.After(newest) {
		newest = phase
	}
	// The API server's time goes as fast as the machine's, whatever the clock of a test does.
	return options.clock().Sub(newest) > expiry*time.Duration(max(options.Pace, 1))
}

// remark says what stands in the way, each text once in a transition.
func (s *voice) remark(ctx context.Context, canary *v1beta1.Canary, m *memo, remarks []rollout.Report) error {
	for _, r := range remarks {
		if err := s.once(ctx, canary, m, r, afterOutbox); err != nil {
			return err
		}
	}
	return nil
}

// once says a report, unless it was said in this transition. The place orders
// events that happen within a second, which is as fine as their times are.
func (s *voice) once(ctx context.Context, canary *v1beta1.Canary, m *memo, report rollout.Report, place int) error {
	if report.Message == "" || m.said[report.Message] {
		return nil
	}
	err := s.client.Create(ctx, s.event(canary, report, place))
	switch {
	case apierrors.IsAlreadyExists(err) && !m.unsure[report.Message]:
		put(&m.said, report.Message, true) // by whoever was here before, and may have died of it
		s.courier.send(canary, report)
		return nil
	case apierrors.IsAlreadyExists(err): // made by us, and the answer was lost
	// What is refused stays refused (a namespace being deleted takes no events),
	// and must not hold the release up.
	case err != nil && !apierrors.IsForbidden(err) && !apierrors.IsInvalid(err):
		put(&m.unsure, report.Message, true)
		return fmt.Errorf("record event of Canary %s.%s: %w", canary.Name, canary.Namespace, err)
	}
	put(&m.said, report.Message, true)
	s.log(ctx, canary, report)
	s.gauges.count(canary, report)
	s.courier.send(canary, report)
	return nil
}

func (s *voice) log(ctx context.Context, canary *v1beta1.Canary, report rollout.Report) {
	level := slog.LevelInfo
	if report.Level == rollout.Error {
		level = slog.LevelError
	}
	s.options.Log.Log(ctx, level, report.Message, "canary", canary.Name+"."+canary.Namespace,
		"phase", string(canary.Status.Phase), "weight", canary.Status.CanaryWeight)
}

// eventType of a report: an Error is a Warning that is logged louder.
func eventType(r rollout.Report) string {
	if r.Level == rollout.Info {
		return corev1.EventTypeNormal
	}
	return corev1.EventTypeWarning
}

// event of a report, named after what it is about: events that are sorted by
// name are in the order in which things happened.
func (s *voice) event(canary *v1beta1.Canary, report rollout.Report, place int) *corev1.Event {
	now := metav1.NewTime(s.options.clock())
	sum := sha256.Sum256([]byte(string(canary.UID) + "\n" + report.Message))
	name := fmt.Sprintf("%s.%08x%02x%x", clip(canary.Name, 200), uint64(canary.Status.Transition()), place, sum[:6])
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: canary.Namespace, Name: name},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: v1beta1.GroupVersion().String(), Kind: "Canary", Namespace: canary.Namespace,
			Name: canary.Name, UID: canary.UID, ResourceVersion: canary.ResourceVersion,
		},
		Reason: reason, Message: shorten(report.Message), Type: eventType(report),
		Source:         corev1.EventSource{Component: component},
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
	}
}

// shorten cuts a text between characters to what an event may hold.
func shorten(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= v1beta1.LongestMessage {
		return text
	}
	const dots = "…"
	return strings.ToValidUTF8(text[:v1beta1.LongestMessage-len(dots)], "") + dots // the cut may have split a letter
}

// clip cuts a name so that more can follow after a dot.
func clip(name string, limit int) string {
	return strings.TrimRight(name[:min(len(name), limit)], "-.")
}
