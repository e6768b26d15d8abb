package importlaw

import (
	"fmt"
	"slices"
	"strings"
)

// A Breach is an import that a law forbids.
type Breach struct {
	Import
	Law Law
}

// String is the line a person reads: where, what and why not.
func (b Breach) String() string {
	return fmt.Sprintf("%s: %s uses %s: %s", b.Pos, b.From, b.Import, b.Law.Why)
}

// Breaches lists every import that one of the laws forbids, in the order of
// the imports.
func Breaches(laws []Law, imports []Import) []Breach {
	var found []Breach
	for _, use := range imports {
		for _, law := range laws {
			if law.binds(use) && law.forbids(use) {
				found = append(found, Breach{use, law})
			}
		}
	}
	return found
}

func (l Law) binds(use Import) bool {
	if use.Test && !l.Tests || slices.Contains(use.With, l.Unless) {
		return false
	}
	return (len(l.Of) == 0 || anyHolds(l.Of, use.From)) && !anyHolds(l.Save, use.From)
}

func (l Law) forbids(use Import) bool {
	if len(l.Only) > 0 && use.Name == "" && !l.admits(use) {
		return true
	}
	if anyHolds(l.Even, use.Path) {
		return false
	}
	if use.Name == "" {
		return anyHolds(l.Never, use.Path)
	}
	return slices.Contains(l.Never, use.String())
}

func (l Law) admits(use Import) bool {
	ours := use.Path == use.From // by a test package
	return ours || use.Std && slices.Contains(l.Only, Std) || anyHolds(l.Only, use.Path)
}

func anyHolds(paths []string, p string) bool {
	return slices.ContainsFunc(paths, func(above string) bool { return holds(above, p) })
}

// holds reports whether p is the given path or below it.
func holds(above, p string) bool {
	return p == above || strings.HasPrefix(p, above+"/")
}
