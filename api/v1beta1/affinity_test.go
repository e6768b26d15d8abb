package v1beta1

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sticky is a provider that keeps users on both sides, or on the canary alone.
func sticky(provider string) Features {
	f := gateway()
	f.Provider, f.Affinity, f.PrimaryCookie = provider, true, provider == "gatewayapi:v1"
	f.Available = []string{"gatewayapi:v1", "gatewayapi:v1beta1", "other"}
	return f
}

func TestSessionAffinityRefused(t *testing.T) {
	unable := sticky("other")
	unable.Affinity = false
	for _, tt := range []struct {
		name, analysis string
		features       Features
		want           []string
	}{
		{"both cookies", "stepWeight: 10\nsessionAffinity: {cookieName: a, primaryCookieName: b}", sticky("gatewayapi:v1"), nil},
		{"one cookie", "stepWeight: 10\nsessionAffinity: {cookieName: a}", sticky("gatewayapi:v1beta1"), nil},
		{"one name for two cookies", "stepWeight: 10\nsessionAffinity: {cookieName: a, primaryCookieName: a}", sticky("gatewayapi:v1"), []string{
			`spec.analysis.sessionAffinity.primaryCookieName: Invalid value: "a": can't use the same cookie name for both primary and cookie name; give another one`,
		}},
		{"no name", "stepWeight: 10\nsessionAffinity: {cookieName: \"\", primaryCookieName: b}", sticky("gatewayapi:v1"), []string{
			`spec.analysis.sessionAffinity.cookieName: Required value: name the cookie of the canary`,
		}},
		{"a second cookie where there is one", "stepWeight: 10\nsessionAffinity: {cookieName: a, primaryCookieName: b}", sticky("gatewayapi:v1beta1"), []string{
			`spec.analysis.sessionAffinity.primaryCookieName: Forbidden: the provider gatewayapi:v1beta1 cannot keep users on the primary; use the provider gatewayapi:v1, or remove the field`,
		}},
		{"the same elsewhere", "stepWeight: 10\nsessionAffinity: {cookieName: a, primaryCookieName: b}", sticky("other"), []string{
			`spec.analysis.sessionAffinity.primaryCookieName: Forbidden: the provider other cannot keep users on the primary; remove the field`,
		}},
		{"no cookies at all", "stepWeight: 10\nsessionAffinity: {cookieName: a, primaryCookieName: b}", unable, []string{
			`spec.analysis.sessionAffinity: Forbidden: the provider other cannot keep users on a side; remove the field`,
		}},
		{"an audience known by a cookie and divided", "stepWeight: 10\nmatch: [{headers: {cookie: {regex: beta}}}]\nsessionAffinity: {cookieName: a, primaryCookieName: b}", sticky("gatewayapi:v1"), []string{
			`spec.analysis.match[0].headers[cookie]: Forbidden: sessionAffinity needs this header for itself; match another one, or remove sessionAffinity`,
		}},
		{"an audience known by a cookie, all of it on the canary", "iterations: 2\nmatch: [{headers: {cookie: {regex: beta}}}]\nsessionAffinity: {cookieName: a}", sticky("gatewayapi:v1"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, errs := Compile(parse(t, withAnalysis(tt.analysis)), tt.features)
			if diff := cmp.Diff(tt.want, said(errs)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

// Weights that are not true are said at the start of each release.
func TestSessionAffinityThatDrifts(t *testing.T) {
	const drift = "Session affinity without primaryCookieName moves ever more users to the canary, whatever its weight"
	for _, tt := range []struct {
		name, analysis, provider string
		want                     []string
	}{
		{"both cookies", "stepWeight: 10\nsessionAffinity: {cookieName: a, primaryCookieName: b}", "gatewayapi:v1", nil},
		{"one cookie", "stepWeight: 10\nsessionAffinity: {cookieName: a}", "gatewayapi:v1", []string{drift + "; set sessionAffinity.primaryCookieName"}},
		{"no second cookie to be had", "stepWeight: 10\nsessionAffinity: {cookieName: a}", "gatewayapi:v1beta1", []string{drift + "; the provider gatewayapi:v1beta1 knows no cookie for the primary"}},
		{"one cookie, and no weights", "iterations: 2\nsessionAffinity: {cookieName: a}", "gatewayapi:v1", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan, errs := Compile(parse(t, withAnalysis(tt.analysis)), sticky(tt.provider))
			if len(errs) > 0 {
				t.Fatalf("refused: %v", errs.ToAggregate())
			}
			if diff := cmp.Diff(tt.want, plan.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAgeOfACookie(t *testing.T) {
	for given, want := range map[int]time.Duration{0: 24 * time.Hour, -1: 24 * time.Hour, 21600: 6 * time.Hour} {
		if got := (SessionAffinity{MaxAge: given}).Age(); got != want {
			t.Errorf("maxAge %d lasts %s, want %s", given, got, want)
		}
	}
}
