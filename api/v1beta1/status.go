package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serinhq/serin/rollout"
)

// CanaryStatus is how far a release is. Phase, hashes, counters and the
// condition Promoted are those that existing dashboards and scripts read;
// rollout holds the rest of what the operator must remember.
type CanaryStatus struct {
	// Stage of the canary.
	// +optional
	// +kubebuilder:validation:Enum="";Initializing;Initialized;Waiting;Progressing;WaitingPromotion;Promoting;Finalising;Succeeded;Failed;Terminating;Terminated
	Phase rollout.Phase `json:"phase"`

	// Failed checks of the newest release; kept until the next one starts.
	// +optional
	FailedChecks int `json:"failedChecks"`

	// Percent of requests on the canary; 0 during A/B testing, where the share
	// depends on the requests.
	// +optional
	CanaryWeight int `json:"canaryWeight"`

	// Iterations begun, of blue/green and A/B testing.
	// +optional
	Iterations int `json:"iterations"`

	// Checksums of the configuration that the workload refers to, by
	// configmap/<name> and secret/<name>, in the revision acted on last. Absent when
	// tracking is off.
	// +optional
	TrackedConfigs map[string]string `json:"trackedConfigs,omitzero"`

	// The revision acted on last: being judged, promoted or found bad.
	// +optional
	LastAppliedSpec string `json:"lastAppliedSpec,omitempty"`

	// The revision promoted last.
	// +optional
	LastPromotedSpec string `json:"lastPromotedSpec,omitempty"`

	// When the phase changed last.
	// +optional
	LastTransitionTime metav1.Time `json:"lastTransitionTime,omitzero"`

	// Cookie of the users on the canary, name=value; absent between releases.
	// +optional
	SessionAffinityCookie string `json:"sessionAffinityCookie,omitempty"`

	// Cookie of the users on the primary, name=value.
	// +optional
	PrimarySessionAffinityCookie string `json:"primarySessionAffinityCookie,omitempty"`

	// Cookie of the last release, which users are told to drop.
	// +optional
	PreviousSessionAffinityCookie string `json:"previousSessionAffinityCookie,omitempty"`

	// How things stand. Promoted is always the first.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []Condition `json:"conditions,omitempty"`

	// Generation of the Canary that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// What the operator must remember beside the fields above.
	// +optional
	Rollout *Rollout `json:"rollout,omitempty"`
}

// Condition is one statement about a Canary, MetricTemplate or AlertProvider.
type Condition struct {
	// What the statement is about.
	// +required
	Type string `json:"type"`

	// Whether it holds: True, False or Unknown.
	// +required
	Status metav1.ConditionStatus `json:"status"`

	// When status, reason or message changed last.
	// +optional
	LastUpdateTime metav1.Time `json:"lastUpdateTime,omitzero"`

	// When status changed last.
	// +optional
	LastTransitionTime metav1.Time `json:"lastTransitionTime,omitzero"`

	// Why, in one word; of Promoted it is the phase.
	// +required
	Reason string `json:"reason"`

	// Why, in a sentence.
	// +optional
	Message string `json:"message,omitempty"`
}

// Rollout is what a release remembers beside phase, hashes and failed checks.
// It is written in one piece with each transition.
type Rollout struct {
	// Number of transitions written so far. Identifies what a transition does once.
	// +optional
	Transition int64 `json:"transition"`

	// Step of the release, from 0, the arrival of its pods. While Promoting: how
	// many steps were given back to the primary.
	// +optional
	Step int `json:"step"`

	// Share of all users on the canary in tenths of a percent, as last decided.
	// +optional
	Weight int `json:"weight,omitempty"`

	// Looks at this step that failed.
	// +optional
	Attempt int `json:"attempt,omitempty"`

	// When this step was entered, in RFC 3339 with nanoseconds.
	// +optional
	Since string `json:"since,omitempty"`

	// Who holds the traffic: primary or canary. Default primary.
	// +optional
	// +kubebuilder:validation:Enum=primary;canary
	Serving string `json:"serving,omitempty"`

	// Whether suspend was seen.
	// +optional
	Paused bool `json:"paused,omitempty"`

	// Whether a person paused this release, by the annotation serin.dev/pause.
	// +optional
	Held bool `json:"held,omitempty"`

	// Whether this release is promoted without analysis, or without the rest of it.
	// +optional
	Skipped bool `json:"skipped,omitempty"`

	// Gates that a person opened for the current step.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	Opened []string `json:"opened,omitempty"`

	// Whether the checks of this step passed and only a gate keeps it: no deadline runs.
	// +optional
	Passed bool `json:"passed,omitempty"`

	// What people asked for and was taken up, by annotation; an annotation with the
	// same text does nothing any more.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	Heard map[string]string `json:"heard,omitempty"`

	// The last thing that a person asked for and got.
	// +optional
	Wish *Wish `json:"wish,omitempty"`

	// Resource versions at which the configuration was read, by the names of
	// trackedConfigs. What is here and not there is not tracked for its type.
	// +optional
	Configs map[string]string `json:"configs,omitempty"`

	// What was begun and is not yet known to be done.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	Pending []string `json:"pending,omitempty"`

	// What the last transition has to say, until all of it is said.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Outbox []Report `json:"outbox,omitempty"`

	// Earlier events that no event webhook was known to have got when this was
	// written: the next operator calls for them again.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Undelivered []Delivery `json:"undelivered,omitempty"`

	Account `json:",inline"`
}

// Wish is what a person asked for.
type Wish struct {
	// What: abort, undo, promote, pause, resume, approve, deny or retry.
	// +required
	What string `json:"what"`

	// The revision it was meant for.
	// +optional
	Revision string `json:"revision,omitempty"`

	// The gate, of approve and deny.
	// +optional
	Gate string `json:"gate,omitempty"`

	// Who asked, as recorded in serin.dev/actor or as the field manager that set
	// the annotation.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	By string `json:"by,omitempty"`

	// Why, from serin.dev/reason.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Why string `json:"why,omitempty"`

	// When it was taken up.
	// +optional
	At metav1.Time `json:"at,omitzero"`
}

// Report is one sentence of a transition.
type Report struct {
	// How loud it is: Normal, Warning or Error. An Error is a Warning event that
	// is logged as an error.
	// +required
	// +kubebuilder:validation:Enum=Normal;Warning;Error
	Type string `json:"type"`

	// The sentence, as in the event.
	// +required
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message"`

	// How the release ended, if this is the sentence that says so: Completed,
	// Skipped or Undone. It is counted when the sentence is said.
	// +optional
	// +kubebuilder:validation:Enum=Completed;Skipped;Undone
	Outcome string `json:"outcome,omitempty"`
}

// Delivery is a call of the event webhooks.
type Delivery struct {
	// The header Idempotency-Key of the call.
	// +required
	// +kubebuilder:validation:MaxLength=256
	ID string `json:"id"`

	// The phase at the event.
	// +optional
	Phase rollout.Phase `json:"phase,omitempty"`

	// The revision at the event, as webhooks get it.
	// +optional
	Checksum string `json:"checksum,omitempty"`

	// Normal or Warning.
	// +required
	// +kubebuilder:validation:Enum=Normal;Warning
	Type string `json:"type"`

	// The sentence, as in the event.
	// +required
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message"`

	// When it was said, in milliseconds since 1970.
	// +optional
	Timestamp int64 `json:"timestamp,omitempty"`
}
