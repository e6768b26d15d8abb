package importlaw

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"strconv"
	"strings"

	"github.com/serinhq/serin/internal/source"
)

// An Import is one use of a package by a file: the import itself, or a name
// of the imported package.
type Import struct {
	Pos  token.Position
	From string   // path of the importing package inside the module; "" for its root
	Path string   // what is imported; inside the module without the module's path
	Name string   // what is used of it; "" for the import itself
	Std  bool     // Path belongs to the standard library
	Test bool     // by a test file
	With []string // all that the file imports, as in Path; shared, read-only
}

// String is the path, with the name if there is one.
func (i Import) String() string {
	if i.Name == "" {
		return i.Path
	}
	return i.Path + "." + i.Name
}

// Read lists the imports of all Go files below root, which is the folder of
// the module. Generated files are left out.
func Read(root string) ([]Import, error) {
	files, err := source.Read(root)
	if err != nil {
		return nil, err
	}
	var all []Import
	for _, file := range files {
		found, err := ofFile(file)
		if err != nil {
			return nil, fmt.Errorf("read imports of %s: %w", file.Name, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

func ofFile(file source.File) ([]Import, error) {
	var with []string
	var all []Import
	local := map[string]Import{}
	for _, spec := range file.Syntax.Imports {
		full, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		with = append(with, inside(full))
		found := Import{
			Pos:  file.At(spec.Pos()),
			From: file.Folder(),
			Path: inside(full),
			Std:  standard(full),
			Test: file.Test(),
		}
		all = append(all, found)
		local[localName(spec, full)] = found
	}
	all = append(all, names(file, local)...)
	for i := range all {
		all[i].With = with
	}
	return all, nil
}

// names lists the uses of imported names: time.Now is more than an import of time.
func names(file source.File, local map[string]Import) []Import {
	var all []Import
	ast.Inspect(file.Syntax, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		left, ok := selector.X.(*ast.Ident)
		if !ok {
			return true
		}
		if use, ok := local[left.Name]; ok {
			use.Pos, use.Name = file.At(selector.Pos()), selector.Sel.Name
			all = append(all, use)
		}
		return true
	})
	return all
}

func inside(full string) string {
	if full == Module {
		return "."
	}
	return strings.TrimPrefix(full, Module+"/")
}

// standard holds for paths whose first element is no host name.
func standard(full string) bool {
	first, _, _ := strings.Cut(full, "/")
	return !strings.Contains(first, ".")
}

// localName is what the file calls the package. Without types it is the last
// element of the path, which is exact for the standard library.
func localName(spec *ast.ImportSpec, full string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	last := path.Base(full)
	if len(last) > 1 && last[0] == 'v' && strings.Trim(last[1:], "0123456789") == "" {
		return path.Base(path.Dir(full)) // math/rand/v2
	}
	return last
}
