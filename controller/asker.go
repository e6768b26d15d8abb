package controller

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/hook"
	"github.com/serinhq/serin/judge"
	"github.com/serinhq/serin/metric"
	"github.com/serinhq/serin/rollout"
)

// asker turns probes into calls of hooks and metrics backends.
type asker struct {
	options Options
	cached  client.Reader // MetricTemplates
	live    client.Reader // Secrets: read on need, never kept
	hooks   *hook.Caller
	metrics *metric.Clients
	gauges  *gauges
}

// run returns the work of one probe. It ends by the deadline of the plan, which
// is the longest anybody waits for it: a receiver that asks to be called again in
// a year must not keep one of the slots that all Canaries share.
func (a *asker) run(v *view, state rollout.State, probe rollout.Probe) func(context.Context) rollout.Answer {
	work, deadline := a.work(v, state, probe), v.plan.Deadline
	return func(ctx context.Context) rollout.Answer {
		ctx, cancel := context.WithTimeout(ctx, deadline)
		defer cancel()
		return work(ctx)
	}
}

// work is made from values that do not change while it runs.
func (a *asker) work(v *view, state rollout.State, probe rollout.Probe) func(context.Context) rollout.Answer {
	q := v.question(probe, state)
	canary := v.asked(q)
	c := hookCall{kind: v1beta1.HookType(probe), phase: rollout.Progressing, revision: q.revision,
		id: fmt.Sprintf("%s/%s/%s/%d/%d", canary.UID, probe, q.revision, q.step, q.since.UnixNano())}
	switch probe {
	case rollout.Checks:
		c.kind = v1beta1.RolloutHook
		return func(ctx context.Context) rollout.Answer {
			began := a.options.Now()
			findings := a.call(ctx, canary, c)
			if !refused(findings) {
				findings = append(findings, a.check(ctx, canary)...)
			}
			a.gauges.took(canary, a.options.Now().Sub(began).Seconds())
			return sum(findings)
		}
	case rollout.Online:
		return func(ctx context.Context) rollout.Answer { return sum(a.online(ctx, canary)) }
	case rollout.PreRollout:
		return a.hook(canary, c)
	case rollout.ConfirmTrafficIncrease, rollout.ConfirmPromotion:
		c.id += a.turn(v.plan)
		return a.hook(canary, c)
	case rollout.ConfirmRollout, rollout.RollbackHook:
		c.id += a.turn(v.plan)
		c.phase = state.Phase
		return a.hook(canary, c)
	case rollout.PostRollout:
		c.phase = state.Phase
		return a.hook(canary, c)
	case rollout.Approval: // a person's, whom nobody asks
	}
	return func(context.Context) rollout.Answer { return rollout.Answer{} }
}

// turn tells the askings of a gate apart, one each interval: a receiver that answers
// a known id as before would keep it closed for ever.
func (a *asker) turn(plan rollout.Plan) string {
	return fmt.Sprintf("/%d", a.options.Now().UnixNano()/max(int64(plan.Interval), 1))
}

// hookCall says which hooks are called, with which phase, about which revision
// and under which id.
type hookCall struct {
	kind     v1beta1.HookType
	phase    rollout.Phase
	revision rollout.Revision
	id       string
}

func (a *asker) hook(canary *v1beta1.Canary, c hookCall) func(context.Context) rollout.Answer {
	return func(ctx context.Context) rollout.Answer { return sum(a.call(ctx, canary, c)) }
}

// call asks the hooks of one type in order, up to the first refusal.
func (a *asker) call(ctx context.Context, canary *v1beta1.Canary, c hookCall) []rollout.Finding {
	var findings []rollout.Finding
	for i, w := range canary.Hooks(c.kind) {
		payload := hook.Payload{
			Name: canary.Name, Namespace: canary.Namespace, Phase: c.phase, ID: fmt.Sprintf("%s/%d", c.id, i),
			Checksum: hook.Checksum(canary.Status.TrackedConfigs, string(c.revision)),
		}
		finding := a.hooks.Call(ctx, hookOf(w), payload)
		findings = append(findings, finding)
		if finding.Verdict != rollout.Pass {
			break
		}
	}
	return findings
}

