package v1beta1

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Connections are divided by weight only, where the provider divides them at all.
func TestConnections(t *testing.T) {
	const all = "stepWeight: 10\nmirror: true\nmatch: [{headers: {x-a: {exact: b}}}]\nsessionAffinity: {cookieName: a, primaryCookieName: b}"
	tcp := gateway()
	tcp.TCP = true
	const hint = ": Forbidden: spec.service.appProtocol is tcp, and connections have no requests; set it to http, or remove the field"
	for _, tt := range []struct {
		name, protocol string
		features       Features
		want           []string
	}{
		{"TCP", "TCP", tcp, []string{"spec.analysis.match" + hint, "spec.analysis.mirror" + hint, "spec.analysis.sessionAffinity" + hint}},
		{"in small letters", "tcp", tcp, []string{"spec.analysis.match" + hint, "spec.analysis.mirror" + hint, "spec.analysis.sessionAffinity" + hint}},
		{"requests", "http", tcp, nil},
		{"a provider to which it means nothing", "tcp", gateway(), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			canary := parse(t, withAnalysis(all))
			canary.Spec.Service.AppProtocol = tt.protocol
			_, errs := Compile(canary, tt.features)
			got := slices.DeleteFunc(said(errs), func(text string) bool { return !strings.Contains(text, "appProtocol") })
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	weights := parse(t, withAnalysis("stepWeight: 10"))
	weights.Spec.Service.AppProtocol = "TCP"
	if _, errs := Compile(weights, tcp); len(errs) > 0 {
		t.Errorf("weights are refused: %v", errs.ToAggregate())
	}
}
