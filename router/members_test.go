package router

import (
	"path/filepath"
	"testing"

	"github.com/serinhq/serin/internal/golden"
	"github.com/serinhq/serin/rollout"
)

func TestMembers(t *testing.T) {
	for _, c := range []struct {
		name                   string
		primary, canary, share int
		p, c                   int
	}{
		{"at home", 4, 4, 0, 4, 0},
		{"away", 4, 4, rollout.Full, 0, 4},
		{"no canary is ready", 4, 0, 500, 4, 0},
		{"no primary is ready", 0, 4, 500, 0, 4},
		{"exact", 4, 4, 200, 4, 1},
		{"half", 4, 4, 500, 4, 4},
		{"half of one", 1, 1, 500, 1, 1},
		{"less than a pod is a pod", 4, 4, 10, 4, 1},
		{"beyond half, primaries stand back", 4, 4, 800, 1, 4},
		{"never fewer than the primary has", 10, 2, 500, 8, 2},
		{"two thirds", 3, 3, 600, 2, 3},
		{"a small canary cannot fill up", 10, 1, 900, 9, 1},
		{"many", 100, 100, 100, 99, 11},
	} {
		t.Run(c.name, func(t *testing.T) {
			if p, n := Members(c.primary, c.canary, c.share); p != c.p || n != c.c {
				t.Errorf("%d primaries and %d canaries, want %d and %d", p, n, c.p, c.c)
			}
		})
	}
}

// TestMembersKeepCapacity tries all small numbers: nobody is asked for who is not
// there, there are never fewer pods than before, and more share never means fewer
// canaries in proportion.
func TestMembersKeepCapacity(t *testing.T) {
	for primary := range 12 {
		for canary := range 12 {
			before := -1.0
			for share := 0; share <= rollout.Full; share++ {
				p, c := Members(primary, canary, share)
				if p < 0 || c < 0 || p > primary || c > canary {
					t.Fatalf("%d and %d of %d and %d", p, c, primary, canary)
				}
				if share < rollout.Full && primary > 0 && p+c < primary {
					t.Fatalf("%d and %d pods for %d at %d", p, c, primary, share)
				}
				if p+c == 0 {
					continue
				}
				part := float64(c) / float64(p+c)
				if part < before {
					t.Fatalf("%d of %d and %d: the part falls to %g at %d", c, primary, canary, part, share)
				}
				before = part
			}
		}
	}
}

func TestSharedApex(t *testing.T) {
	apex, err := Shared(full(), Live{})
	if err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, filepath.Join("testdata/services", "shared.yaml"), document(t, "while pods of both sides stand behind the apex", []Object{apex}))
}
