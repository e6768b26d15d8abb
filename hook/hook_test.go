package hook

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestChecksum(t *testing.T) {
	sums := map[string]string{}
	for _, c := range []struct {
		name     string
		configs  map[string]string
		revision string
	}{
		{"nothing", nil, ""},
		{"no configs", nil, "5d4f"},
		{"an empty set of configs", map[string]string{}, "5d4f"},
		{"another revision", nil, "5d4e"},
		{"a config", map[string]string{"configmap/a": "1"}, "5d4f"},
		{"its content", map[string]string{"configmap/a": "2"}, "5d4f"},
		{"its name", map[string]string{"secret/a": "1"}, "5d4f"},
		{"two", map[string]string{"configmap/a": "1", "secret/a": "1"}, "5d4f"},
		{"names and contents do not run together", map[string]string{`configmap/a" "1" "secret/a`: "1"}, "5d4f"},
	} {
		sum := Checksum(c.configs, c.revision)
		if other, ok := sums[sum]; ok {
			t.Errorf("%q and %q have the same checksum %s", other, c.name, sum)
		}
		sums[sum] = c.name
		for range 20 {
			if again := Checksum(c.configs, c.revision); again != sum {
				t.Errorf("%q: %s, then %s", c.name, sum, again)
			}
		}
	}
	// Receivers keep checksums, so an upgrade must not change them.
	if got, want := Checksum(map[string]string{"configmap/a": "1", "secret/b": "2"}, "5d4f"), "4bd2eb17eb"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A receiver that decodes strictly must find nothing but the documented keys.
func TestPayloadKeys(t *testing.T) {
	body, err := json.Marshal(Payload{ID: "1", Metadata: map[string]string{"a": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]any
	if err := json.Unmarshal(body, &keys); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"name": "", "namespace": "", "phase": "", "checksum": "", "metadata": map[string]any{"a": "b"}}
	if diff := cmp.Diff(want, keys, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// The error of a malformed HTTPS_PROXY repeats it, credentials included.
func TestRedactHidesSecretsOfOthers(t *testing.T) {
	q, err := prepare(Hook{URL: "http://hook"}, Payload{})
	if err != nil {
		t.Fatal(err)
	}
	got := q.redact(`invalid proxy address "http://me:hunter2@proxy:port"`)
	if want := `invalid proxy address "http://[redacted]@proxy:port"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
