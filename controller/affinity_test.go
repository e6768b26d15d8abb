package controller

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/router"
)

func TestAffinityReachesTheProvider(t *testing.T) {
	for _, tc := range []struct {
		name     string
		analysis v1beta1.CanaryAnalysis
		want     router.Affinity
	}{
		{"none", v1beta1.CanaryAnalysis{Interval: "30s"}, router.Affinity{}},
		{"defaults", v1beta1.CanaryAnalysis{Interval: "30s", SessionAffinity: &v1beta1.SessionAffinity{CookieName: "a"}},
			router.Affinity{Cookie: "a", Age: 24 * time.Hour, PrimaryAge: 30 * time.Second}},
		{"all fields; a short interval counts as the shortest", v1beta1.CanaryAnalysis{Interval: "1s", SessionAffinity: &v1beta1.SessionAffinity{
			CookieName: "a", PrimaryCookieName: "b", MaxAge: 60, Domain: "c", Path: "/d", SameSite: "Lax", HTTPOnly: true, Secure: true, Partitioned: true}},
			router.Affinity{Cookie: "a", PrimaryCookie: "b", Age: time.Minute, PrimaryAge: 10 * time.Second,
				Domain: "c", Path: "/d", SameSite: "Lax", HTTPOnly: true, Secure: true, Partitioned: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, affinity(&tc.analysis)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
