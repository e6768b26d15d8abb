package router

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Affinity keeps users on the side that served their first request, by a cookie
// for each side. The zero value keeps nobody.
type Affinity struct {
	Cookie        string // spec.analysis.sessionAffinity.cookieName
	PrimaryCookie string // primaryCookieName; empty lets users of the primary be divided anew with every request
	Age           time.Duration
	PrimaryAge    time.Duration // the interval of the analysis

	Domain, Path, SameSite        string // attributes of both cookies; empty for none
	HTTPOnly, Secure, Partitioned bool
}

// dropped is the age of a cookie that is to go.
const dropped = -time.Second

// set is the value of a Set-Cookie header. A cookie is dropped with the
// attributes it was set with: browsers take it for another one otherwise.
func (a Affinity) set(pair string, age time.Duration) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s; Max-Age=%d", pair, age/time.Second)
	for _, attribute := range []struct {
		set  bool
		text string
	}{
		{a.Domain != "", "Domain=" + a.Domain},
		{a.HTTPOnly, "HttpOnly"},
		{a.Partitioned, "Partitioned"},
		{a.Path != "", "Path=" + a.Path},
		{a.SameSite != "", "SameSite=" + a.SameSite},
		{a.Secure, "Secure"},
	} {
		if attribute.set {
			text.WriteString("; " + attribute.text)
		}
	}
	return text.String()
}

// pairs are the cookies of a route as name=value, as far as they have a name.
func (a Affinity) pairs(values rollout.Cookies) rollout.Cookies {
	pair := func(name, value string) string {
		if name == "" || value == "" {
			return ""
		}
		return name + "=" + value
	}
	return rollout.Cookies{
		Canary:   pair(a.Cookie, values.Canary),
		Primary:  pair(a.PrimaryCookie, values.Primary),
		Previous: pair(a.Cookie, values.Previous),
	}
}

// carrying matches a Cookie header with the given name=value among others. It
// is anchored: both sides of a release may have the same value, and the name of
// one cookie may be the end of the other's.
func carrying(pair string) string {
	return "^(.*; *)?" + regexp.QuoteMeta(pair) + "(;.*)?$"
}

// attributeForm leaves out what would end an attribute or the header.
var attributeForm = regexp.MustCompile(`^[ -:<-~]*$`)

// problems lists what cannot be part of a Set-Cookie header.
func (a Affinity) problems(values rollout.Cookies) field.ErrorList {
	if a == (Affinity{}) && values == (rollout.Cookies{}) {
		return nil
	}
	path := field.NewPath("spec", "analysis", "sessionAffinity")
	var problems field.ErrorList
	if a.Cookie == "" {
		problems = append(problems, field.Required(path.Child("cookieName"), "name the cookie of the canary"))
	}
	for _, f := range []struct{ child, name string }{{"cookieName", a.Cookie}, {"primaryCookieName", a.PrimaryCookie}} {
		if f.name != "" && !isName(f.name) {
			problems = append(problems, field.Invalid(path.Child(f.child), f.name, notName))
		}
	}
	for _, f := range []struct{ child, text string }{{"domain", a.Domain}, {"path", a.Path}, {"sameSite", a.SameSite}} {
		if !attributeForm.MatchString(f.text) || len(f.text) > maxValue {
			problems = append(problems, field.Invalid(path.Child(f.child), f.text, fmt.Sprintf("must have at most %d printable characters and no ;", maxValue)))
		}
	}
	for _, f := range []struct{ child, value string }{
		{"sessionAffinityCookie", values.Canary}, {"primarySessionAffinityCookie", values.Primary}, {"previousSessionAffinityCookie", values.Previous},
	} {
		if f.value != "" && !isName(f.value) {
			problems = append(problems, field.Invalid(field.NewPath("status", f.child), f.value, "is no value of a cookie: remove the field"))
		}
	}
	return problems
}
