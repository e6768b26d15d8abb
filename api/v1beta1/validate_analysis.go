package v1beta1

import (
	"fmt"
	"math"
	"net/url"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/serinhq/serin/rollout"
)

// mostIterations bounds a plan, which holds a step for each. With the shortest
// interval they take more than a day.
const mostIterations = 10000

// numbers: what cannot be a weight, a count or a share.
func numbers(a CanaryAnalysis, path *field.Path) field.ErrorList {
	errs := within(path.Child("iterations"), a.Iterations, mostIterations)
	errs = append(errs, within(path.Child("maxWeight"), a.MaxWeight, 100)...)
	errs = append(errs, notNegative(path.Child("stepWeight"), a.StepWeight)...)
	errs = append(errs, notNegative(path.Child("stepWeightPromotion"), a.StepWeightPromotion)...)
	errs = append(errs, ladder(a, path.Child("stepWeights"))...)
	errs = append(errs, percent(path.Child("mirrorWeight"), a.MirrorWeight)...)
	errs = append(errs, stages(a, path.Child("steps"))...)
	errs = append(errs, lengths(a, path)...)
	if a.Iterations == 0 && a.StepWeight == 0 && len(a.StepWeights) == 0 && len(a.Steps) == 0 {
		errs = append(errs, field.Required(path.Child("stepWeight"),
			"give stepWeight, stepWeights or steps for a weighted canary, or iterations for blue/green and A/B testing; all are absent or 0"))
	}
	return errs
}

// stages must rise, in tenths of a percent.
func stages(a CanaryAnalysis, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	before := 0
	for i, step := range a.Steps {
		at := path.Index(i)
		share := tenths(step.Weight)
		switch {
		case share < 1 || share > rollout.Full || math.Abs(step.Weight*10-float64(share)) > 1e-6:
			errs = append(errs, field.Invalid(at.Child("weight"), step.Weight, "must be between 0.1 and 100 percent, in tenths"))
		case share <= before:
			errs = append(errs, field.Invalid(at.Child("weight"), step.Weight, "must be greater than the weight before it"))
		}
		before = max(before, share)
		errs = append(errs, lasting(a, at.Child("duration"), step.Duration)...)
	}
	return errs
}

// lengths of what has a time of its own.
func lengths(a CanaryAnalysis, path *field.Path) field.ErrorList {
	return append(lasting(a, path.Child("initialDelay"), a.InitialDelay), lasting(a, path.Child("bake"), a.Bake)...)
}

// lasting: a time that a plan can hold, which has a step for each interval.
func lasting(a CanaryAnalysis, path *field.Path, text string) field.ErrorList {
	if text == "" {
		return nil
	}
	switch lasts, err := time.ParseDuration(text); {
	case err != nil:
		return field.ErrorList{field.Invalid(path, text, "must be a duration such as 30s, 10m or 1m30s")}
	case lasts < 0 || lasts/a.Period() >= mostIterations:
		return field.ErrorList{field.Invalid(path, text, fmt.Sprintf("must be less than %d intervals of %s", mostIterations, a.Period()))}
	}
	return nil
}

// readiness: shares of pods that can be reached.
func readiness(a CanaryAnalysis, path *field.Path) field.ErrorList {
	return append(percent(path.Child("primaryReadyThreshold"), a.PrimaryReadyThreshold),
		percent(path.Child("canaryReadyThreshold"), a.CanaryReadyThreshold)...)
}

func percent(path *field.Path, value *int) field.ErrorList {
	if value == nil {
		return nil
	}
	return within(path, *value, 100)
}

func within(path *field.Path, value, greatest int) field.ErrorList {
	if value >= 0 && value <= greatest {
		return nil
	}
	return field.ErrorList{field.Invalid(path, value, fmt.Sprintf("must be between 0 and %d", greatest))}
}

func notNegative(path *field.Path, value int) field.ErrorList {
	if value >= 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(path, value, "must not be negative")}
}

// ladder must rise with each step, or the release would never leave it.
func ladder(a CanaryAnalysis, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	before := 0
	for i, weight := range a.StepWeights {
		if weight <= before {
			errs = append(errs, field.Invalid(path.Index(i), weight,
				fmt.Sprintf("must be greater than %d, the weight before it; list rising weights such as [1, 5, 20, 50]", before)))
		}
		before = max(before, weight)
	}
	return errs
}

