package integration

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// An edit is what somebody does to an object; it reports whether there was anything to do.
type edit struct {
	name string
	do   func(object *unstructured.Unstructured) bool
}

func edits() []edit {
	return []edit{
		{"weights moved", func(u *unstructured.Unstructured) bool { return moveWeights(u.Object["spec"]) || moveAnnotations(u) }},
		{"an entry removed", func(u *unstructured.Unstructured) bool {
			return changeList(u.Object["spec"], func(list []any) []any { return list[:len(list)-1] })
		}},
		{"an entry added", func(u *unstructured.Unstructured) bool {
			return changeList(u.Object["spec"], func(list []any) []any { return append(slices.Clone(list), stranger(list[0])) })
		}},
		{"the list replaced", func(u *unstructured.Unstructured) bool {
			return changeList(u.Object["spec"], func(list []any) []any { return []any{stranger(list[0])} })
		}},
		{"a setting added in a list", addSetting},
		{"cookies of somebody else", func(u *unstructured.Unstructured) bool {
			u.Object["spec"] = exchanged(u.Object["spec"], "side=", "side=stolen")
			return true
		}},
		{"cookies not given", func(u *unstructured.Unstructured) bool { return dropCookies(u.Object["spec"]) }},
		{"led elsewhere", func(u *unstructured.Unstructured) bool {
			u.Object["spec"] = stranger(u.Object["spec"])
			return true
		}},
		{"metadata removed", func(u *unstructured.Unstructured) bool {
			had := len(u.GetLabels())+len(u.GetAnnotations()) > 0
			u.SetLabels(nil)
			u.SetAnnotations(map[string]string{"example.com/kept": "yes"})
			return had
		}},
		{"replaced without what is ours", func(u *unstructured.Unstructured) bool {
			u.SetLabels(nil)
			u.SetAnnotations(nil)
			u.SetManagedFields(nil)
			moveWeights(u.Object["spec"])
			return true
		}},
	}
}

// moveWeights turns all weights around.
func moveWeights(value any) bool {
	moved := false
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			if weight, ok := inner.(int64); ok && key == "weight" {
				value[key], moved = 100-weight, true
				continue
			}
			if text, ok := inner.(string); ok && key == "weight" { // a quantity
				value[key], moved = map[string]string{"0": "100", "20": "80", "80": "20", "100": "0"}[text], true
				continue
			}
			moved = moveWeights(inner) || moved
		}
	case []any:
		for _, inner := range value {
			moved = moveWeights(inner) || moved
		}
	}
	return moved
}

// moveAnnotations does so for those who keep weights there.
func moveAnnotations(u *unstructured.Unstructured) bool {
	annotations, moved := u.GetAnnotations(), false
	for key := range annotations {
		switch {
		case strings.HasSuffix(key, "canary-weight"):
			annotations[key], moved = "77", true
		case strings.HasSuffix(key, "backend-weights"):
			annotations[key], moved = strings.ReplaceAll(annotations[key], "0", "3"), true
		}
	}
	u.SetAnnotations(annotations)
	return moved
}

// changeList changes the first list, the deepest of it, that leads to the sides of a release.
func changeList(value any, change func([]any) []any) bool {
	fields, ok := value.(map[string]any)
	if !ok {
		return false
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		switch inner := fields[key].(type) {
		case map[string]any:
			if changeList(inner, change) {
				return true
			}
		case []any:
			for _, entry := range inner {
				if changeList(entry, change) {
					return true
				}
			}
			text, err := json.Marshal(inner)
			if err == nil && len(inner) > 0 && strings.Contains(string(text), "-primary") {
				fields[key] = change(inner)
				return true
			}
		}
	}
	return false
}

// stranger is an entry of a list that leads to somebody else.
func stranger(entry any) any {
	return exchanged(entry, "-primary", "-stranger", "-canary", "-stranger")
}

// exchanged is a value in which texts are replaced by others.
func exchanged(value any, pairs ...string) any {
	text, err := json.Marshal(value)
	if err != nil {
		return value
	}
	changed := strings.NewReplacer(pairs...).Replace(string(text))
	if changed == string(text) {
		return value
	}
	var other any
	if err := json.Unmarshal([]byte(changed), &other); err != nil {
		return value
	}
	return digits(other)
}

// dropCookies takes away what sets cookies.
func dropCookies(value any) bool {
	dropped := false
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			if text, err := json.Marshal(inner); err == nil && (key == "filters" || key == "headers") && strings.Contains(string(text), "Set-Cookie") {
				delete(value, key)
				dropped = true
				continue
			}
			dropped = dropCookies(inner) || dropped
		}
	case []any:
		for _, inner := range value {
			dropped = dropCookies(inner) || dropped
		}
	}
	return dropped
}

// digits gives numbers back the form that objects have them in.
func digits(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			value[key] = digits(inner)
		}
	case []any:
		for i, inner := range value {
			value[i] = digits(inner)
		}
	case float64:
		return int64(value)
	}
	return value
}

// addSetting gives the first entry of a list a setting that was not rendered there, if
// one is known that changes what happens to requests.
func addSetting(u *unstructured.Unstructured) bool {
	for _, c := range []struct {
		kind, list, field string
		value             any
	}{
		{"HTTPRoute", "rules", "timeouts", map[string]any{"request": "1ms"}},
		{"VirtualService", "http", "fault", map[string]any{"abort": map[string]any{"httpStatus": int64(500), "percentage": map[string]any{"value": int64(100)}}}},
		{"HTTPProxy", "routes", "permitInsecure", true},
		{"RouteTable", "routes", "options", map[string]any{"timeout": "1s"}},
	} {
		list, _, _ := unstructured.NestedSlice(u.Object, "spec", c.list)
		if u.GetKind() != c.kind || len(list) == 0 {
			continue
		}
		list[0].(map[string]any)[c.field] = c.value
		return unstructured.SetNestedSlice(u.Object, list, "spec", c.list) == nil
	}
	return false
}

// keep puts into an object what is nobody's but somebody else's.
func keep(u *unstructured.Unstructured) bool {
	labels, annotations := u.GetLabels(), u.GetAnnotations()
	if labels == nil {
		labels = map[string]string{}
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	labels[foreign], annotations[foreign] = "yes", "yes"
	u.SetLabels(labels)
	u.SetAnnotations(annotations)
	spec := u.Object["spec"].(map[string]any)
	switch u.GetKind() {
	case "DestinationRule":
		spec["exportTo"] = []any{"."}
	case "TraefikService":
		if weighted, ok := spec["weighted"].(map[string]any); ok {
			weighted["sticky"] = map[string]any{"cookie": map[string]any{"name": "side"}}
		}
	}
	return true
}

const foreign = "example.com/foreign"
