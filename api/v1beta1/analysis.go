package v1beta1

// CanaryAnalysis says what a new revision goes through. What is given selects
// the strategy: iterations with match is A/B testing, iterations alone is
// blue/green, stepWeight, stepWeights or steps is a weighted canary.
//
// Numbers that a rule reads are of type number with multipleOf 1: to a rule a
// stored 12.5 in a field of type integer is an error of its own, for which the
// API server makes no exception, and no label or status of the object could be
// written any more.
//
// +kubebuilder:validation:XValidation:rule="[has(self.iterations), has(self.stepWeight), has(self.stepWeights), has(self.steps)].exists_one(given, given)",message="give exactly one of iterations (blue/green, or A/B testing with match), stepWeight, stepWeights and steps (weighted canary)"
type CanaryAnalysis struct {
	// Time between two looks at the checks, which is also the time a step lasts at
	// least: minutes or seconds, such as 1m, 30s or 1m30s. Less than 10s counts as
	// 10s. What is not a duration, such as 1min, counts as 60s.
	// +required
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]+(m|s)')",message="give minutes or seconds, such as 1m, 30s or 1m30s"
	Interval string `json:"interval"`

	// Failed checks that undo the release. Default, and when less than one: 1.
	// +required
	// +kubebuilder:validation:Maximum=2147483647
	Threshold int `json:"threshold"`

	// How many intervals the checks must pass with the canary next to the primary
	// (blue/green), or with matching requests on the canary (A/B testing).
	// +optional
	// +kubebuilder:validation:Type=number
	// +kubebuilder:validation:MultipleOf=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	Iterations int `json:"iterations,omitempty"`

	// Percent of requests at which promotion begins. A last step that goes past it
	// is taken as it is: steps of 20 up to 50 are 20, 40, 60. Not used with
	// stepWeights. Default, and when 0: 100.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MaxWeight int `json:"maxWeight,omitempty"`

	// Percent of requests that each step adds to the canary.
	// +optional
	// +kubebuilder:validation:Type=number
	// +kubebuilder:validation:MultipleOf=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	StepWeight int `json:"stepWeight,omitempty"`

	// Percent of requests on the canary, step by step; each more than the one
	// before. Promotion begins at the last; more than 100 counts as 100.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:XValidation:rule="self.isSorted() && self.all(weight, self.exists_one(other, other == weight))",message="each weight must be greater than the one before, such as [1, 5, 20, 50]"
	// +kubebuilder:validation:items:Type=number
	// +kubebuilder:validation:items:MultipleOf=1
	// +kubebuilder:validation:items:Minimum=1
	// +kubebuilder:validation:items:Maximum=2147483647
	StepWeights []int `json:"stepWeights,omitempty"`

	// The ramp of a weighted canary, stage by stage, each with its own length and
	// pause. In place of stepWeight and stepWeights.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	Steps []AnalysisStep `json:"steps,omitempty"`

	// How long the ready canary warms up before its first traffic, such as 30s.
	// Default: not at all.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]+(m|s)')",message="give minutes or seconds, such as 1m, 30s or 1m30s"
	InitialDelay string `json:"initialDelay,omitempty"`

	// How long all traffic stays on the canary before the promotion, while the
	// checks go on and the primary keeps the former revision ready: until then one
	// decision takes the traffic back. Such as 30m; needs a provider that routes.
	// Default: not at all.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]+(m|s)')",message="give minutes or seconds, such as 1m, 30s or 1m30s"
	Bake string `json:"bake,omitempty"`

	// Percent of requests that each step gives back to the promoted primary.
	// Default 0: all at once.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	StepWeightPromotion int `json:"stepWeightPromotion,omitempty"`

	// Send the canary copies of requests, and drop its answers: before the first
	// step (weighted canary) or during the iterations (blue/green). Default false.
	// +optional
	Mirror bool `json:"mirror,omitempty"`

	// Percent of requests to copy. Default 100.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MirrorWeight *int `json:"mirrorWeight,omitempty"`

	// Percent of the updated primary pods that must be available for the primary
	// to be ready. Default 100.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	PrimaryReadyThreshold *int `json:"primaryReadyThreshold,omitempty"`

	// Percent of the updated canary pods that must be available for the canary to
	// be ready. Default 100.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	CanaryReadyThreshold *int `json:"canaryReadyThreshold,omitempty"`

	// Which requests go to the canary; one entry must match. With iterations all
	// of them go (A/B testing), with weights that share of them.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	Match []AnalysisMatch `json:"match,omitempty"`

	// What is measured, in order. The first that fails ends a look.
	// +optional
	// +kubebuilder:validation:MaxItems=128
	Metrics []Metric `json:"metrics,omitempty"`

	// What is called or asked on the way, in order within each type.
	// +optional
	// +kubebuilder:validation:MaxItems=128
	Webhooks []Webhook `json:"webhooks,omitempty"`

	// Who is told. A list here replaces the operator's own notifier.
	// +optional
	// +kubebuilder:validation:MaxItems=128
	Alerts []Alert `json:"alerts,omitempty"`

	// Keep a user on the side that served the first request.
	// +optional
	SessionAffinity *SessionAffinity `json:"sessionAffinity,omitempty"`
}

