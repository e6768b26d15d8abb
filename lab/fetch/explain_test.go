package fetch

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	exit := errors.New("exit status 1")
	for _, c := range []struct {
		name     string
		said     []string
		registry bool
		want     string
	}{
		{"proxy refuses", []string{"go: x@v1: reading https://proxy/x: 403 Forbidden"}, true, "403 Forbidden"},
		{"no network", []string{"net", `go: x: Get "https://p": dial tcp: i/o timeout`}, true, "check the network"},
		{"apt has no server", []string{"W: Failed to fetch http://deb/x  Could not connect"}, true, "try again"},
		{"does not compile", []string{"pkg/a", "a.go:1: undefined: b"}, false, "undefined: b"},
		{"says nothing", nil, false, "exit status 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := explain("build x", c.said, exit)
			_, registry := errors.AsType[RegistryError](err)
			if registry != c.registry {
				t.Errorf("registry error: %v", registry)
			}
			if text := err.Error(); !strings.Contains(text, c.want) || !strings.HasPrefix(text, "build x: ") || strings.Contains(text, "\n") {
				t.Errorf("got %q", text)
			}
		})
	}
}

func TestPatchOfAnotherVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte("old text"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := Patch{File: "a.go", Edits: []Edit{{Old: "old", New: "new"}}}
	if err := good.apply(dir); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(filepath.Join(dir, "a.go")); string(data) != "new text" {
		t.Errorf("got %q", data)
	}
	if err := good.apply(dir); err == nil || !strings.Contains(err.Error(), "another version") {
		t.Errorf("a patch that does not fit: %v", err)
	}
}

func TestRequiredVersion(t *testing.T) {
	const mod = "module x\n\nrequire example.org/one v1.2.3\n\nrequire (\n\texample.org/one/nested v0.1.0 // indirect\n\texample.org/two/v2 v2.0.0-rc.1 // indirect\n)\n"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o600); err != nil {
		t.Fatal(err)
	}
	for module, want := range map[string]string{
		"example.org/one": "v1.2.3", "example.org/one/nested": "v0.1.0", "example.org/two/v2": "v2.0.0-rc.1",
	} {
		if got, err := required(dir, module); err != nil || got != want {
			t.Errorf("%s: got %q, %v", module, got, err)
		}
	}
	if _, err := required(dir, "example.org/two"); err == nil || !strings.Contains(err.Error(), "does not require it") {
		t.Errorf("a module that is not required: %v", err)
	}
}

func TestToolsAreFoundAndKeyed(t *testing.T) {
	seen := map[string]bool{}
	for _, tool := range Tools() {
		source, err := tool.source()
		if err != nil {
			t.Fatal(err)
		}
		key, err := tool.key(source)
		if err != nil {
			t.Fatal(err)
		}
		if seen[key] || !strings.HasPrefix(key, tool.Name+"-"+tool.Version+"-") {
			t.Errorf("key %s", key)
		}
		seen[key] = true
	}
	if _, err := FindTool("nothing"); err == nil {
		t.Error("a tool nobody has was found")
	}
}