// capabilities: what the provider cannot do is refused, never skipped.
func capabilities(a CanaryAnalysis, f Features, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	refuse := func(name, what string) {
		errs = append(errs, field.Forbidden(path.Child(name), f.who()+" cannot "+what))
	}
	if a.Strategy() == rollout.Canary && !f.Weight {
		refuse("stepWeight", "divide requests by weight; use iterations for blue/green")
	}
	if len(a.Match) > 0 && !f.Match {
		refuse("match", "route by the content of requests; remove the field")
	}
	if len(a.Match) > 0 && a.Strategy() == rollout.Canary && f.Match && !f.Scoped {
		refuse("match", "divide matching requests by weight; add iterations for A/B testing, or remove the field")
	}
	if a.Mirror && !f.Mirror {
		refuse("mirror", "copy requests to the canary; remove the field")
	}
	return append(errs, wholePercents(a, f, path)...)
}

// wholePercents: shares in tenths of a percent, where there are none.
func wholePercents(a CanaryAnalysis, f Features, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, step := range a.Steps {
		if f.Whole && tenths(step.Weight)%rollout.Percent(1) != 0 {
			errs = append(errs, field.Invalid(path.Child("steps").Index(i).Child("weight"), step.Weight,
				"the provider "+f.Provider+" divides requests by whole percents; give one"))
		}
	}
	return errs
}

// extras: what no provider without routes can do, and not every one with them.
func extras(a CanaryAnalysis, f Features, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	refuse := func(name, what string) {
		errs = append(errs, field.Forbidden(path.Child(name), f.who()+" cannot "+what+"; remove the field"))
	}
	if a.Bake != "" && !f.Routes {
		refuse("bake", "give all traffic to the canary")
	}
	if a.SessionAffinity != nil && !f.Affinity {
		refuse("sessionAffinity", "keep users on a side")
	}
	errs = append(errs, primaryCookie(a, f, path)...)
	return errs
}

// metrics: each must say what to measure, and leave values that can pass.
func metrics(a CanaryAnalysis, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, m := range a.Metrics {
		at := path.Child("metrics").Index(i)
		switch {
		case m.TemplateRef != nil && m.TemplateRef.Name == "":
			errs = append(errs, field.Required(at.Child("templateRef", "name"), "name the MetricTemplate"))
		case m.TemplateRef == nil && m.Query == "" && !m.BuiltIn():
			errs = append(errs, field.Required(at.Child("templateRef"), fmt.Sprintf(
				"%q is not built in: give templateRef or query; built in are %s and %s", m.Name, SuccessRate, Duration)))
		}
		if r := m.ThresholdRange; r != nil && r.Min != nil && r.Max != nil && *r.Min > *r.Max {
			errs = append(errs, field.Invalid(at.Child("thresholdRange", "min"), *r.Min, fmt.Sprintf(
				"no value can pass: it is greater than max, %v", *r.Max)))
		}
	}
	return errs
}

// webhooks: each must be of a known type and have somewhere to go. URLs are not
// shown, as many carry a token.
func webhooks(a CanaryAnalysis, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, hook := range a.Webhooks {
		at := path.Child("webhooks").Index(i)
		if !hook.Kind().known() {
			errs = append(errs, unsupported(at.Child("type"), string(hook.Type), "it is no type of webhook; leave it out for "+string(RolloutHook)))
		}
		if !callable(hook.URL) {
			errs = append(errs, field.Invalid(at.Child("url"), field.OmitValueType{},
				"must be the full address of an HTTP server, such as http://tester.test/gate"))
		}
		if _, err := time.ParseDuration(hook.Timeout); len(hook.Timeout) > 1 && err != nil {
			errs = append(errs, field.Invalid(at.Child("timeout"), hook.Timeout, "must be a duration such as 5s or 1m"))
		}
		errs = append(errs, notNegative(at.Child("retries"), hook.Retries)...)
	}
	return errs
}

func (kind HookType) known() bool {
	switch kind {
	case ConfirmRolloutHook, PreRolloutHook, RolloutHook, ConfirmTrafficIncreaseHook,
		ConfirmPromotionHook, PostRolloutHook, RollbackHook, EventHook:
		return true
	}
	return false
}

func callable(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// Validate lists what is wrong with a MetricTemplate, or not yet possible.
func (t *MetricTemplate) Validate() field.ErrorList {
	path := field.NewPath("spec")
	var errs field.ErrorList
	if kind := t.Spec.Provider.Type; kind != "prometheus" {
		errs = append(errs, unsupported(path.Child("provider", "type"), kind,
			"this version of Serin asks prometheus, no other metrics provider"))
	} else if !callable(t.Spec.Provider.Address) {
		errs = append(errs, field.Invalid(path.Child("provider", "address"), field.OmitValueType{},
			"must be the full address of an HTTP server, such as http://prometheus:9090"))
	}
	if t.Spec.Query == "" {
		errs = append(errs, field.Required(path.Child("query"), "give the query to ask"))
	}
	return errs
}
