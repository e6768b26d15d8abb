package v1beta1

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// knativeVersion is the API version that makes a Service a Knative Service.
const knativeVersion = "serving.knative.dev/v1"

// A rule finds what is wrong with one aspect of a Canary.
type rule func(c *Canary, f Features) field.ErrorList

// validate lists everything that is wrong with a Canary, so that people need
// not find it one error at a time. analysis is what the provider makes of its
// analysis.
func validate(c *Canary, analysis CanaryAnalysis, f Features) field.ErrorList {
	var errs field.ErrorList
	for _, check := range []rule{target, provider, unavailable, scaler, service, foundation, knative, references, names, connections, gatewayClass} {
		errs = append(errs, check(c, f)...)
	}
	path := c.analysisPath()
	errs = append(errs, webhooks(analysis, path)...)
	errs = append(errs, cookies(analysis, path)...)
	errs = append(errs, readiness(analysis, path)...)
	if c.Skips() {
		return errs
	}
	errs = append(errs, metrics(analysis, path)...)
	errs = append(errs, numbers(analysis, path)...)
	errs = append(errs, extras(analysis, f, path)...)
	if f.Routes && slices.Contains(f.Available, f.Provider) {
		errs = append(errs, capabilities(analysis, f, path)...)
	}
	return errs
}

// analysisPath is where the analysis stands.
func (c *Canary) analysisPath() *field.Path {
	if c.Spec.Analysis == nil && c.Spec.CanaryAnalysis != nil {
		return field.NewPath("spec", "canaryAnalysis")
	}
	return field.NewPath("spec", "analysis")
}

// unsupported names a value that this version cannot work with.
func unsupported(path *field.Path, value, remedy string) *field.Error {
	return &field.Error{Type: field.ErrorTypeNotSupported, Field: path.String(), BadValue: value, Detail: remedy}
}

// released are the kinds that can be a target.
var released = []string{"Deployment", "DaemonSet", "StatefulSet", "Service"}

const releasable = "name a Deployment, DaemonSet, StatefulSet or Service"

// Knative reports whether the target is a Knative Service.
func (r TargetRef) Knative() bool { return r.Kind == "Service" && r.APIVersion == knativeVersion }

// target: only what can be released is accepted.
func target(c *Canary, _ Features) field.ErrorList {
	path := field.NewPath("spec", "targetRef")
	var errs field.ErrorList
	if ref := c.Spec.TargetRef; !slices.Contains(released, ref.Kind) {
		errs = append(errs, unsupported(path.Child("kind"), ref.Kind, releasable))
	}
	if ref := c.Spec.TargetRef; ref.Kind == "Service" && !ref.Knative() && c.Apex() != ref.Name {
		errs = append(errs, field.Invalid(field.NewPath("spec", "service", "name"), c.Apex(),
			"the copies of a Service are named after it, so that the route must be too; remove the field"))
	}
	if kind := c.Spec.TargetRef.Kind; c.Spec.AutoscalerRef != nil && (kind == "DaemonSet" || kind == "Service" && !c.Spec.TargetRef.Knative()) {
		errs = append(errs, field.Forbidden(field.NewPath("spec", "autoscalerRef"),
			"a "+kind+" has no replicas that an autoscaler could set; remove the field"))
	}
	if c.Spec.TargetRef.Name == "" {
		errs = append(errs, field.Required(path.Child("name"), "name the workload to release"))
	}
	return append(errs, notNegative(field.NewPath("spec", "progressDeadlineSeconds"), c.Spec.ProgressDeadlineSeconds)...)
}

// provider: an unknown one must not be taken for another.
func provider(c *Canary, f Features) field.ErrorList {
	if c.Spec.Service.RouteKind != "" {
		return routeKind(c, f)
	}
	if slices.Contains(f.Available, f.Provider) {
		return nil
	}
	choices := strings.Join(f.Available, ", ")
	remedy := "choose one of the traffic providers at hand: " + choices
	if c.Spec.Provider == "" {
		remedy = "it comes from the operator's flag -mesh-provider; set it here to one of the traffic providers at hand: " + choices
	}
	return field.ErrorList{unsupported(field.NewPath("spec", "provider"), f.Provider, remedy)}
}

// unavailable refuses by name what this version does not do yet.
func unavailable(c *Canary, _ Features) field.ErrorList {
	var errs field.ErrorList
	refuse := func(path *field.Path, what string) {
		errs = append(errs, field.Forbidden(path, "this version of Serin does not handle "+what+"; remove the field"))
	}
	if a := c.Analysis(); a != nil && len(a.Alerts) > 0 {
		refuse(c.analysisPath().Child("alerts"), "alerts")
	}
	return errs
}

