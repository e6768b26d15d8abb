package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every test that defects.md names is there, and so is its story or case: a row
// that points nowhere claims what nobody checks.
func TestDefects(t *testing.T) {
	named := regexp.MustCompile("`([a-z0-9/]+)\\.((?:Test|Fuzz)[A-Za-z0-9]+)(?:/([^`]+))?`")
	known := map[string]suite{}
	rows := named.FindAllStringSubmatch(string(read(t, "defects.md")), -1)
	for _, row := range rows {
		folder, function, name := row[1], row[2], row[3]
		if _, ok := known[folder]; !ok {
			known[folder] = suiteOf(t, folder)
		}
		literals, ok := known[folder][function]
		_, err := os.Stat(filepath.Join("..", folder, "testdata", name+".story"))
		switch told := function == "TestStories"; {
		case !ok:
			t.Errorf("there is no %s in the tests of %s", function, folder)
		case told && err != nil:
			t.Errorf("there is no story %s: %v", name, err)
		case !told && name != "" && !literals[name]:
			t.Errorf("%s.%s has no case %q", folder, function, name)
		}
	}
	if len(rows) < 100 {
		t.Errorf("only %d tests are named: the page is written in another form", len(rows))
	}
}

// A suite is the test functions of a folder, each with the texts in it, among
// which are the names of its cases.
type suite map[string]map[string]bool

func suiteOf(t *testing.T, folder string) suite {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
	if folder == "docs" {
		paths, err = filepath.Glob("*_test.go")
	}
	if err != nil || len(paths) == 0 {
		t.Fatalf("no tests in %s: %v", folder, err)
	}
	found := suite{}
	shared := map[string]bool{} // cases that a function of its own lists
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			function, ok := decl.(*ast.FuncDecl)
			switch {
			case !ok:
			case strings.HasPrefix(function.Name.Name, "Test"), strings.HasPrefix(function.Name.Name, "Fuzz"):
				found[function.Name.Name] = map[string]bool{}
				gather(function, found[function.Name.Name])
			default:
				gather(function, shared)
			}
		}
	}
	for _, texts := range found {
		for text := range shared {
			texts[text] = true
		}
	}
	return found
}

// gather adds every text of a function.
func gather(function *ast.FuncDecl, texts map[string]bool) {
	ast.Inspect(function, func(node ast.Node) bool {
		if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil {
				texts[text] = true
			}
		}
		return true
	})
}
