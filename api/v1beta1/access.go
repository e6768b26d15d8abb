package v1beta1

import (
	"math"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/serinhq/serin/rollout"
)

// The defaults of what a Canary leaves out.
const (
	DefaultInterval      = time.Minute      // of an analysis
	LeastInterval        = 10 * time.Second // shorter ones are raised to it
	DefaultWindow        = time.Minute      // of a metric
	DefaultHookTimeout   = 10 * time.Second // of one try of a webhook
	DefaultDeadline      = 10 * time.Minute // spec.progressDeadlineSeconds
	DefaultReadyPercent  = 100              // of updated pods
	DefaultPortName      = "http"
	DefaultCookieSeconds = 86400
)

// Analysis is the analysis under either of its names, or nil if there is none.
func (c *Canary) Analysis() *CanaryAnalysis {
	if c.Spec.Analysis != nil {
		return c.Spec.Analysis
	}
	return c.Spec.CanaryAnalysis
}

// Provider is the traffic provider of the canary, fallback if it names none. That of
// another kind of routes than usual has a name of its own.
func (c *Canary) Provider(fallback string) string {
	kind := c.Spec.Service.RouteKind
	if ref := c.Spec.RouteRef; kind == "" && ref != nil && ref.Kind != HTTPRoute && strings.HasSuffix(ref.Kind, "Route") && strings.HasPrefix(ref.APIVersion, gatewayGroup) {
		kind = ref.Kind // the route of the user's says what kind it is
	}
	return routing(or(c.Spec.Provider, fallback), kind)
}

// MetricsServer is the base URL of the Prometheus of the canary, fallback if it
// names none.
func (c *Canary) MetricsServer(fallback string) string {
	return or(c.Spec.MetricsServer, fallback)
}

// Apex is the name of the service that users call.
func (c *Canary) Apex() string { return or(c.Spec.Service.Name, c.Spec.TargetRef.Name) }

// PrimaryService is the name of the service of the primary.
func (c *Canary) PrimaryService() string { return c.Apex() + "-primary" }

// CanaryService is the name of the service of the canary.
func (c *Canary) CanaryService() string { return c.Apex() + "-canary" }

// PortName is the name of the port of the services.
func (c *Canary) PortName() string { return or(c.Spec.Service.PortName, DefaultPortName) }

// TargetPort is the port of the container, by number or name.
func (c *Canary) TargetPort() intstr.IntOrString {
	if port := c.Spec.Service.TargetPort; port.IntVal != 0 || port.StrVal != "" {
		return port
	}
	return intstr.FromInt32(c.Spec.Service.Port)
}

// PrimaryName is the name of the workload that serves between releases.
func (c *Canary) PrimaryName() string { return c.Spec.TargetRef.Name + "-primary" }

// Ingress is what {{ ingress }} means in a metric template.
func (c *Canary) Ingress() string {
	if c.Spec.IngressRef != nil {
		return c.Spec.IngressRef.Name
	}
	return c.Spec.TargetRef.Name
}

// Route is what {{ route }} means in a metric template.
func (c *Canary) Route() string {
	if c.Spec.RouteRef != nil {
		return c.Spec.RouteRef.Name
	}
	return c.Spec.TargetRef.Name
}

// Deadline is how long pods may stay unavailable.
func (c *Canary) Deadline() time.Duration {
	if c.Spec.ProgressDeadlineSeconds <= 0 {
		return DefaultDeadline
	}
	return time.Duration(min(c.Spec.ProgressDeadlineSeconds, math.MaxInt32)) * time.Second
}

// PrimaryReadyPercent is the share of updated primary pods that must be available.
func (c *Canary) PrimaryReadyPercent() int {
	if a := c.Analysis(); a != nil && a.PrimaryReadyThreshold != nil {
		return *a.PrimaryReadyThreshold
	}
	return DefaultReadyPercent
}

// CanaryReadyPercent is the share of updated canary pods that must be available.
func (c *Canary) CanaryReadyPercent() int {
	if a := c.Analysis(); a != nil && a.CanaryReadyThreshold != nil {
		return *a.CanaryReadyThreshold
	}
	return DefaultReadyPercent
}