// longestApex leaves room for -primary in the name of a Service.
const longestApex = validation.DNS1035LabelMaxLength - len("-primary")

// service: without a port there is nothing to route. No Services are made for a
// Knative Service, which brings its own.
func service(c *Canary, f Features) field.ErrorList {
	if c.Spec.TargetRef.Knative() {
		return nil
	}
	path := field.NewPath("spec", "service")
	var errs field.ErrorList
	switch port := c.Spec.Service.Port; {
	case port == 0:
		errs = append(errs, field.Required(path.Child("port"), "give the port of the service, such as 80"))
	case port < 0 || port > 65535:
		errs = append(errs, field.Invalid(path.Child("port"), port, "must be between 1 and 65535"))
	}
	if apex := c.Apex(); len(apex) > longestApex {
		errs = append(errs, field.Invalid(path.Child("name"), apex, fmt.Sprintf(
			"must be at most %d characters long, as the Services <name>-primary and <name>-canary are made from it", longestApex)))
	}
	if f.Parents && len(c.Spec.Service.GatewayRefs) == 0 {
		errs = append(errs, field.Required(path.Child("gatewayRefs"),
			"name the Gateway to which the route is attached; the provider "+f.Provider+" needs one"))
	}
	if f.NoCORS && c.Spec.Service.CorsPolicy != nil {
		errs = append(errs, field.Forbidden(path.Child("corsPolicy"), "the routes of the provider "+f.Provider+
			" have no field for it in the version that the cluster has: install a newer one (Gateway API 1.5 or its experimental channel), or remove the field"))
	}
	return errs
}

// knative: a Knative Service goes with the provider of that name, and scales itself.
func knative(c *Canary, f Features) field.ErrorList {
	ref := c.Spec.TargetRef
	is := ref.Knative()
	path := field.NewPath("spec")
	var errs field.ErrorList
	switch {
	case is && f.Provider != "knative":
		errs = append(errs, field.Invalid(path.Child("provider"), f.Provider,
			fmt.Sprintf("can't use %s provider with Knative Service as target", f.Provider)))
	case !is && f.Provider == "knative":
		errs = append(errs, field.Invalid(path.Child("targetRef"), ref.Kind,
			fmt.Sprintf("can't use %s/%s as target if provider is set to knative", ref.APIVersion, ref.Kind)))
	}
	if is && c.Spec.AutoscalerRef != nil {
		errs = append(errs, field.Forbidden(path.Child("autoscalerRef"), "can't use autoscaler with Knative Service"))
	}
	return errs
}

// references refuses other namespaces if the operator was told to. It is asked
// each time, since a Canary can be edited after it was accepted.
func references(c *Canary, f Features) field.ErrorList {
	if !f.SameNamespaceOnly {
		return nil
	}
	var errs field.ErrorList
	check := func(path *field.Path, what, namespace, name string) {
		if namespace != "" && namespace != c.Namespace {
			errs = append(errs, field.Forbidden(path.Child("namespace"), fmt.Sprintf(
				"can't access %s %s.%s: cross-namespace references are blocked by -no-cross-namespace-refs", what, name, namespace)))
		}
	}
	if ref := c.Spec.UpstreamRef; ref != nil {
		check(field.NewPath("spec", "upstreamRef"), "gloo upstream", ref.Namespace, ref.Name)
	}
	analysis := c.Analysis()
	if analysis == nil {
		return errs
	}
	for i, m := range analysis.Metrics {
		if ref := m.TemplateRef; ref != nil {
			check(c.analysisPath().Child("metrics").Index(i).Child("templateRef"), "metric template", ref.Namespace, ref.Name)
		}
	}
	for i, alert := range analysis.Alerts {
		ref := alert.ProviderRef
		check(c.analysisPath().Child("alerts").Index(i).Child("providerRef"), "alert provider", ref.Namespace, ref.Name)
	}
	return errs
}

// names: two names for one thing leave open which of them counts.
func names(c *Canary, _ Features) field.ErrorList {
	if c.Spec.Analysis == nil || c.Spec.CanaryAnalysis == nil {
		return nil
	}
	return field.ErrorList{field.Forbidden(field.NewPath("spec", "canaryAnalysis"),
		"it is the older name of spec.analysis, which is given too; remove one of them")}
}