// AnalysisStep is one stage of a ramp.
type AnalysisStep struct {
	// Percent of requests on the canary, in tenths; more than in the stage before.
	// +required
	// +kubebuilder:validation:Minimum=0.1
	// +kubebuilder:validation:Maximum=100
	Weight float64 `json:"weight"`

	// How long the stage lasts at least, such as 10m. The checks are asked every
	// interval meanwhile. Default: one interval.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]+(m|s)')",message="give minutes or seconds, such as 1m, 30s or 1m30s"
	Duration string `json:"duration,omitempty"`

	// The name of an approval that a person must give to leave the stage, by the
	// annotation serin.dev/approve. Checks go on meanwhile. Default: none is needed.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
	Pause string `json:"pause,omitempty"`
}

// AnalysisMatch is a set of conditions on a request; all that are given must hold.
type AnalysisMatch struct {
	// Headers by lower-case name; gatewayapi knows exact and regex only.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Headers map[string]StringMatch `json:"headers,omitempty"`

	// Query parameters by name; gatewayapi knows exact and regex only.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	QueryParams map[string]StringMatch `json:"queryParams,omitempty"`

	// Labels of the calling workload. Used by istio.
	// +optional
	SourceLabels map[string]string `json:"sourceLabels,omitempty"`
}

// The built-in metrics. Every other name is only shown.
const (
	SuccessRate = "request-success-rate" // percent of requests that were not answered 5xx
	Duration    = "request-duration"     // 99th percentile in milliseconds
)

// Metric is one thing that is measured: built-in by its name, else a template
// or a query.
type Metric struct {
	// request-success-rate (percent) and request-duration (milliseconds) are
	// built-in; any other name is for people.
	// +required
	Name string `json:"name"`

	// How far to look back, such as 1m or 30s. Default 1m.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]+(m|s)')",message="give minutes or seconds, such as 1m, 30s or 1m30s"
	Interval string `json:"interval,omitempty"`

	// The older way to give one limit, used without thresholdRange: the least
	// request-success-rate in percent, the greatest request-duration in whole
	// milliseconds, or the greatest value of a query. Default 0.
	// +optional
	Threshold float64 `json:"threshold,omitempty"`

	// The limits, in the unit of the metric. A value equal to a limit passes.
	// +optional
	ThresholdRange *ThresholdRange `json:"thresholdRange,omitempty"`

	// A query for the Prometheus of the canary, with the functions of a
	// MetricTemplate. The older way; templateRef is to be preferred.
	// +optional
	Query string `json:"query,omitempty"`

	// The MetricTemplate to ask.
	// +optional
	TemplateRef *TemplateRef `json:"templateRef,omitempty"`

	// Values for the function variables of the template.
	// +optional
	TemplateVariables map[string]string `json:"templateVariables,omitempty"`
}

// ThresholdRange holds the limits of a metric.
type ThresholdRange struct {
	// The least value that passes. Default: none.
	// +optional
	Min *float64 `json:"min,omitempty"`

	// The greatest value that passes. Default: none.
	// +optional
	Max *float64 `json:"max,omitempty"`
}

// TemplateRef names a MetricTemplate.
type TemplateRef struct {
	// Name of the MetricTemplate.
	// +required
	Name string `json:"name"`

	// Namespace of the MetricTemplate. Default: that of the Canary. Another one is
	// refused when the operator runs with -no-cross-namespace-refs.
	// +optional
	Namespace string `json:"namespace,omitempty"`
}

// HookType says when a webhook is called.
type HookType string

