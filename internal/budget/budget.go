package budget

import (
	"fmt"
	"go/token"
	"path"
	"slices"

	"github.com/serinhq/serin/internal/source"
)

// Limits are the highest numbers allowed.
type Limits struct {
	File       int // lines of a file, all of them: it is scrolled through
	Function   int // lines of a function, from its name to its last brace
	Parameters int // of a function
	Methods    int // of an interface; an embedded one counts as one

	// Package and Provider count lines of code: nobody should delete an
	// explanation to keep within them. Words are data, so that words.go counts
	// for nothing.
	Package  map[string]int // of a package, by folder
	Provider int            // of a file that declares a value of router.Providers
}

// House are the limits of this code base.
var House = Limits{
	File:       400,
	Function:   60,
	Parameters: 5,
	Methods:    4,
	Package:    map[string]int{"rollout": 1300},
	Provider:   150,
}

// An Excess is a number above its limit.
type Excess struct {
	Pos        token.Position
	What       string // for example: function Next
	Unit       string // for example: lines
	Got, Limit int
}

// String is the line a person reads.
func (e Excess) String() string {
	return fmt.Sprintf("%s: %s has %d %s, the limit is %d", e.Pos, e.What, e.Got, e.Unit, e.Limit)
}

// Excesses measures all Go files below root, which is the folder of the module.
func Excesses(root string, limits Limits) ([]Excess, error) {
	files, err := source.Read(root)
	if err != nil {
		return nil, err
	}
	var found []Excess
	code := map[string]int{}
	for _, f := range files {
		if f.Test() {
			continue
		}
		if path.Base(f.Name) != "words.go" {
			code[f.Folder()] += f.Code
		}
		found = slices.Concat(found, long(f, limits), wide(f, limits))
	}
	for _, f := range providers(files) {
		where := f.At(f.Syntax.Package)
		found = add(found, Excess{where, "provider " + f.Name, "lines of code", f.Code, limits.Provider})
	}
	for folder, limit := range limits.Package {
		where := token.Position{Filename: folder}
		found = add(found, Excess{where, "package " + path.Base(folder), "lines of code", code[folder], limit})
	}
	return found, nil
}

func add(found []Excess, e Excess) []Excess {
	if e.Got > e.Limit {
		return append(found, e)
	}
	return found
}
