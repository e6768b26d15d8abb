package source

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// A File is one parsed Go file.
type File struct {
	Name   string    // below the root, with slashes
	Lines  int       // all of them
	Code   int       // those that are neither blank nor only a comment
	Syntax *ast.File // with comments, without resolved objects
	set    *token.FileSet
}

// Folder is the folder of the file below the root; "" for the root itself.
func (f File) Folder() string { return strings.TrimPrefix(path.Dir(f.Name), ".") }

// Test reports whether the go command compiles the file for tests only.
func (f File) Test() bool { return strings.HasSuffix(f.Name, "_test.go") }

// At is the place of a node, with the file's name below the root.
func (f File) At(pos token.Pos) token.Position { return f.set.Position(pos) }

// Read parses all Go files below root, in the order of their names, without
// generated ones and without folders that the go command ignores. No file at
// all is an error: a wrong root must not look like a clean one.
func Read(root string) ([]File, error) {
	var all []File
	set := token.NewFileSet()
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != root && ignored(entry.Name()):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		below, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		file, err := parse(set, name, filepath.ToSlash(below))
		if err == nil && !ast.IsGenerated(file.Syntax) {
			all = append(all, file)
		}
		return err
	})
	if err == nil && len(all) == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("read Go files below %s: %w", root, err)
	}
	return all, nil
}

func parse(set *token.FileSet, name, below string) (File, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return File{}, err
	}
	syntax, err := parser.ParseFile(set, below, text, parser.ParseComments|parser.SkipObjectResolution)
	lines := strings.Count(string(text), "\n")
	return File{Name: below, Lines: lines, Code: code(string(text)), Syntax: syntax, set: set}, err
}

// code counts the lines that say something to the compiler. Block comments,
// which this code base has none of, count as code.
func code(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	return n
}

func ignored(folder string) bool {
	return folder == "testdata" || folder == "vendor" || folder == "bin" ||
		strings.HasPrefix(folder, ".") || strings.HasPrefix(folder, "_")
}
