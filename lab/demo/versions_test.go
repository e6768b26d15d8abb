package demo

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
)

// The lab's own program shares what is compiled with the Kubernetes programs if the
// versions are the same (and the compiler's flags, see lab/fetch); with others, client-go
// and all below it are compiled twice, three minutes of processor time.
func TestVersionsAreThoseOfTheKubernetesPrograms(t *testing.T) {
	kubernetes := versions(t, "../tools/kubernetes/go.mod")
	own := versions(t, "../go.mod")
	for _, module := range slices.Sorted(maps.Keys(own)) {
		if want, shared := kubernetes[module]; shared && own[module] != want {
			t.Errorf("%s %s, the Kubernetes programs have %s", module, own[module], want)
		}
	}
}

func versions(t *testing.T, file string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^(?:require |\t)(\S+) (v\S+)(?: // indirect)?$`).FindAllStringSubmatch(string(data), -1) {
		found[m[1]] = m[2]
	}
	if len(found) == 0 {
		t.Fatalf("%s requires nothing", file)
	}
	return found
}