func hookOf(w v1beta1.Webhook) hook.Hook {
	return hook.Hook{Name: w.Name, Type: hook.Type(w.Kind()), URL: w.URL, Timeout: w.Limit(), Retries: w.Retries,
		Insecure: w.DisableTLS, Mute: w.MuteAlert, Metadata: w.Metadata}
}

// check measures every metric of the analysis, all of them even if one is bad.
func (a *asker) check(ctx context.Context, canary *v1beta1.Canary) []rollout.Finding {
	analysis := canary.Analysis()
	if analysis == nil {
		return nil
	}
	var findings []rollout.Finding
	for _, m := range analysis.Metrics {
		if m.BuiltIn() {
			findings = append(findings, a.builtIn(ctx, canary, m))
		}
		if m.Query != "" {
			findings = append(findings, a.inline(ctx, canary, m))
		}
	}
	for _, m := range analysis.Metrics {
		switch {
		case m.TemplateRef != nil:
			findings = append(findings, a.template(ctx, canary, m))
		case !m.BuiltIn() && m.Query == "":
			findings = append(findings, rollout.Finding{Source: rollout.FromSetup, Name: m.Name,
				Err: "Metric query failed for no usable metrics template and query were configured"})
		}
	}
	for _, f := range findings {
		a.gauges.measured(canary, f)
	}
	return findings
}

func (a *asker) vars(canary *v1beta1.Canary, m v1beta1.Metric) metric.Vars {
	return metric.Vars{Name: canary.Name, Namespace: canary.Namespace, Target: canary.Spec.TargetRef.Name,
		Service: canary.Apex(), Ingress: canary.Ingress(), Route: canary.Route(), Interval: m.Window(),
		Variables: m.TemplateVariables}
}

// server is the Prometheus of built-in and inline metrics.
func (a *asker) server(canary *v1beta1.Canary) (metric.Source, error) {
	return a.metrics.Backend("prometheus", metric.Settings{Address: canary.MetricsServer(a.options.MetricsServer)})
}

func (a *asker) builtIn(ctx context.Context, canary *v1beta1.Canary, m v1beta1.Metric) rollout.Finding {
	provider := metric.Provider(a.options.MeshProvider, canary.Spec.Provider)
	query, source, err := metric.BuiltIn(provider, m.Name, a.vars(canary, m))
	if err != nil {
		return setup(m, "Prometheus query failed: %v", err)
	}
	return a.ask(ctx, canary, m, metric.Definition{Name: m.Name, Kind: source, Query: query})
}

func (a *asker) inline(ctx context.Context, canary *v1beta1.Canary, m v1beta1.Metric) rollout.Finding {
	query, err := metric.Render(m.Query, a.vars(canary, m))
	if err != nil {
		return setup(m, "Prometheus query failed for %s: %v", m.Name, err)
	}
	return a.ask(ctx, canary, m, metric.Definition{Name: m.Name, Kind: rollout.FromQuery, Query: query})
}

// ask judges a query of the canary's own metrics server.
func (a *asker) ask(ctx context.Context, canary *v1beta1.Canary, m v1beta1.Metric, d metric.Definition) rollout.Finding {
	source, err := a.server(canary)
	if err != nil {
		return setup(m, "Error building Prometheus client for URL %v", err)
	}
	least, greatest := m.Limits()
	d.Limits = judge.Limits{Min: least, Max: greatest}
	return metric.Check(ctx, source, d)
}

