package habit

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/serinhq/serin/internal/source"
)

// A Lapse is one thing that should not be there.
type Lapse struct {
	Pos token.Position
	Why string
}

// String is the line a person reads.
func (l Lapse) String() string { return fmt.Sprintf("%s: %s", l.Pos, l.Why) }

// vague are the package names that say nothing.
var vague = []string{"util", "utils", "common", "types", "helper", "helpers", "manager", "factory", "misc", "base"}

// Lapses reads all Go files below root, which is the folder of the module.
func Lapses(root string) ([]Lapse, error) {
	files, err := source.Read(root)
	if err != nil {
		return nil, err
	}
	found := undescribed(files)
	for _, f := range files {
		name := f.Syntax.Name
		if slices.Contains(vague, name.Name) {
			found = append(found, Lapse{f.At(name.Pos()), "package " + name.Name + " names no domain"})
		}
		found = append(found, comments(f)...)
		ast.Inspect(f.Syntax, func(node ast.Node) bool {
			if why := judge(node, f.Test()); why != "" {
				found = append(found, Lapse{f.At(node.Pos()), why})
			}
			return true
		})
	}
	return found, nil
}

// judge says what is wrong with one node; "" for nothing. Tests may quote the
// errors of others.
func judge(node ast.Node, test bool) string {
	switch n := node.(type) {
	case *ast.FuncDecl:
		switch name := n.Name.Name; {
		case name == "init" && n.Recv == nil:
			return "init runs before anybody asked; write it where it is needed"
		case len(name) > 3 && strings.HasPrefix(name, "Get") && name[3] >= 'A' && name[3] <= 'Z':
			return name + " has a Get prefix; name what it returns"
		}
	case *ast.CallExpr:
		return skips(n)
	case *ast.BasicLit:
		if !test && n.Kind == token.STRING && strings.Contains(n.Value, "failed"+" to ") {
			return "an error says what was being done, not that it failed to"
		}
	}
	return ""
}

// skips finds t.Skip and its like, by the receiver's usual names.
func skips(call *ast.CallExpr) string {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, selector.Sel.Name) {
		return ""
	}
	if on, ok := selector.X.(*ast.Ident); ok && slices.Contains([]string{"t", "b", "f", "tb"}, on.Name) {
		return "a test that skips proves nothing; say what is missing and fail"
	}
	return ""
}

func comments(f source.File) []Lapse {
	var found []Lapse
	for _, group := range f.Syntax.Comments {
		for _, comment := range group.List {
			text := strings.TrimLeft(comment.Text, "/* ")
			for _, mark := range []string{"TODO", "FIXME", "XXX"} {
				if strings.HasPrefix(text, mark) {
					found = append(found, Lapse{f.At(comment.Pos()), mark + " belongs into the issue list"})
				}
			}
		}
	}
	return found
}

// undescribed finds packages whose files have no package comment.
func undescribed(files []source.File) []Lapse {
	described := map[string]bool{}
	for _, f := range files {
		described[f.Folder()] = described[f.Folder()] || f.Syntax.Doc != nil
	}
	var found []Lapse
	for _, f := range files {
		if !described[f.Folder()] {
			described[f.Folder()] = true // once
			found = append(found, Lapse{f.At(f.Syntax.Package), "package " + f.Syntax.Name.Name +
				" does not begin by saying what it knows and what it refuses to know"})
		}
	}
	return found
}
