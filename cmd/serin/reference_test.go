package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/klog/v2"

	"github.com/serinhq/serin/internal/golden"
)

// The reference of the flags says what -help says, and which variable of the
// environment is which flag.
func TestReferenceOfFlags(t *testing.T) {
	var s settings
	set := s.flags(io.Discard)
	libraries := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(libraries)

	var page strings.Builder
	page.WriteString("# Flags\n\nOf `serin controller`, with one dash or two. A variable of the environment that is not empty wins over its flag.\n" +
		"What is called accepted, or not available, is there so that the arguments of Flagger 1.44 start the operator or are refused by name.\n\n" +
		"Generated from the flags: `go test ./cmd/serin -update`.\n")
	page.WriteString("\n| Flag | Default | Meaning |\n|---|---|---|\n")
	set.VisitAll(func(f *flag.Flag) {
		if libraries.Lookup(f.Name) == nil {
			fmt.Fprintf(&page, "| `-%s` | %s | %s |\n", f.Name, initial(f), cell(f.Usage))
		}
	})
	page.WriteString("\n## Environment\n\n| Variable | Flag |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(s.environment())) {
		fmt.Fprintf(&page, "| `%s` | `-%s` |\n", name, bound(t, &s, set, name))
	}
	page.WriteString("\n## Of the Kubernetes libraries\n\nThey are accepted so that old arguments do not stop the operator. " +
		"What the libraries log goes the way of all logs; `-log-level` and `-zap-encoding` decide about it.\n\n| Flag | Meaning |\n|---|---|\n")
	// Without defaults: klog keeps values for the whole process, and other tests set some.
	libraries.VisitAll(func(f *flag.Flag) {
		fmt.Fprintf(&page, "| `-%s` | %s |\n", f.Name, cell(f.Usage))
		if set.Lookup(f.Name) == nil {
			t.Errorf("-%s is not accepted", f.Name)
		}
	})
	golden.Equal(t, filepath.Join("..", "..", "docs", "reference", "flags.md"), []byte(page.String()))
}

// bound finds the flag of a variable: the one that changes with it.
func bound(t *testing.T, s *settings, set *flag.FlagSet, variable string) (name string) {
	t.Helper()
	*s.environment()[variable] = "from " + variable
	set.VisitAll(func(f *flag.Flag) {
		if f.Value.String() == "from "+variable {
			name = f.Name
		}
	})
	if name == "" {
		t.Errorf("%s is no flag's", variable)
	}
	return name
}

func initial(f *flag.Flag) string {
	if f.DefValue == "" {
		return "none"
	}
	return "`" + f.DefValue + "`"
}

// cell is a text as it stands in a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`, "*", `\*`).Replace(strings.Join(strings.Fields(text), " "))
}
