package e2e

import (
	"context"
	"os"
	"testing"

	"github.com/serinhq/serin/lab/cluster"
	"github.com/serinhq/serin/lab/demo"
)

// The story of the demo: a good release promoted step by step with the share
// that was asked for, two bad ones undone, and no request lost on the way.
func TestReleasesUnderTraffic(t *testing.T) {
	story := demo.Tale()
	rows, err := demo.Play(t.Context(), story, raise(t, "e2e-story"), os.Stdout)
	if err != nil {
		t.Fatal(err)
	}
	if !story.AsExpected(rows) {
		for _, row := range rows {
			for _, fault := range row.Faults() {
				t.Errorf("%s: %s", row.Act.Name, fault)
			}
		}
	}
}

// raise starts a lab with Serin's image in it.
func raise(t *testing.T, name string) demo.Site {
	t.Helper()
	return raiseWith(t, cluster.Options{Name: name, Kubectl: true})
}

func raiseWith(t *testing.T, options cluster.Options) demo.Site {
	t.Helper()
	stage, err := demo.LabOf(options)
	if err != nil {
		t.Fatal(err)
	}
	site, err := stage.Raise(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stage.Strike(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return site
}