func (a *asker) template(ctx context.Context, canary *v1beta1.Canary, m v1beta1.Metric) rollout.Finding {
	source, template, err := a.resolve(ctx, canary, m)
	if err != nil {
		return setup(m, "%v", err)
	}
	query, err := metric.Render(template.Spec.Query, a.vars(canary, m))
	if err != nil {
		return setup(m, "Metric template %s.%s query render error: %v", template.Name, template.Namespace, err)
	}
	least, greatest := m.Limits()
	return metric.Check(ctx, source, metric.Definition{Name: m.Name, Kind: rollout.FromTemplate, Query: query,
		Limits: judge.Limits{Min: least, Max: greatest}})
}

// resolve finds the template of a metric and builds its backend. Errors are
// whole sentences in the words that users know.
func (a *asker) resolve(ctx context.Context, canary *v1beta1.Canary, m v1beta1.Metric) (metric.Source, *v1beta1.MetricTemplate, error) {
	namespace, name, _ := m.Template(canary)
	if a.options.SameNamespace && namespace != canary.Namespace {
		return nil, nil, fmt.Errorf("can't access metric template %s.%s, cross-namespace references are blocked", name, namespace)
	}
	raw := blank(kind("MetricTemplate"))
	if err := a.cached.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, raw); err != nil {
		return nil, nil, fmt.Errorf("Metric template %s.%s error: %w", name, namespace, err) //nolint:staticcheck // users know this sentence
	}
	template, err := v1beta1.DecodeMetricTemplate(raw.Object)
	if err == nil {
		err = template.Validate().ToAggregate()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("Metric template %s.%s error: %w", name, namespace, err) //nolint:staticcheck // as above
	}
	provider := template.Spec.Provider
	settings := metric.Settings{Address: provider.Address, Headers: provider.Headers, Region: provider.Region, Insecure: provider.InsecureSkipVerify}
	if ref := provider.SecretRef; ref != nil {
		var secret corev1.Secret
		if err := a.live.Get(ctx, types.NamespacedName{Namespace: namespace, Name: ref.Name}, &secret); err != nil {
			return nil, nil, fmt.Errorf("Metric template %s.%s secret %s error: %w", name, namespace, ref.Name, err) //nolint:staticcheck // as above
		}
		settings.SecretName, settings.Secret = ref.Name, secret.Data
	}
	source, err := a.metrics.Backend(provider.Type, settings)
	if err != nil {
		return nil, nil, fmt.Errorf("Metric template %s.%s provider %s error: %w", name, namespace, provider.Type, err) //nolint:staticcheck // as above
	}
	return source, template, nil
}

// online asks every backend of the analysis whether it answers at all.
func (a *asker) online(ctx context.Context, canary *v1beta1.Canary) []rollout.Finding {
	analysis := canary.Analysis()
	if analysis == nil {
		return nil
	}
	var findings []rollout.Finding
	for _, m := range analysis.Metrics {
		var source metric.Source
		var err error
		switch {
		case m.TemplateRef != nil:
			source, _, err = a.resolve(ctx, canary, m)
		case m.BuiltIn():
			source, err = a.server(canary)
		default:
			continue
		}
		if err == nil {
			err = source.Online(ctx)
		}
		finding := rollout.Finding{Source: rollout.FromSetup, Name: m.Name, Verdict: rollout.Pass}
		if err != nil {
			finding.Verdict, finding.Err = rollout.Unknown, err.Error()
		}
		findings = append(findings, finding)
	}
	return findings
}

func setup(m v1beta1.Metric, format string, args ...any) rollout.Finding {
	return rollout.Finding{Source: rollout.FromSetup, Name: m.Name, Err: fmt.Errorf(format, args...).Error()}
}

// sum is Fail if anything failed, Unknown if anything is not known, else Pass.
func sum(findings []rollout.Finding) rollout.Answer {
	answer := rollout.Answer{Verdict: rollout.Pass, Findings: findings}
	for _, f := range findings {
		switch f.Verdict {
		case rollout.Fail:
			answer.Verdict = rollout.Fail
			return answer
		case rollout.Unknown:
			answer.Verdict = rollout.Unknown
		case rollout.Pass:
		}
	}
	return answer
}

func refused(findings []rollout.Finding) bool { return sum(findings).Verdict != rollout.Pass }
