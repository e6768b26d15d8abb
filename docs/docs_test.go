// Package docs_test reads the documentation as a user would: what it shows must
// work, and what it points to must be there. It knows files and links. It
// refuses to know whether a sentence is true.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
)

// Every Canary that is shown compiles to a plan with its provider, with no field left over.
func TestExamples(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	shown := 0
	for _, page := range pages(t) {
		for _, block := range blocks.FindAllSubmatch(read(t, page), -1) {
			var object map[string]any
			if err := yaml.UnmarshalStrict(block[1], &object); err != nil {
				t.Errorf("%s: %v in\n%s", page, err, block[1])
				continue
			}
			if object["kind"] != "Canary" {
				continue
			}
			shown++
			canary, err := v1beta1.Decode(object)
			if err != nil {
				t.Errorf("%s: %v", page, err)
			}
			plan, errs := v1beta1.Compile(canary, featuresOf(canary.Provider("gatewayapi:v1"), canary.Spec.RouteRef))
			if len(errs) > 0 || len(plan.Warnings) > 0 {
				t.Errorf("%s: %v, warnings %q in\n%s", page, errs.ToAggregate(), plan.Warnings, block[1])
			}
			if plan.Strategy == rollout.Canary && len(plan.Steps) < 2 {
				t.Errorf("%s: a canary without steps: %+v", page, plan.Steps)
			}
		}
	}
	if shown == 0 {
		t.Error("no page shows a Canary")
	}
}

func featuresOf(name string, ref *v1beta1.ObjectRef) v1beta1.Features {
	provider := router.Providers[name]
	if ref != nil {
		provider = provider.InPlace(router.Service{Route: router.Ref{GroupVersionKind: schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind), Name: ref.Name}})
	}
	caps := provider.Caps
	return v1beta1.Features{
		Edits: provider.Edits(), Borrowed: provider.Borrowed,
		Provider: name, Available: []string{name}, Routes: len(provider.Kinds) > 0, Members: caps.Members,
		Weight: caps.Weight, Mirror: caps.Mirror, Match: caps.Match, Scoped: caps.Scoped, Parents: caps.Parents, Whole: caps.Whole,
		Ingress: caps.Ingress, RouteRef: caps.RouteRef,
		Affinity: caps.Affinity, PrimaryCookie: caps.PrimaryCookie, Fields: provider.Fields,
	}
}

// Every link to a file of the repository leads there.
func TestLinks(t *testing.T) {
	links := regexp.MustCompile(`\]\(([^)#: ]+)(?:#[^)]*)?\)`)
	for _, page := range pages(t) {
		for _, link := range links.FindAllSubmatch(read(t, page), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), string(link[1]))); err != nil {
				t.Errorf("%s points to %s: %v", page, link[1], err)
			}
		}
	}
}

// Every make target that is named exists.
func TestTargets(t *testing.T) {
	makefile := "\n" + string(read(t, "../Makefile"))
	named := regexp.MustCompile("(?m)(?:^|`)make ([a-z0-9-]+)")
	for _, page := range pages(t) {
		for _, name := range named.FindAllSubmatch(read(t, page), -1) {
			if !strings.Contains(makefile, "\n"+string(name[1])+":") {
				t.Errorf("%s says make %s, and there is no such target", page, name[1])
			}
		}
	}
}

// pages are all Markdown files outside the lab's caches and tests' data.
func pages(t *testing.T) []string {
	t.Helper()
	var pages []string
	err := filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		switch base := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && (base == "testdata" || base == "bin" || len(base) > 2 && base[0] == '.'):
			return fs.SkipDir
		case filepath.Ext(name) == ".md":
			pages = append(pages, name)
		}
		return nil
	})
	if err != nil || len(pages) < 5 {
		t.Fatalf("pages %q: %v", pages, err)
	}
	return pages
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
