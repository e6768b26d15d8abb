package controller

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/json" // keeps whole numbers whole

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// meshAnnotation on a Canary names the mesh of its TrafficRoute. It is Kuma's own, and
// Flagger's way of saying it.
const meshAnnotation = "kuma.io/mesh"

// accessLogAnnotation on a Canary makes the nodes of App Mesh write an access log, if it is enabled.
const accessLogAnnotation = "appmesh.flagger.app/accesslog"

// named is what is known of a Canary's service before anything else was read: the
// names of objects, and which of them it is about.
func (r *reconciler) named(canary *v1beta1.Canary) router.Service {
	spec := canary.Spec
	s := router.Service{
		Namespace: canary.Namespace, Name: canary.Apex(), Target: spec.TargetRef.Name, Port: spec.Service.Port,
		Mesh:      canary.Annotations[meshAnnotation],
		AccessLog: canary.Annotations[accessLogAnnotation] == "enabled",
		Settings:  router.Settings{IngressPrefix: r.options.IngressPrefix, IngressClass: r.options.IngressClass, Include: r.options.Include},
	}
	if parts := strings.SplitN(canary.Provider(r.options.MeshProvider), ":", 3); len(parts) == 3 {
		s.Settings.Mesh = parts[2]
	}
	if ref := spec.IngressRef; ref != nil {
		s.Ingress = ref.Name
	}
	if ref := spec.RouteRef; ref != nil {
		s.Route = router.Ref{GroupVersionKind: schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind), Namespace: canary.Namespace, Name: ref.Name}
	}
	if ref := spec.UpstreamRef; ref != nil {
		s.Upstream = router.Ref{GroupVersionKind: schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind),
			Namespace: cmp.Or(ref.Namespace, canary.Namespace), Name: ref.Name}
	}
	return s
}

// serviceOf is what providers need to know of a Canary, as plain values, added to
// what named knows.
func serviceOf(canary *v1beta1.Canary, s router.Service, options workload.Options, target *workload.Pods) (router.Service, error) {
	spec := canary.Spec.Service
	s.Owner, s.Selector = options.Owner, options.Selector
	s.PortName, s.TargetPort, s.AppProtocol = spec.PortName, spec.TargetPort, spec.AppProtocol
	s.TrafficDistribution, s.Headless, s.Discovery = spec.TrafficDistribution, spec.Headless, spec.PortDiscovery
	s.Apex, s.Primary, s.Canary = metadata(spec.Apex), metadata(spec.Primary), metadata(spec.Canary)
	s.Hosts, s.Parents, s.Mirrors = spec.Hosts, parents(spec.GatewayRefs), mirrors(spec.Mirror)
	s.Gateways, s.Delegation, s.MeshName, s.Backends = spec.Gateways, spec.Delegation, spec.MeshName, spec.Backends
	if u := spec.UnmanagedMetadata; u != nil {
		s.Unmanaged = router.Keys{Labels: u.Labels, Annotations: u.Annotations}
	}
	if spec.PortDiscovery {
		s.Ports = router.Ports(target.Template, s)
	}
	for _, m := range spec.Match {
		s.Match = append(s.Match, match(m))
	}
	if a := canary.Analysis(); a != nil {
		for _, m := range a.Match {
			s.Audience = append(s.Audience, router.Match{
				Headers: texts(m.Headers), Query: texts(m.QueryParams), SourceLabels: m.SourceLabels})
		}
		s.Affinity = affinity(a)
	}
	if w := spec.Rewrite; w != nil {
		s.Rewrite = router.Rewrite{Authority: w.Authority, URI: w.URI, PrefixOnly: w.Type == "ReplacePrefixMatch"}
	}
	if h := spec.Headers; h != nil {
		s.Request, s.Response = headers(h.Request), headers(h.Response)
	}
	if c := spec.CorsPolicy; c != nil {
		var err error
		if s.CORS, err = cors(c); err != nil {
			return router.Service{}, err
		}
	}
	return limited(s, spec)
}

// limited adds what bounds a request, and how it is tried again.
func limited(s router.Service, spec v1beta1.CanaryService) (router.Service, error) {
	var err error
	if s.Timeout, err = timeout("timeout", spec.Timeout); err != nil {
		return router.Service{}, err
	}
	if s.BackendTimeout, err = timeout("backendTimeout", spec.BackendTimeout); err != nil {
		return router.Service{}, err
	}
	if t := spec.Retries; t != nil {
		s.Retries = router.Retries{Attempts: t.Attempts, On: t.RetryOn}
		if s.Retries.PerTryTimeout, err = timeout("retries.perTryTimeout", t.PerTryTimeout); err != nil {
			return router.Service{}, err
		}
	}
	if p := spec.TrafficPolicy; p != nil && len(p.Raw) > 0 {
		if err := json.Unmarshal(p.Raw, &s.TrafficPolicy); err != nil {
			return router.Service{}, fmt.Errorf("spec.service.trafficPolicy: %w", err)
		}
	}
	return s, nil
}

