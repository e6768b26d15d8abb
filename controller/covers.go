package controller

import (
	"encoding/json"
	"reflect"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// covers reports whether live has everything that want says, with the same
// values. Keys that want does not name belong to somebody else; lists are owned
// whole, so they must be as long. What is empty need not be stored.
func covers(live, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		fields, ok := live.(map[string]any)
		if !ok {
			return len(want) == 0 && live == nil
		}
		for key, value := range want {
			if !covers(fields[key], value) {
				return false
			}
		}
		return true
	case []any:
		items, ok := live.([]any)
		if !ok {
			return len(want) == 0 && live == nil
		}
		if len(items) != len(want) {
			return false
		}
		for i := range want {
			if !covers(items[i], want[i]) {
				return false
			}
		}
		return true
	default:
		return same(live, want)
	}
}

// whole is covers for objects in whose lists the API server has no defaults: there
// a key that want does not name is one that was applied before and has to go, such
// as the mirror of a step before.
func whole(live, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		fields, ok := live.(map[string]any)
		for key, value := range want {
			if !ok || !whole(fields[key], value) {
				return false
			}
		}
		return ok || len(want) == 0 && live == nil
	case []any:
		return covers(live, want) && covers(want, live)
	default:
		return same(live, want)
	}
}

// same compares leaves; a number is one whatever its Go type.
func same(a, b any) bool {
	x, numeric := number(a)
	y, also := number(b)
	if numeric && also {
		return x == y
	}
	return reflect.DeepEqual(a, b)
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int32:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	default:
		return 0, false
	}
}

// absent reports whether the interface holds a nil pointer.
func absent(object client.Object) bool {
	return object == nil || reflect.ValueOf(object).IsNil()
}
