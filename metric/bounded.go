package metric

import (
	"fmt"
	"regexp"
	"text/template"
	"text/template/parse"
)

// Templates are written by users and rendered by the operator, and text/template
// cannot be interrupted: a goroutine that is given up goes on for ever. So every
// round of a loop and every text that is made is counted, and the count ends both.
const (
	// queryLimit is the length of the longest template and of the longest query, in bytes.
	queryLimit = 64 << 10

	// stepLimit is the number of rounds of loops and of templates in templates.
	stepLimit = 1000

	// madeLimit is the length of all texts that functions make, in bytes.
	madeLimit = 1 << 20
)

// wide is a format that makes more of its values than they are.
var wide = regexp.MustCompile(`%[^a-zA-Z%]*(\*|[0-9]{4})`)

// bounds count what the rendering of one template costs.
type bounds struct {
	steps, bytes int
	broken       error // why it was ended
}

// step is called at the begin of every round.
func (b *bounds) step() (string, error) {
	if b.steps++; b.steps > stepLimit {
		b.broken = fmt.Errorf("the template takes more than %d rounds of range and template: range over less", stepLimit)
	}
	return "", b.broken
}

// charge counts texts that are about to be made or were.
func (b *bounds) charge(texts ...any) error {
	for _, text := range texts {
		switch text := text.(type) {
		case string:
			b.bytes += len(text)
		case map[string]string:
			for key, value := range text {
				b.bytes += len(key) + len(value)
			}
		}
	}
	if b.bytes > madeLimit {
		b.broken = fmt.Errorf("the template makes more than %d bytes of text: make it simpler", madeLimit)
	}
	return b.broken
}

// counted makes a function of text/template count its text.
func (b *bounds) counted(of func(...any) string) func(...any) (string, error) {
	return func(args ...any) (string, error) {
		if err := b.charge(args...); err != nil {
			return "", err
		}
		made := of(args...)
		return made, b.charge(made)
	}
}

// printf is that of text/template, with widths that a query can need.
func (b *bounds) printf(format string, args ...any) (string, error) {
	if wide.MatchString(format) {
		b.broken = fmt.Errorf("the format %.40q has a width that is * or above 999: give a smaller one", format)
		return "", b.broken
	}
	return b.counted(func(args ...any) string { return fmt.Sprintf(format, args...) })(args...)
}

// stepName is under which templates call step; users do not.
const stepName = "_step"

// functions are those of text/template that make texts, and step.
func (b *bounds) functions() template.FuncMap {
	return template.FuncMap{
		stepName: b.step, "printf": b.printf,
		"print": b.counted(fmt.Sprint), "println": b.counted(fmt.Sprintln),
		"html": b.counted(template.HTMLEscaper), "js": b.counted(template.JSEscaper), "urlquery": b.counted(template.URLQueryEscaper),
	}
}

// count makes every template of a query and every loop in it begin with a step.
func (b *bounds) count(parsed *template.Template) error {
	tick, err := template.New(stepName).Funcs(b.functions()).Parse("{{ " + stepName + " }}")
	if err != nil {
		return err
	}
	for _, t := range parsed.Templates() {
		if t.Tree != nil && t.Root != nil {
			begin(t.Root, tick.Root.Nodes[0])
			count(t.Root, tick.Root.Nodes[0])
		}
	}
	return nil
}

func begin(list *parse.ListNode, with parse.Node) {
	list.Nodes = append([]parse.Node{with}, list.Nodes...)
}

// count looks for the loops under a list, which may be none.
func count(list *parse.ListNode, tick parse.Node) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch node := node.(type) {
		case *parse.RangeNode:
			count(node.List, tick)
			count(node.ElseList, tick)
			begin(node.List, tick)
		case *parse.IfNode:
			count(node.List, tick)
			count(node.ElseList, tick)
		case *parse.WithNode:
			count(node.List, tick)
			count(node.ElseList, tick)
		}
	}
}
