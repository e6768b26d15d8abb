package controller

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		name, live, want string
		covers           bool
	}{
		{"equal", `{"a": 1, "b": "x"}`, `{"a": 1, "b": "x"}`, true},
		{"keys of others do not count", `{"a": 1, "others": true}`, `{"a": 1}`, true},
		{"a missing key does", `{"b": 1}`, `{"a": 1}`, false},
		{"another value", `{"a": 2}`, `{"a": 1}`, false},
		{"another type", `{"a": "1"}`, `{"a": 1}`, false},
		{"a map where a text is", `{"a": "x"}`, `{"a": {"b": 1}}`, false},
		{"a text where a map is", `{"a": {"b": 1}}`, `{"a": "x"}`, false},
		{"nested keys of others", `{"spec": {"a": {"b": 1, "others": 2}}}`, `{"spec": {"a": {"b": 1}}}`, true},
		{"nested difference", `{"spec": {"a": {"b": 2}}}`, `{"spec": {"a": {"b": 1}}}`, false},
		{"equal lists", `{"a": [1, 2]}`, `{"a": [1, 2]}`, true},
		{"order counts: rules are tried in order", `{"a": [2, 1]}`, `{"a": [1, 2]}`, false},
		{"a longer list has what nobody wants", `{"a": [1, 2, 3]}`, `{"a": [1, 2]}`, false},
		{"a shorter list", `{"a": [1]}`, `{"a": [1, 2]}`, false},
		{"a list of others", `{"a": [1]}`, `{}`, true},
		{"defaults in the entries of a list", `{"a": [{"name": "x", "weight": 1}]}`, `{"a": [{"name": "x"}]}`, true},
		{"an empty map that is not stored", `{}`, `{"a": {}}`, true},
		{"an empty list that is not stored", `{}`, `{"a": []}`, true},
		{"an empty list where an entry is", `{"a": [1]}`, `{"a": []}`, false},
		{"an empty map is no text", `{"a": "x"}`, `{"a": {}}`, false},
		{"an empty list is no text", `{"a": "x"}`, `{"a": []}`, false},
		{"an empty list is no map", `{"a": {"b": 1}}`, `{"a": []}`, false},
		{"null is absent", `{}`, `{"a": null}`, true},
		{"null is no zero", `{"a": 0}`, `{"a": null}`, false},
		{"zero is not absent", `{}`, `{"a": 0}`, false},
		{"false is not absent", `{}`, `{"a": false}`, false},
		{"empty text is not absent", `{}`, `{"a": ""}`, false},
		{"nothing live", `null`, `{"a": 1}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := covers(fromJSON(t, c.live), fromJSON(t, c.want)); got != c.covers {
				t.Errorf("covers(%s, %s) = %t", c.live, c.want, got)
			}
		})
	}
}

// Rendered objects hold the numbers of Go, cached ones those of a decoder.
func TestCoversComparesNumbersByValue(t *testing.T) {
	all := []any{8, int32(8), int64(8), float64(8), json.Number("8")}
	for _, live := range all {
		for _, want := range all {
			if !covers(live, want) {
				t.Errorf("%T does not cover %T", live, want)
			}
		}
		if covers(live, int64(9)) || covers(live, "8") || covers(live, true) {
			t.Errorf("%T covers what is not 8", live)
		}
	}
}

func fromJSON(t *testing.T, text string) (value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// Whatever an object is like, it covers itself, and goes on doing so when others
// add keys to it; otherwise it would be applied for ever.
func FuzzCoversItself(f *testing.F) {
	for _, seed := range []string{
		`{"kind": "Service", "spec": {"ports": [{"port": 80, "targetPort": "http"}], "clusterIP": null}}`,
		`{"spec": {"rules": [{"backendRefs": [{"weight": 80}, {"weight": 20}], "matches": []}]}, "labels": {}}`,
		`[1e400, -0.0, "", null, [[]], {"": {"": {}}}]`,
		`"text"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var want any
		if json.Unmarshal(text, &want) != nil {
			return
		}
		if !covers(want, want) {
			t.Errorf("does not cover itself: %s", text)
		}
		if !covers(exact(t, text), want) {
			t.Errorf("is not covered by the same text with numbers kept: %s", text)
		}
		if !covers(grown(want), want) {
			t.Errorf("is not covered once it has grown: %s", text)
		}
	})
}

// exact decodes without turning numbers into floats.
func exact(t *testing.T, text []byte) (value any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// grown returns a copy in which every map has one more key.
func grown(value any) any {
	switch value := value.(type) {
	case map[string]any:
		more, longest := map[string]any{}, ""
		for key, inner := range value {
			more[key] = grown(inner)
			longest = longer(longest, key)
		}
		more[longest+"others"] = strings.Repeat("x", len(value))
		return more
	case []any:
		more := make([]any, 0, len(value))
		for _, inner := range value {
			more = append(more, grown(inner))
		}
		return more
	default:
		return value
	}
}

func longer(a, b string) string {
	if len(b) > len(a) {
		return b
	}
	return a
}

func TestAbsent(t *testing.T) {
	var none *corev1.Service
	for reason, c := range map[string]struct {
		object client.Object
		want   bool
	}{
		"no object":             {nil, true},
		"a nil of a known type": {none, true},
		"an object":             {&corev1.Service{}, false},
	} {
		if got := absent(c.object); got != c.want {
			t.Errorf("%s: absent is %t", reason, got)
		}
	}
}