// affinity is how cookies look. That of the primary lasts an interval: then its
// users are divided anew, as the share of the canary may have grown.
func affinity(a *v1beta1.CanaryAnalysis) router.Affinity {
	c := a.SessionAffinity
	if c == nil {
		return router.Affinity{}
	}
	return router.Affinity{
		Cookie: c.CookieName, PrimaryCookie: c.PrimaryCookieName, Age: c.Age(), PrimaryAge: a.Period(),
		Domain: c.Domain, Path: c.Path, SameSite: c.SameSite,
		HTTPOnly: c.HTTPOnly, Secure: c.Secure, Partitioned: c.Partitioned,
	}
}

func metadata(m *v1beta1.Metadata) router.Metadata {
	if m == nil {
		return router.Metadata{}
	}
	return router.Metadata{Labels: m.Labels, Annotations: m.Annotations}
}

func parents(refs []v1beta1.GatewayRef) []router.Parent {
	var all []router.Parent
	for _, ref := range refs {
		all = append(all, router.Parent{Group: value(ref.Group), Kind: value(ref.Kind), Namespace: value(ref.Namespace),
			Name: ref.Name, SectionName: value(ref.SectionName), Port: value(ref.Port)})
	}
	return all
}

func mirrors(list []v1beta1.Mirror) []router.Backend {
	var all []router.Backend
	for _, m := range list {
		ref := m.BackendRef
		all = append(all, router.Backend{Group: value(ref.Group), Kind: value(ref.Kind), Namespace: value(ref.Namespace),
			Name: ref.Name, Port: value(ref.Port)})
	}
	return all
}

func match(m v1beta1.HTTPMatch) router.Match {
	return router.Match{
		Name: m.Name, URI: text(m.URI), Scheme: text(m.Scheme), Method: text(m.Method), Authority: text(m.Authority),
		Headers: texts(m.Headers), WithoutHeaders: texts(m.WithoutHeaders), Query: texts(m.QueryParams),
		IgnoreURICase: m.IgnoreURICase, Port: m.Port, Gateways: m.Gateways,
		SourceLabels: m.SourceLabels, SourceNamespace: m.SourceNamespace,
	}
}

func texts(all map[string]v1beta1.StringMatch) map[string]router.Text {
	if len(all) == 0 {
		return nil
	}
	out := map[string]router.Text{}
	for name, m := range all {
		out[name] = text(&m)
	}
	return out
}

func text(m *v1beta1.StringMatch) router.Text {
	switch {
	case m == nil:
		return router.Text{}
	case m.Exact != nil:
		return router.Text{Op: router.Exact, Value: *m.Exact}
	case m.Prefix != nil:
		return router.Text{Op: router.Prefix, Value: *m.Prefix}
	case m.Suffix != nil:
		return router.Text{Op: router.Suffix, Value: *m.Suffix}
	case m.Regex != nil:
		return router.Text{Op: router.Regex, Value: *m.Regex}
	default:
		return router.Text{}
	}
}

func headers(o *v1beta1.HeaderOperations) router.HeaderMod {
	if o == nil {
		return router.HeaderMod{}
	}
	return router.HeaderMod{Add: o.Add, Set: o.Set, Remove: o.Remove}
}

func cors(c *v1beta1.CorsPolicy) (router.CORS, error) {
	age, err := timeout("corsPolicy.maxAge", c.MaxAge)
	if err != nil {
		return router.CORS{}, err
	}
	out := router.CORS{Methods: c.AllowMethods, Headers: c.AllowHeaders, Expose: c.ExposeHeaders,
		Credentials: value(c.AllowCredentials), MaxAge: max(age, 0)}
	for _, origin := range c.AllowOrigin {
		out.Origins = append(out.Origins, router.Text{Op: router.Exact, Value: origin})
	}
	for i := range c.AllowOrigins {
		out.Origins = append(out.Origins, text(&c.AllowOrigins[i]))
	}
	return out, nil
}

// timeout parses a duration of spec.service; an explicit zero means no limit.
func timeout(field, given string) (time.Duration, error) {
	if given == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(given)
	switch {
	case err != nil || d < 0:
		return 0, fmt.Errorf("spec.service.%s: %q is not a duration; write for example 15s or 1m30s", field, given)
	case d == 0:
		return router.NoTimeout, nil
	}
	return d, nil
}

func value[T any](p *T) (zero T) {
	if p == nil {
		return zero
	}
	return *p
}
