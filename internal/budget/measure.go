package budget

import (
	"go/ast"
	"go/token"

	"github.com/serinhq/serin/internal/source"
)

// long measures the file and its functions.
func long(f source.File, limits Limits) []Excess {
	start := f.At(f.Syntax.Package)
	found := add(nil, Excess{start, "file", "lines", f.Lines, limits.File})
	ast.Inspect(f.Syntax, func(node ast.Node) bool {
		if function, ok := node.(*ast.FuncDecl); ok {
			first, last := f.At(function.Pos()), f.At(function.End())
			lines := last.Line - first.Line + 1
			found = add(found, Excess{first, "function " + function.Name.Name, "lines", lines, limits.Function})
		}
		return true
	})
	return found
}

// wide counts parameters and methods.
func wide(f source.File, limits Limits) []Excess {
	var found []Excess
	ast.Inspect(f.Syntax, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.FuncDecl:
			what := "function " + n.Name.Name
			found = add(found, Excess{f.At(n.Pos()), what, "parameters", n.Type.Params.NumFields(), limits.Parameters})
		case *ast.FuncLit:
			found = add(found, Excess{f.At(n.Pos()), "function literal", "parameters", n.Type.Params.NumFields(), limits.Parameters})
		case *ast.TypeSpec:
			if i, ok := n.Type.(*ast.InterfaceType); ok {
				what := "interface " + n.Name.Name
				found = add(found, Excess{f.At(n.Pos()), what, "methods", methods(i), limits.Methods})
			}
		}
		return true
	})
	return found
}

// methods counts the methods and embedded interfaces; a union of types is a
// constraint and counts for nothing.
func methods(i *ast.InterfaceType) int {
	n := 0
	for _, field := range i.Methods.List {
		if _, union := field.Type.(*ast.BinaryExpr); !union {
			n += max(1, len(field.Names))
		}
	}
	return n
}

// providers finds the files of the router that declare a value of its
// Providers map.
func providers(files []source.File) []source.File {
	names := map[string]bool{}
	var router, found []source.File
	for _, f := range files {
		if f.Folder() == "router" && !f.Test() {
			router = append(router, f)
			registered(f.Syntax, names)
		}
	}
	for _, f := range router {
		if declares(f.Syntax, names) {
			found = append(found, f)
		}
	}
	return found
}

// registered collects the identifiers on the right side of the literal
// var Providers = map[string]Provider{"name": value}; a call counts by its function.
func registered(file *ast.File, names map[string]bool) {
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Names) != 1 || spec.Names[0].Name != "Providers" || len(spec.Values) != 1 {
			return true
		}
		ast.Inspect(spec.Values[0], func(node ast.Node) bool {
			pair, ok := node.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			value := pair.Value
			if call, ok := value.(*ast.CallExpr); ok {
				value = call.Fun
			}
			if name, ok := value.(*ast.Ident); ok {
				names[name.Name] = true
			}
			return false
		})
		return false
	})
}

// declares reports whether the file declares one of the names at its top level,
// other than the map itself.
func declares(file *ast.File, names map[string]bool) bool {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && names[d.Name.Name] {
				return true
			}
		case *ast.GenDecl:
			if d.Tok == token.VAR && declaresValue(d, names) {
				return true
			}
		}
	}
	return false
}

func declaresValue(decl *ast.GenDecl, names map[string]bool) bool {
	for _, spec := range decl.Specs {
		for _, name := range spec.(*ast.ValueSpec).Names {
			if names[name.Name] {
				return true
			}
		}
	}
	return false
}
