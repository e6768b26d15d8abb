package controller

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
)

func canaryAt(name string, transition int64) *v1beta1.Canary {
	canary := &v1beta1.Canary{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "test", UID: "uid"}}
	canary.Spec.TargetRef.Name = name
	canary.Status.Rollout = &v1beta1.Rollout{Transition: transition}
	return canary
}

func someVoice() *voice {
	return &voice{options: Options{Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC) }}}
}

func says(text string) rollout.Report { return rollout.Report{Message: text} }

// People sort events by time, which is as fine as seconds; among equal ones the
// name decides.
func TestEventNamesAreInOrder(t *testing.T) {
	s := someVoice()
	var names []string
	for _, transition := range []int64{0, 1, 9, 10, 15, 16, 255, 256, 70000} {
		for place := range 2 * v1beta1.MostReports {
			names = append(names, s.event(canaryAt("podinfo", transition), says(fmt.Sprint("report ", place)), place).Name)
		}
		names = append(names, s.event(canaryAt("podinfo", transition), says("a remark"), afterOutbox).Name)
	}
	if !slices.IsSorted(names) {
		t.Errorf("not in order: %q", names)
	}
}

func TestEventNames(t *testing.T) {
	s := someVoice()
	one := s.event(canaryAt("podinfo", 3), says("text"), 1).Name
	other := canaryAt("podinfo", 3)
	other.UID = "another"
	for _, c := range []struct {
		reason string
		name   string
		same   bool
	}{
		{"said again it is found there", s.event(canaryAt("podinfo", 3), says("text"), 1).Name, true},
		{"its loudness is no part of it", s.event(canaryAt("podinfo", 3), rollout.Report{Message: "text", Level: rollout.Error}, 1).Name, true},
		{"another transition says it anew", s.event(canaryAt("podinfo", 4), says("text"), 1).Name, false},
		{"another text", s.event(canaryAt("podinfo", 3), says("other"), 1).Name, false},
		{"another Canary", s.event(canaryAt("backend", 3), says("text"), 1).Name, false},
		{"a Canary made anew under the old name", s.event(other, says("text"), 1).Name, false},
	} {
		if (c.name == one) != c.same {
			t.Errorf("%s: %s and %s", c.reason, one, c.name)
		}
	}
}

func TestEventNamesAreValid(t *testing.T) {
	for reason, name := range map[string]string{
		"short":                           "podinfo",
		"with dots":                       "podinfo.example.com",
		"longest":                         strings.Repeat("a", 253),
		"a dash where it is cut":          strings.Repeat("a", 199) + "-" + strings.Repeat("b", 53),
		"a dot where it is cut":           strings.Repeat("a", 199) + "." + strings.Repeat("b", 53),
		"nothing but dashes before a cut": "a" + strings.Repeat("-", 251) + "b",
	} {
		for _, transition := range []int64{0, 1, 1 << 40, -1} {
			got := someVoice().event(canaryAt(name, transition), says("text"), afterOutbox).Name
			if faults := validation.IsDNS1123Subdomain(got); len(faults) > 0 {
				t.Errorf("%s, transition %d: the name %q is not valid: %q", reason, transition, got, faults)
			}
		}
	}
}

func TestEventEnvelope(t *testing.T) {
	canary := canaryAt("podinfo", 3)
	canary.ResourceVersion = "77"
	got := someVoice().event(canary, rollout.Report{Level: rollout.Warn, Message: "text"}, 0)
	about := corev1.ObjectReference{APIVersion: "flagger.app/v1beta1", Kind: "Canary", Namespace: "test",
		Name: "podinfo", UID: "uid", ResourceVersion: "77"}
	switch {
	case got.InvolvedObject != about:
		t.Errorf("it is about %+v, want %+v", got.InvolvedObject, about)
	case got.Namespace != "test" || got.Reason != "Synced" || got.Source.Component != "flagger" || got.Count != 1:
		t.Errorf("the envelope is %+v", got)
	case !got.FirstTimestamp.Equal(&got.LastTimestamp) || !got.FirstTimestamp.Time.Equal(someVoice().options.clock()):
		t.Errorf("the times are %v and %v", got.FirstTimestamp, got.LastTimestamp)
	}
	for level, want := range map[rollout.Level]string{rollout.Info: "Normal", rollout.Warn: "Warning", rollout.Error: "Warning"} {
		if got := someVoice().event(canary, rollout.Report{Level: level, Message: "text"}, 0).Type; got != want {
			t.Errorf("level %d is an event of type %s, want %s", level, got, want)
		}
	}
}

func TestShortenCutsBetweenCharacters(t *testing.T) {
	const limit = v1beta1.LongestMessage
	for reason, text := range map[string]string{
		"short":                "Advance podinfo.test canary weight 20",
		"just fits":            strings.Repeat("a", limit),
		"one too long":         strings.Repeat("a", limit+1),
		"two bytes each":       strings.Repeat("é", limit),
		"out of step by one":   "a" + strings.Repeat("é", limit),
		"three bytes each":     strings.Repeat("€", limit),
		"four bytes each":      strings.Repeat("😀", limit),
		"four, out of step":    "aa" + strings.Repeat("😀", limit),
		"no text at all":       strings.Repeat("\x80", 2*limit),
		"short, no text":       "a\xffb",
		"a broken end, in cut": strings.Repeat("a", limit-4) + "\xe2\x82" + strings.Repeat("b", limit),
	} {
		got := shorten(text)
		if len(got) > limit {
			t.Errorf("%s: %d bytes are left", reason, len(got))
		}
		if !utf8.ValidString(got) {
			t.Errorf("%s: no text: %q", reason, got)
		}
		switch whole := len(text) <= limit && utf8.ValidString(text); {
		case whole && got != text:
			t.Errorf("%s: what fits was changed to %q", reason, got)
		case len(text) > limit && utf8.ValidString(text):
			kept, dots := strings.CutSuffix(got, "…")
			if !dots || !strings.HasPrefix(text, kept) || len(got) < limit-utf8.UTFMax {
				t.Errorf("%s: cut to %d bytes, ends in %q", reason, len(got), got[len(got)-8:])
			}
		}
	}
}

// After a restart a transition is said again only while its events are there to
// be found; otherwise it would come up a second time.
func TestFadedTransitionIsNotRepeated(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		reason       string
		since, phase time.Duration // ago
		want         bool
	}{
		{"a fresh step", time.Second, time.Hour, false},
		{"a step that is about to fade", expiry, time.Hour, false},
		{"an old step", expiry + 1, time.Hour, true},
		{"a gate that closed at the end of a long step", 2 * expiry, time.Second, false},
	} {
		canary := canaryAt("podinfo", 3)
		canary.Status.Rollout.Since = now.Add(-c.since).Format(time.RFC3339Nano)
		canary.Status.LastTransitionTime = metav1.NewTime(now.Add(-c.phase))
		if got := faded(canary, Options{Now: func() time.Time { return now }}); got != c.want {
			t.Errorf("%s: faded is %t", c.reason, got)
		}
	}
}
