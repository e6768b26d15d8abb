package docs_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAddingAProvider follows the page about it, one file and one line, in an overlay
// of the sources, and has the tests of all providers try the new one.
func TestAddingAProvider(t *testing.T) {
	page := string(read(t, "adding-a-provider.md"))
	blocks := regexp.MustCompile("(?s)   ```go\n(.*?)   ```").FindAllStringSubmatch(page, -1)
	if len(blocks) != 2 {
		t.Fatalf("the page has %d pieces of Go, want the file and the line", len(blocks))
	}
	file, line := unindented(blocks[0][1]), unindented(blocks[1][1])
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	const before = "var Providers = map[string]Provider{\n"
	sources := string(read(t, "../router/router.go"))
	if !strings.Contains(sources, before) {
		t.Fatal("the page speaks of a list that is not there")
	}
	dir := t.TempDir()
	replaced := map[string]string{}
	for name, text := range map[string]string{"toy.go": file, "router.go": strings.Replace(sources, before, before+line, 1)} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replaced[filepath.Join(root, "router", name)] = path
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := "^(TestProvidersRoundTrip|TestProvidersAreStable|TestProvidersKeepTheRest)$/^(toy)?$"
	cmd := exec.CommandContext(t.Context(), "go", "test", "-v", "-overlay", path, "-run", tests, "./router")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestProvidersRoundTrip/toy") {
		t.Errorf("%v\n%s", err, out)
	}
}

func unindented(block string) string {
	return regexp.MustCompile(`(?m)^   `).ReplaceAllString(block, "")
}
