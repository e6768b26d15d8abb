package v1beta1

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/serinhq/serin/rollout"
)

// Age is how long browsers keep the cookie of the canary.
func (s SessionAffinity) Age() time.Duration {
	if s.MaxAge <= 0 {
		return DefaultCookieSeconds * time.Second
	}
	return time.Duration(s.MaxAge) * time.Second
}

// cookies: users of the two sides must be told apart, and by nothing else that
// looks at the same header: a route has room for one condition on it.
func cookies(a CanaryAnalysis, path *field.Path) field.ErrorList {
	s := a.SessionAffinity
	if s == nil {
		return nil
	}
	at := path.Child("sessionAffinity")
	var errs field.ErrorList
	switch s.CookieName {
	case "":
		errs = append(errs, field.Required(at.Child("cookieName"), "name the cookie of the canary"))
	case s.PrimaryCookieName:
		errs = append(errs, field.Invalid(at.Child("primaryCookieName"), s.PrimaryCookieName,
			"can't use the same cookie name for both primary and cookie name; give another one"))
	}
	if a.Strategy() != rollout.Canary {
		return errs // all users who match are on the canary: no cookie has to keep them there
	}
	for i, m := range a.Match {
		for _, header := range slices.Sorted(maps.Keys(m.Headers)) {
			if strings.EqualFold(header, "Cookie") {
				errs = append(errs, field.Forbidden(path.Child("match").Index(i).Child("headers").Key(header),
					"sessionAffinity needs this header for itself; match another one, or remove sessionAffinity"))
			}
		}
	}
	return errs
}

// primaryCookie: not every provider that knows one cookie knows two.
func primaryCookie(a CanaryAnalysis, f Features, path *field.Path) field.ErrorList {
	s := a.SessionAffinity
	if s == nil || s.PrimaryCookieName == "" || !f.Affinity || f.PrimaryCookie {
		return nil
	}
	return field.ErrorList{field.Forbidden(path.Child("sessionAffinity", "primaryCookieName"),
		fmt.Sprintf("the provider %s cannot keep users on the primary; %s", f.Provider, remedy(f)))}
}

func remedy(f Features) string {
	if f.Provider == "gatewayapi:v1beta1" {
		return "use the provider gatewayapi:v1, or remove the field"
	}
	return "remove the field"
}

// drifting warns of cookies that make weights untrue: users of the canary stay,
// those of the primary are divided anew with every request, so that after some
// requests everybody is on the canary.
func drifting(a CanaryAnalysis, f Features) []string {
	s := a.SessionAffinity
	if s == nil || s.PrimaryCookieName != "" || !f.Affinity || a.Strategy() != rollout.Canary {
		return nil
	}
	text := "Session affinity without primaryCookieName moves ever more users to the canary, whatever its weight"
	if !f.PrimaryCookie {
		return []string{text + "; the provider " + f.Provider + " knows no cookie for the primary"}
	}
	return []string{text + "; set sessionAffinity.primaryCookieName"}
}
