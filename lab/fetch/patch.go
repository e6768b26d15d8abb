package fetch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// Patch is a change of a module without which it does not compile with the versions that
// all tools share. Go replaces no single file of a module, so a copy of the module is
// changed and takes its place.
type Patch struct {
	Module string
	Why    string
	File   string // in the module
	Edits  []Edit
}

// Edit replaces each Old by New; with an empty Old, New is the whole of a new file.
type Edit struct{ Old, New string }

// contourPatches let Contour 1.33 compile with client-go 0.36. The price of its own
// version would be to compile client-go and all of the API twice: over a minute.
func contourPatches() []Patch {
	const module = "github.com/projectcontour/contour"
	const why = "client-go 0.36 changed a small counter, which Contour 1.33 uses by its fields"
	return []Patch{
		{Module: module, Why: why, File: "internal/contour/handler.go", Edits: []Edit{
			{Old: "\t\"k8s.io/client-go/tools/cache/synctrack\"\n"},
			{Old: "synctrack.SingleFileTracker", New: "singleFileTracker"},
		}},
		{Module: module, Why: why, File: "internal/contour/tracker.go", Edits: []Edit{{New: `package contour

import "sync/atomic"

type singleFileTracker struct {
	UpstreamHasSynced func() bool
	count             atomic.Int64
}

func (t *singleFileTracker) Start()          { t.count.Add(1) }
func (t *singleFileTracker) Finished()       { t.count.Add(-1) }
func (t *singleFileTracker) HasSynced() bool { return t.UpstreamHasSynced() && t.count.Load() <= 0 }
`}}},
	}
}

// patched makes, under work, a copy of the tool's module whose patched dependencies are
// replaced.
func (t Tool) patched(ctx context.Context, source, work string, note Note) (string, error) {
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return "", fmt.Errorf("copy the module of %s: %w", t.Name, err)
		}
		if err := os.WriteFile(filepath.Join(work, name), data, 0o644); err != nil {
			return "", fmt.Errorf("copy the module of %s: %w", t.Name, err)
		}
	}
	copied := map[string]string{}
	for _, patch := range t.Patches {
		if copied[patch.Module] == "" {
			dir := filepath.Join(work, fmt.Sprintf("module%d", len(copied)))
			if err := replaceModule(ctx, patch.Module, dir, note); err != nil {
				return "", err
			}
			copied[patch.Module] = dir
		}
		if err := patch.apply(copied[patch.Module]); err != nil {
			return "", err
		}
	}
	return work, nil
}

// replaceModule copies the source of a module that work requires to dir, and makes work use it.
func replaceModule(ctx context.Context, module, dir string, note Note) error {
	work := filepath.Dir(dir)
	version, err := required(work, module)
	if err != nil {
		return err
	}
	original, err := moduleOf(ctx, work, module+"@"+version, note)
	if err != nil {
		return err
	}
	if err := copySource(original, dir); err != nil {
		return fmt.Errorf("copy the module %s: %w", module, err)
	}
	replace := module + "=./" + filepath.Base(dir)
	if said, err := runGo(ctx, work, []string{"mod", "edit", "-replace", replace}, io.Discard, func(string) {}); err != nil {
		return explain("replace the module "+module, said, err)
	}
	return nil
}

// required is the version of a module that the go.mod of work names. Go itself would first
// load the modules of all modules, of which a patch may be there to be rid.
func required(work, module string) (string, error) {
	data, err := os.ReadFile(filepath.Join(work, "go.mod"))
	if err != nil {
		return "", fmt.Errorf("look for the version of %s: %w", module, err)
	}
	found := regexp.MustCompile(`(?m)^(?:require|\t)\s*` + regexp.QuoteMeta(module) + ` (v\S+)`).FindSubmatch(data)
	if found == nil {
		return "", fmt.Errorf("patch %s: the tool's go.mod does not require it: correct the patch's module", module)
	}
	return string(found[1]), nil
}

// copySource copies what a build may need, and leaves sites, pictures and tests out.
func copySource(from, to string) error {
	skip := []string{"site", "changelogs", "design", "docs", "test", "hack", "examples"}
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if slices.Contains(skip, relative) {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, relative), 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, relative), data, 0o644)
	})
}

func (p Patch) apply(dir string) error {
	file := filepath.Join(dir, p.File)
	for _, edit := range p.Edits {
		content := []byte(edit.New)
		if edit.Old != "" {
			data, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("patch %s: %w", p.File, err)
			}
			if !bytes.Contains(data, []byte(edit.Old)) {
				return fmt.Errorf("patch %s: it does not hold %q, so the patch is for another version", p.File, edit.Old)
			}
			content = bytes.ReplaceAll(data, []byte(edit.Old), []byte(edit.New))
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			return fmt.Errorf("patch %s: %w", p.File, err)
		}
	}
	return nil
}

// text is what of a patch goes into the key of the cache.
func (p Patch) text() []byte { return fmt.Appendf(nil, "%v", p) }