// The types of webhooks. An empty type means rollout.
const (
	ConfirmRolloutHook         HookType = "confirm-rollout"          // gate before a release starts
	PreRolloutHook             HookType = "pre-rollout"              // check before the first traffic
	RolloutHook                HookType = "rollout"                  // check during every step
	ConfirmTrafficIncreaseHook HookType = "confirm-traffic-increase" // gate before every weight
	ConfirmPromotionHook       HookType = "confirm-promotion"        // gate before promotion
	PostRolloutHook            HookType = "post-rollout"             // called once a release ended
	RollbackHook               HookType = "rollback"                 // undoes a release by answering 2xx
	EventHook                  HookType = "event"                    // gets every event
)

// Webhook is a URL that is called or asked.
type Webhook struct {
	// Name of the webhook, for people.
	// +required
	Name string `json:"name"`

	// When it is called: confirm-rollout, pre-rollout, rollout,
	// confirm-traffic-increase, confirm-promotion, post-rollout, rollback or event.
	// Default rollout.
	// +optional
	// +kubebuilder:validation:Enum="";confirm-rollout;pre-rollout;rollout;confirm-traffic-increase;confirm-promotion;post-rollout;rollback;event
	Type HookType `json:"type,omitempty"`

	// Where the request is sent, by POST.
	// +required
	URL string `json:"url"`

	// Longest time for one try, such as 5s. Default 10s.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]+(m|s)')",message="give minutes or seconds, such as 5s or 1m"
	Timeout string `json:"timeout,omitempty"`

	// Further tries after a broken connection and the answers 429 and 5xx other
	// than 501. Default 0.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	Retries int `json:"retries,omitempty"`

	// Do not verify the certificate of the server. TLS itself stays on. Default false.
	// +optional
	DisableTLS bool `json:"disableTLS,omitempty"`

	// Raise no alert while this gate is closed. Default false.
	// +optional
	MuteAlert bool `json:"muteAlert,omitempty"`

	// Sent along in the request as it is.
	// +optional
	Metadata map[string]string `json:"metadata,omitempty"`
}

// Alert is one receiver of news.
type Alert struct {
	// Name of the alert, for people.
	// +required
	Name string `json:"name"`

	// What to send: info is everything, warn is warn and error, error is error
	// only. Default info.
	// +optional
	// +kubebuilder:validation:Enum="";info;warn;error
	Severity string `json:"severity,omitempty"`

	// The AlertProvider that sends it.
	// +required
	ProviderRef ProviderRef `json:"providerRef"`
}

// ProviderRef names an AlertProvider.
type ProviderRef struct {
	// Name of the AlertProvider.
	// +required
	Name string `json:"name"`

	// Namespace of the AlertProvider. Default: that of the Canary. Another one is
	// refused when the operator runs with -no-cross-namespace-refs.
	// +optional
	Namespace string `json:"namespace,omitempty"`
}

// SessionAffinity keeps users on one side by a cookie. Used by istio and gatewayapi.
//
// +kubebuilder:validation:XValidation:rule="!has(self.primaryCookieName) || self.primaryCookieName != self.cookieName",message="primaryCookieName must differ from cookieName",fieldPath=".primaryCookieName"
type SessionAffinity struct {
	// Name of the cookie of the canary.
	// +required
	// +kubebuilder:validation:MaxLength=4096
	CookieName string `json:"cookieName"`

	// Name of the cookie of the primary. Default: none is set.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	PrimaryCookieName string `json:"primaryCookieName,omitempty"`

	// Seconds for which the cookie holds. Default, and when 0: 86400.
	// +optional
	// +kubebuilder:default=86400
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	MaxAge int `json:"maxAge,omitempty"`

	// Attribute Domain of the cookie. Default: none.
	// +optional
	Domain string `json:"domain,omitempty"`

	// Attribute Path of the cookie. Default: none.
	// +optional
	Path string `json:"path,omitempty"`

	// Attribute SameSite of the cookie. Default: none.
	// +optional
	// +kubebuilder:validation:Enum=Strict;Lax;None
	SameSite string `json:"sameSite,omitempty"`

	// Attribute HttpOnly of the cookie. Default false.
	// +optional
	HTTPOnly bool `json:"httpOnly,omitempty"`

	// Attribute Secure of the cookie. Default false.
	// +optional
	Secure bool `json:"secure,omitempty"`

	// Attribute Partitioned of the cookie. Default false.
	// +optional
	Partitioned bool `json:"partitioned,omitempty"`
}
