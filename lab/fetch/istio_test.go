package fetch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The definitions come from the module by its version, the program from what go.mod says.
func TestIstiodAndItsDefinitionsAreOfOneVersion(t *testing.T) {
	module, err := os.ReadFile(filepath.Join("..", "tools", "istiod", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "istio.io/istio v" + istioVersion + " "; !strings.Contains(string(module), want) {
		t.Errorf("tools/istiod/go.mod does not require %q", want)
	}
}

func TestKeepDefinitions(t *testing.T) {
	const three = `# generated
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  labels: {app: x}
  name: first.example.com
spec:
  names: {kind: First}
---
metadata:
  name: second.example.com
---
metadata:
  name: third.example.com
`
	dir := t.TempDir()
	file := filepath.Join(t.TempDir(), "all.yaml")
	if err := os.WriteFile(file, []byte(three), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := keepDefinitions(file, []string{"first.example.com", "third.example.com"}, dir); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if got := strings.Join(names, " "); got != "first.example.com.yaml third.example.com.yaml" {
		t.Errorf("got %s", got)
	}
	first, err := os.ReadFile(filepath.Join(dir, "first.example.com.yaml"))
	if err != nil || !strings.Contains(string(first), "kind: First") || strings.Contains(string(first), "second") {
		t.Errorf("got %s (%v)", first, err)
	}
}
