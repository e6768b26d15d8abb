package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serinhq/serin/rollout"
)

// The bounds of what status tells, for the same reason as those of the outbox.
const (
	MostMeasurements = 16  // of one look; the first of the analysis are kept
	MostHistory      = 10  // releases; the oldest are dropped
	LongestReason    = 512 // bytes
)

// Account is what a release tells people and tools. Nothing is decided by it.
type Account struct {
	// When the release under way began, or the last one if none is.
	// +optional
	Started metav1.Time `json:"started,omitzero"`

	// Where the analysis is, as people count it. Absent between releases.
	// +optional
	Stage *Stage `json:"stage,omitempty"`

	// What the release waits for, in the words of the event where there is one.
	// Empty at rest.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	WaitsFor string `json:"waitsFor,omitempty"`

	// Until when it waits for that, in RFC 3339: then it looks again, or gives up.
	// Empty at rest, and when only a person can end the wait.
	// +optional
	Until string `json:"until,omitempty"`

	// What the last look at the metrics found.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Measurements []Measurement `json:"measurements,omitempty"`

	// The releases that ended last, the newest first.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10
	History []Release `json:"history,omitempty"`
}

// Stage is a part of the analysis that people see as one: a weight, an
// iteration, the bake. It may last for several looks at the checks.
type Stage struct {
	// Which stage it is, from 1, the arrival of the pods.
	// +required
	Number int `json:"number"`

	// How many stages there are.
	// +required
	Of int `json:"of"`

	// What it is called, such as weight 20% or iteration 3/10.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Name string `json:"name,omitempty"`
}

// Measurement is one metric as it was last looked at.
type Measurement struct {
	// Name of the metric in the analysis.
	// +required
	// +kubebuilder:validation:MaxLength=256
	Metric string `json:"metric"`

	// The value with its unit. Empty if there was none.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Value string `json:"value,omitempty"`

	// What would pass, such as at least 99%.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Limit string `json:"limit,omitempty"`

	// Whether it passed: Pass, Fail, or Unknown if there was no value.
	// +required
	// +kubebuilder:validation:Enum=Pass;Fail;Unknown
	Verdict string `json:"verdict"`

	// Why there was no value.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Error string `json:"error,omitempty"`

	// When it was looked at.
	// +optional
	Time metav1.Time `json:"time,omitzero"`
}

// The ways in which a release ends.
const (
	Completed  = "Completed"  // promoted after its analysis
	Skipped    = "Skipped"    // promoted without analysis, or without the rest of it
	Undone     = "Undone"     // found bad, aborted, denied or not able to start
	Cancelled  = "Cancelled"  // the workload went back to the promoted revision
	Superseded = "Superseded" // a newer revision took its place
)

// Release is one that ended.
type Release struct {
	// The revision that was released, as in lastAppliedSpec.
	// +required
	// +kubebuilder:validation:MaxLength=256
	Revision string `json:"revision"`

	// How it ended: Completed, Skipped, Undone, Cancelled or Superseded.
	// +required
	// +kubebuilder:validation:Enum=Completed;Skipped;Undone;Cancelled;Superseded
	Outcome string `json:"outcome"`

	// When it began.
	// +optional
	Started metav1.Time `json:"started,omitzero"`

	// When it ended.
	// +optional
	Ended metav1.Time `json:"ended,omitzero"`

	// Why it was not completed, in the words of the event.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Reason string `json:"reason,omitempty"`
}

// Account is what status tells; empty if it tells nothing yet.
func (s *CanaryStatus) Account() Account {
	if s.Rollout == nil {
		return Account{}
	}
	return s.Rollout.Account
}

// Tell puts an account into status, cut to what status may hold. Call it after
// Store and before the status is written.
func (s *CanaryStatus) Tell(a Account) {
	if s.Rollout == nil {
		return
	}
	a.WaitsFor = cut(a.WaitsFor)
	a.Measurements = a.Measurements[:min(len(a.Measurements), MostMeasurements)]
	a.History = a.History[:min(len(a.History), MostHistory)]
	s.Rollout.Account = a
}

// Ended is the release that a transition ended, as history keeps it; ok is false
// if it ended none. The reports are those of the transition.
func Ended(before, after rollout.State, reports []rollout.Report) (past Release, ok bool) {
	past.Revision = string(after.Revision)
	switch worst := outcomeOf(reports); {
	case worst == rollout.Completed:
		past.Outcome = Completed
	case worst == rollout.SkippedAnalysis:
		past.Outcome = Skipped
	case worst == rollout.Undone:
		past.Outcome, past.Reason = Undone, first(reports)
	case !Releasing(before):
		return Release{}, false
	case after.Phase == rollout.Succeeded:
		past.Outcome, past.Revision, past.Reason = Cancelled, string(before.Revision), last(reports)
	case before.Revision != after.Revision:
		past.Outcome, past.Revision, past.Reason = Superseded, string(before.Revision), last(reports)
	default:
		return Release{}, false
	}
	past.Revision, past.Reason = cutTo(past.Revision, mostBy), cutTo(past.Reason, LongestReason)
	return past, true
}

// Releasing reports whether a release is under way, counting one that waits for
// its approval.
func Releasing(s rollout.State) bool { return s.Phase == rollout.Waiting || s.Running() }

// Begins reports whether a transition starts a release.
func Begins(before, after rollout.State) bool {
	return Releasing(after) && (!Releasing(before) || before.Revision != after.Revision)
}

func outcomeOf(reports []rollout.Report) rollout.Outcome {
	for _, r := range reports {
		if r.Outcome != rollout.Open {
			return r.Outcome
		}
	}
	return rollout.Open
}

// first is the text of the first bad news: what follows from it comes behind.
func first(reports []rollout.Report) string {
	for _, r := range reports {
		if r.Level != rollout.Info {
			return r.Message
		}
	}
	return ""
}

func last(reports []rollout.Report) string {
	if len(reports) == 0 {
		return ""
	}
	return reports[len(reports)-1].Message
}
