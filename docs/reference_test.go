package docs_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/serinhq/serin/internal/source"
)

// Every key of annotations, labels and node selectors in the sources is in the
// reference, and the reference has no key of ours that the sources do not have.
func TestReferenceOfAnnotations(t *testing.T) {
	page := string(read(t, "reference/annotations.md"))
	keys := annotations(t)
	for _, key := range keys {
		if !strings.Contains(page, "| `"+key+"` |") {
			t.Errorf("the sources have the key %s, and reference/annotations.md does not", key)
		}
	}
	for _, match := range regexp.MustCompile("`(serin\\.dev/[a-z-]+)`").FindAllStringSubmatch(page, -1) {
		if !slices.Contains(keys, match[1]) {
			t.Errorf("reference/annotations.md has %s, and the sources do not", match[1])
		}
	}
	for _, one := range []string{"serin.dev/abort", "serin.dev/actor", "serin.dev/max-releases", "flagger.app/config-tracking"} {
		if !slices.Contains(keys, one) {
			t.Errorf("this test does not find %s any more", one)
		}
	}
}

// annotations are the keys in the sources: whole ones, those made of wishPrefix,
// and one for each verb.
func annotations(t *testing.T) []string {
	t.Helper()
	const prefix = "serin.dev/"
	key := regexp.MustCompile(`^([a-z0-9-]+\.)+(dev|app|sh|io)/[A-Za-z-]+$|^finalizer\.|^flagger-id$`)
	var keys []string
	each(t, []string{"api/", "controller/", "router/", "workload/", "rollout/"}, func(node ast.Node) {
		switch n := node.(type) {
		case *ast.BasicLit:
			if text := literal(n); key.MatchString(text) {
				keys = append(keys, text)
			}
		case *ast.BinaryExpr:
			if x, is := n.X.(*ast.Ident); is && x.Name == "wishPrefix" && literal(n.Y) != "" {
				keys = append(keys, prefix+literal(n.Y))
			}
		case *ast.ValueSpec:
			if kind, is := n.Type.(*ast.Ident); is && kind.Name == "Verb" {
				keys = append(keys, prefix+literal(n.Values[0]))
			}
		}
	})
	slices.Sort(keys)
	return slices.Compact(keys)
}

// Every remark of the controller and every warning of a plan is in the reference
// of the events. Those of package rollout are compared by its own test.
func TestReferenceOfRemarks(t *testing.T) {
	page := string(read(t, "reference/events.md"))
	gaps := regexp.MustCompile(`%(\[\d+\])?[a-z]|\n`)
	said := 0
	check := func(node ast.Node) {
		ast.Inspect(node, func(part ast.Node) bool {
			for _, words := range gaps.Split(literal(part), -1) {
				if words = strings.Trim(words, " .:;"); len(words) > 2 {
					said++
					if !strings.Contains(page, words) {
						t.Errorf("the sources say %q, and reference/events.md does not: add it to rollout/reference_test.go", words)
					}
				}
			}
			return true
		})
	}
	each(t, []string{"controller/", "api/v1beta1/"}, func(node ast.Node) {
		switch n := node.(type) {
		case *ast.CallExpr:
			if f, is := n.Fun.(*ast.SelectorExpr); is && f.Sel.Name == "note" && len(n.Args) > 0 && literal(n.Args[0]) != "" {
				check(n.Args[0])
			}
		case *ast.CompositeLit:
			if f, is := n.Type.(*ast.SelectorExpr); is && f.Sel.Name == "Report" {
				check(n)
			}
		case *ast.FuncDecl:
			if slices.Contains([]string{"adapt", "drifting", "claim", "copyConfig", "resolve"}, n.Name.Name) && n.Body != nil {
				check(n.Body)
			}
		}
	})
	if said < 20 {
		t.Errorf("this test finds %d remarks only", said)
	}
}

// each walks our Go files in some folders, without tests and imports.
func each(t *testing.T, folders []string, visit func(ast.Node)) {
	t.Helper()
	files, err := source.Read("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		in := func(folder string) bool { return strings.HasPrefix(file.Name, folder) }
		if file.Test() || !slices.ContainsFunc(folders, in) {
			continue
		}
		ast.Inspect(file.Syntax, func(node ast.Node) bool {
			if _, is := node.(*ast.ImportSpec); is || node == nil {
				return false
			}
			visit(node)
			return true
		})
	}
}

// literal is the text of a string; "" for anything else.
func literal(node ast.Node) string {
	n, is := node.(*ast.BasicLit)
	if !is || n.Kind != token.STRING {
		return ""
	}
	text, err := strconv.Unquote(n.Value)
	if err != nil {
		return ""
	}
	return text
}

// Every condition and every event of the reference is in the runbook, with what to
// do or among those that ask for nothing.
func TestRunbookIsComplete(t *testing.T) {
	runbook := string(read(t, "runbook.md"))
	conditions := string(read(t, "reference/conditions.md"))
	rows := 0
	for _, row := range regexp.MustCompile("(?m)^\\| (?:True|False|Unknown) \\| (\\w+) \\| `(.+?)` \\|").FindAllStringSubmatch(conditions, -1) {
		rows++
		if !regexp.MustCompile(`reason .*\b` + row[1] + `\b`).MatchString(runbook) {
			t.Errorf("the runbook does not have the reason %s of the conditions", row[1])
		}
		if row[1] == "Failed" && !strings.Contains(runbook, strings.ReplaceAll(row[2], "Deployment", "…")) {
			t.Errorf("the runbook does not have the message %q", row[2])
		}
	}
	for _, kind := range []string{"Promoted", "Accepted", "Ready", "Stalled"} {
		if !strings.Contains(runbook, "`"+kind) {
			t.Errorf("the runbook does not have the condition %s", kind)
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| (?:Normal|Warning)[^|]* \\| `(.+?)` \\|").FindAllStringSubmatch(string(read(t, "reference/events.md")), -1) {
		rows++
		if words := fixed(row[1]); !strings.Contains(runbook, words) {
			t.Errorf("the runbook does not have %q of the event %q: say what to do, or list it as harmless", words, row[1])
		}
	}
	if rows < 80 {
		t.Errorf("this test finds %d rows in the reference only", rows)
	}
}

// fixed is what an event is known by: of its parts between placeholders, numbers
// and punctuation the first of three words, else the longest.
func fixed(text string) string {
	best := ""
	for _, part := range regexp.MustCompile(`(-primary)?\.?[A-Z]{3,}(-primary)?|[0-9][0-9./]*(%|ms|s)?|[,:;(] `).Split(text, -1) {
		part = strings.Trim(part, " .:;,\"()")
		if len(strings.Fields(part)) > 2 {
			return part
		}
		if len(part) > len(best) {
			best = part
		}
	}
	return best
}