// Hooks are the webhooks of one type, in order. An empty type means rollout.
func (c *Canary) Hooks(kind HookType) []Webhook {
	a := c.Analysis()
	if a == nil {
		return nil
	}
	var hooks []Webhook
	for _, hook := range a.Webhooks {
		if hook.Kind() == kind {
			hooks = append(hooks, hook)
		}
	}
	return hooks
}

// Skips reports whether new revisions are promoted without analysis: because the
// canary says so, or because it has none.
func (c *Canary) Skips() bool { return c.Spec.SkipAnalysis || c.Analysis() == nil }

// Strategy is what the given fields select.
func (a *CanaryAnalysis) Strategy() rollout.Strategy {
	switch {
	case a == nil || a.Iterations <= 0:
		return rollout.Canary
	case len(a.Match) > 0:
		return rollout.ABTesting
	default:
		return rollout.BlueGreen
	}
}

// has reports whether there is a webhook of the given type.
func (a *CanaryAnalysis) has(kind HookType) bool {
	return slices.ContainsFunc(a.Webhooks, func(hook Webhook) bool { return hook.Kind() == kind })
}

// mirrored is the share of requests to copy to the canary.
func (a *CanaryAnalysis) mirrored() int {
	switch {
	case !a.Mirror:
		return 0
	case a.MirrorWeight == nil:
		return rollout.Full
	default:
		return rollout.Percent(*a.MirrorWeight)
	}
}

// Period is the time between two looks at the checks: at least LeastInterval,
// and DefaultInterval if none is given or it is not a duration.
func (a *CanaryAnalysis) Period() time.Duration {
	period, err := time.ParseDuration(a.Interval)
	if err != nil {
		return DefaultInterval
	}
	return max(period, LeastInterval)
}

// length is a duration, fallback if none is given or it is not one.
func length(text string, fallback time.Duration) time.Duration {
	lasts, err := time.ParseDuration(text)
	if err != nil || lasts <= 0 {
		return fallback
	}
	return lasts
}

// tenths is a percentage as a share of the traffic.
func tenths(percent float64) int {
	return int(math.Round(percent * float64(rollout.Percent(1))))
}

// Failures is the number of failed checks that undo a release, at least 1.
func (a *CanaryAnalysis) Failures() int { return max(a.Threshold, 1) }

// Kind is the type of the webhook, rollout if none is given.
func (w Webhook) Kind() HookType {
	if w.Type == "" {
		return RolloutHook
	}
	return w.Type
}

// Limit is the longest time for one try. A text of one letter counts as none.
func (w Webhook) Limit() time.Duration {
	timeout, err := time.ParseDuration(w.Timeout)
	if err != nil || timeout <= 0 {
		return DefaultHookTimeout
	}
	return timeout
}

// Window is how far the metric looks back, as the text that queries contain.
func (m Metric) Window() string { return or(m.Interval, "1m") }

// BuiltIn reports whether the operator has its own query for the metric.
func (m Metric) BuiltIn() bool { return m.Name == SuccessRate || m.Name == Duration }

// Limits are the least and the greatest value that pass, in the unit of the
// metric; nil means none. Without thresholdRange the older threshold is the
// least success rate, and the greatest of everything else; a duration is cut to
// whole milliseconds.
func (m Metric) Limits() (least, greatest *float64) {
	switch {
	case m.ThresholdRange != nil:
		return m.ThresholdRange.Min, m.ThresholdRange.Max
	case m.TemplateRef == nil && m.Query == "" && m.Name == SuccessRate:
		return new(m.Threshold), nil
	case m.TemplateRef == nil && m.Query == "" && m.Name == Duration:
		return nil, new(math.Trunc(m.Threshold))
	default:
		return nil, new(m.Threshold)
	}
}

// Template is name and namespace of the MetricTemplate, whose default namespace
// is that of the canary. ok is false if the metric has none.
func (m Metric) Template(canary *Canary) (namespace, name string, ok bool) {
	if m.TemplateRef == nil {
		return "", "", false
	}
	return or(m.TemplateRef.Namespace, canary.Namespace), m.TemplateRef.Name, true
}

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
