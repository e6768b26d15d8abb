package router

import (
	"slices"
	"time"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// istioParts are what all rules of requests are made of. Those for users with a
// cookie come first, as the first rule that matches is taken.
//
//	on the way  canary's cookie   canary 100                     only while both sides
//	            primary's cookie  primary 100                    have a share
//	            no cookie         primary w, canary 100-w        each side sets its cookie
//	at home     the old cookie    primary 100, cookie dropped
//	            no cookie         primary 100
type istioParts struct {
	service            Service
	plain              istioRule // without matches and ends
	everyone, audience []istioMatch
}

// istioRequests lists the rules of requests under a route.
func (s Service) istioRequests(r rollout.Route) ([]istioRule, field.ErrorList) {
	service := field.NewPath("spec", "service")
	p := istioParts{service: s}
	var problems, more field.ErrorList
	p.everyone, problems = istioMatches(service.Child("match"), s.Match)
	p.plain, more = s.istioPlain(service)
	problems = append(problems, more...)
	if r.Match || len(s.Audience) > 0 {
		p.audience, more = istioAudience(field.NewPath("spec", "analysis", "match"), s.Audience)
		problems = append(problems, more...)
	}
	problems = append(problems, s.undisturbed(r)...)
	if !r.Match {
		return p.kept(r, p.everyone), problems
	}
	home := p.plain
	home.Match = p.everyone
	home.Route = []istioEnd{{Destination: s.destination(s.PrimaryName()), Weight: 100}}
	return append(p.kept(r, istioCrossed(p.audience, p.everyone)), home), problems
}

// istioPlain is what every rule does with a request, wherever it leads.
func (s Service) istioPlain(path *field.Path) (istioRule, field.ErrorList) {
	var rule istioRule
	var problems, more field.ErrorList
	if s.Rewrite.URI != "" || s.Rewrite.Authority != "" {
		rule.Rewrite = &istioRewrite{URI: s.Rewrite.URI, Authority: s.Rewrite.Authority}
	}
	rule.Timeout, problems = istioDuration(path.Child("timeout"), s.Timeout)
	if s.Retries != (Retries{}) {
		rule.Retries = &istioRetries{Attempts: s.Retries.Attempts, On: s.Retries.On}
		rule.Retries.PerTryTimeout, more = istioDuration(path.Child("retries", "perTryTimeout"), s.Retries.PerTryTimeout)
		problems = append(problems, more...)
	}
	rule.CORS, more = istioCORSOf(path.Child("corsPolicy"), s.CORS)
	problems = append(problems, more...)
	if request, response := istioHeaderModOf(s.Request), istioHeaderModOf(s.Response); request != nil || response != nil {
		rule.Headers = &istioHeaders{Request: request, Response: response}
	}
	return rule, problems
}

// istioDuration has no text for no limit, which is what Istio has without one.
func istioDuration(path *field.Path, d time.Duration) (string, field.ErrorList) {
	if d == NoTimeout {
		return "", nil
	}
	text, problems := httpDuration(path, d)
	if text == nil {
		return "", problems
	}
	return string(*text), problems
}

func istioHeaderModOf(mod HeaderMod) *istioHeaderMod {
	if len(mod.Set)+len(mod.Add)+len(mod.Remove) == 0 {
		return nil
	}
	return &istioHeaderMod{Set: mod.Set, Add: mod.Add, Remove: mod.Remove}
}

// istioCORSOf writes plain origins in the older of the two lists, as Flagger does.
// Istio looks at one of them only, so that one condition takes all to the other.
func istioCORSOf(path *field.Path, cors CORS) (*istioCORS, field.ErrorList) {
	if len(cors.Origins)+len(cors.Methods)+len(cors.Headers)+len(cors.Expose) == 0 && !cors.Credentials && cors.MaxAge == 0 {
		return nil, nil
	}
	policy := &istioCORS{Methods: cors.Methods, Headers: cors.Headers, Expose: cors.Expose, Credentials: cors.Credentials}
	var problems field.ErrorList
	policy.MaxAge, problems = istioDuration(path.Child("maxAge"), cors.MaxAge)
	conditions := slices.ContainsFunc(cors.Origins, func(origin Text) bool { return origin.Op != Exact })
	for _, origin := range cors.Origins {
		text, more := istioTextOf(path.Child("allowOrigins"), origin)
		problems = append(problems, more...)
		if conditions {
			policy.Origins = append(policy.Origins, text)
		} else {
			policy.Origin = append(policy.Origin, origin.Value)
		}
	}
	return policy, problems
}

// divided is a rule with the shares of the route, the primary first.
func (p istioParts) divided(r rollout.Route, matches []istioMatch) istioRule {
	rule := p.plain
	rule.Match, rule.Route = matches, p.service.istioEnds(r)
	if r.Mirror > 0 {
		rule.Mirror = new(p.service.destination(p.service.CanaryName()))
		rule.Percentage = &istioPercent{float64(r.Mirror) / float64(rollout.Percent(1))}
	}
	return rule
}

// istioEnds are the two sides with their weights.
func (s Service) istioEnds(r rollout.Route) []istioEnd {
	primary, canary := r.Weights()
	return []istioEnd{
		{Destination: s.destination(s.PrimaryName()), Weight: primary},
		{Destination: s.destination(s.CanaryName()), Weight: canary},
	}
}

// kept lists the rules for users with a cookie and, last, the division of all
// others. Where one side has all traffic nobody is kept on the other: it may be gone.
func (p istioParts) kept(r rollout.Route, matches []istioMatch) []istioRule {
	affinity := p.service.Affinity
	cookies, divided := affinity.pairs(r.Cookies), p.divided(r, matches)
	var rules []istioRule
	switch {
	case cookies.Canary != "":
		if r.Primary > 0 && r.Canary > 0 {
			rules = append(rules, p.divided(rollout.Split(rollout.Full), carriers(cookies.Canary, matches)))
			if cookies.Primary != "" {
				primary := rollout.Route{Primary: rollout.Full, Mirror: r.Mirror}
				rules = append(rules, p.divided(primary, carriers(cookies.Primary, matches)))
			}
		}
		if cookies.Primary != "" {
			divided.Route[0].Headers = setting(nil, affinity.set(cookies.Primary, affinity.PrimaryAge))
		}
		divided.Route[1].Headers = setting(nil, affinity.set(cookies.Canary, affinity.Age))
	case cookies.Previous != "":
		old := p.divided(r, carriers(cookies.Previous, matches))
		old.Headers = setting(old.Headers, affinity.set(cookies.Previous, dropped))
		rules = append(rules, old)
	}
	return append(rules, divided)
}

// carriers narrows matches to requests that carry the cookie.
func carriers(pair string, matches []istioMatch) []istioMatch {
	return istioCrossed([]istioMatch{{Headers: map[string]istioText{cookieHeader: {Regex.field(): carrying(pair)}}}}, matches)
}

// setting returns headers with one more in the answer. They are copied, as they
// are part of other rules too.
func setting(headers *istioHeaders, cookie string) *istioHeaders {
	var with istioHeaders
	if headers != nil {
		with = *headers
	}
	var response istioHeaderMod
	if with.Response != nil {
		response = *with.Response
	}
	response.Add = besides(response.Add, map[string]string{setCookieHeader: cookie}, func(name string) string { return name })
	with.Response = &response
	return &with
}
