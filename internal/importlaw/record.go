package importlaw

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Recorded lists the modules for which a record in the folder gives a reason:
// every path in backquotes that names one.
func Recorded(folder string) ([]string, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.md"))
	if err != nil {
		return nil, fmt.Errorf("list records in %s: %w", folder, err)
	}
	quoted := regexp.MustCompile("`([a-z0-9-]+(?:\\.[a-z0-9-]+)+/[^` ]+)`")
	var modules []string
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read record: %w", err)
		}
		for _, match := range quoted.FindAllSubmatch(text, -1) {
			modules = append(modules, string(match[1]))
		}
	}
	return modules, nil
}

// Unexplained lists the imports from outside for which no recorded module
// stands, each path once.
func Unexplained(modules []string, imports []Import) []Import {
	var found []Import
	for _, use := range imports {
		first, _, _ := strings.Cut(use.Path, "/")
		outside := use.Name == "" && !use.Std && strings.Contains(first, ".") && first != "."
		known := anyHolds(modules, use.Path) || slices.ContainsFunc(found, func(f Import) bool { return f.Path == use.Path })
		if outside && !known {
			found = append(found, use)
		}
	}
	return found
}
