package router

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// A backendList says where a kind has lists of backends.
type backendList struct {
	holders string // of the objects that have one, such as spec.rules[]: a name with brackets is a list of them
	path    string // in each of them
	single  string // beside it, one backend alone in its place; empty if there is no such thing
	wrap    string // the field of an entry that has what the single one has
}

// A serviceRef is where a backend names its Service. In the text the name may have
// something behind it, as in web.shop.svc.cluster.local.
type serviceRef struct {
	fields map[string]any
	key    string
	port   any
	unfit  string // why the canary cannot be named like this; empty if it can
}

// An openList is a list of backends while it is looked at and changed.
type openList struct {
	*Editor
	backendList
	service Service
	at      string // of the holder, such as spec.rules[0]
	holder  map[string]any
	before  []keptList // what was kept of all lists
	entries []any
	single  bool // it is to be one backend alone
	changed bool
}

// each visits the objects that have a list.
func (b backendList) each(object map[string]any, visit func(at string, holder map[string]any)) {
	holders(object, strings.Split(b.holders, "."), "", visit)
}

func holders(value any, path []string, at string, visit func(at string, holder map[string]any)) {
	fields, ok := value.(map[string]any)
	if !ok {
		return
	}
	if len(path) == 0 {
		visit(at, fields)
		return
	}
	name, many := strings.CutSuffix(path[0], "[]")
	at = strings.TrimPrefix(at+"."+name, ".")
	if !many {
		holders(fields[name], path[1:], at, visit)
		return
	}
	items, ok := fields[name].([]any)
	for i := 0; ok && i < len(items); i++ {
		holders(items[i], path[1:], fmt.Sprintf("%s[%d]", at, i), visit)
	}
}

// read fills the entries; false if there are none.
func (l *openList) read() bool {
	if l.backendList.single != "" {
		if one, ok := l.holder[l.backendList.single].(map[string]any); ok {
			l.single, l.entries = true, []any{map[string]any{l.wrap: one}}
			return true
		}
	}
	value, found, err := unstructured.NestedFieldNoCopy(l.holder, strings.Split(l.path, ".")...)
	list, ok := value.([]any)
	l.entries = list
	return found && err == nil && ok
}

// put writes the entries into the object if they were changed.
func (l *openList) put() {
	path := strings.Split(l.path, ".")
	switch {
	case !l.changed:
	case l.single:
		unstructured.RemoveNestedField(l.holder, path[0])
		l.holder[l.backendList.single] = l.entries[0].(map[string]any)[l.wrap]
	default:
		delete(l.holder, l.backendList.single)
		at := l.holder
		for _, name := range path[:len(path)-1] {
			next, ok := at[name].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[name] = next
			}
			at = next
		}
		at[path[len(path)-1]] = l.entries
	}
}

// leads reports whether a backend names the apex.
func (l *openList) leads() bool {
	for _, entry := range l.entries {
		if l.names(entry, l.service.Name) {
			return true
		}
	}
	return false
}

// names reports whether a backend that takes part in the division is a Service.
func (l *openList) names(entry any, name string) bool {
	backend, ok := entry.(map[string]any)
	if !ok || !l.counts(backend) {
		return false
	}
	ref, ok := l.Editor.service(backend, l.service.Namespace)
	if !ok {
		return false
	}
	text, ok := ref.fields[ref.key].(string)
	host, domain, _ := strings.Cut(text, ".")
	home := l.service.Namespace
	local := domain == "" || domain == home || domain == home+".svc" || strings.HasPrefix(domain, home+".svc.")
	return ok && host == name && local
}

// counts reports whether a backend takes part in the division.
func (l *openList) counts(backend map[string]any) bool { return backend[l.copies] != true }

// renamed is a copy of a backend that names another Service in the same way.
func (l *openList) renamed(entry any, name string) map[string]any {
	twin := runtime.DeepCopyJSON(entry.(map[string]any))
	ref, ok := l.Editor.service(twin, l.service.Namespace)
	if text, named := ref.fields[ref.key].(string); ok && named {
		_, domain, dotted := strings.Cut(text, ".")
		if ref.fields[ref.key] = name; dotted {
			ref.fields[ref.key] = name + "." + domain
		}
	}
	return twin
}

// home is the place of the apex of which a backend is the canary; none is -1. Somebody's
// own way to the canary has none. While the object is divided the two may differ in what
// people changed in one of them alone.
func (l *openList) home(at int) int {
	if !l.names(l.entries[at], l.service.CanaryName()) {
		return -1
	}
	near, twin := -1, weightless(l.renamed(l.entries[at], l.service.Name))
	for i, other := range l.entries {
		if !l.names(other, l.service.Name) {
			continue
		}
		if reflect.DeepEqual(weightless(other.(map[string]any)), twin) {
			return i
		}
		if len(l.before) > 0 && (near < 0 || i < at) {
			near = i
		}
	}
	return near
}

// alone reports whether a backend is the canary of an apex that is not named, as it has
// no traffic.
func (l *openList) alone(at int) bool {
	return l.sparing && l.names(l.entries[at], l.service.CanaryName()) && l.home(at) < 0 &&
		slices.ContainsFunc(l.before, func(list keptList) bool { return list.At == l.at })
}

// restore puts the two ends of a division together again. Weights are as they were if
// they divide as those that are there; else somebody has changed them since.
func (l *openList) restore() {
	shares := map[int]int64{} // of the canary, by the place of its apex
	for i := range l.entries {
		if home := l.home(i); home >= 0 {
			shares[home] += l.weight(i)
		}
	}
	var whole []any
	for i, entry := range l.entries {
		share, divided := shares[i]
		switch {
		case divided:
			entry = weighing(entry, new(l.weight(i)+share))
		case l.home(i) >= 0:
			l.changed = true
			continue
		case l.alone(i):
			l.changed = true
			entry = l.renamed(entry, l.service.Name)
		}
		whole = append(whole, entry)
	}
	if !l.changed {
		return
	}
	l.entries = whole
	for _, near := range []bool{true, false} { // people may have put rules before it
		for _, list := range l.before {
			if (list.At == l.at) == near && l.fits(list.Weights) {
				l.reweigh(list)
				return
			}
		}
	}
}
