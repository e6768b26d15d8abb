package controller

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/internal/golden"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// The manifests of the Gloo tutorial run as they are, and give the objects that they
// speak of: the user's VirtualService delegates to the RouteTable, and under A/B those
// who are no insiders are served, too.
func TestTutorialOfGloo(t *testing.T) {
	tutorial := func(name string) (object map[string]any) {
		text, err := os.ReadFile(filepath.Join("..", "api", "v1beta1", "testdata", "compat", "seed1-"+name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(text, &object); err != nil {
			t.Fatal(err)
		}
		return object
	}
	r := &reconciler{stock: newStock(router.Providers)}
	virtual := fmt.Sprint(tutorial("virtualservice"))
	for _, c := range []struct {
		name     string
		analysis any // in the place of the one in the file
		step     rollout.Route
	}{
		{"home", nil, rollout.Split(0)},
		{"step", nil, rollout.Split(rollout.Percent(5))},
		{"ab", tutorial("ab-analysis")["analysis"], rollout.Route{Canary: rollout.Full, Match: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			object := tutorial("canary-gloo")
			if c.analysis != nil {
				object["spec"].(map[string]any)["analysis"] = c.analysis
			}
			canary, err := v1beta1.Decode(object)
			if err != nil {
				t.Fatal(err)
			}
			plan, errs := v1beta1.Compile(canary, r.features(canary))
			if len(errs) > 0 || len(plan.Warnings) > 0 {
				t.Fatalf("refused: %v, warnings %q", errs.ToAggregate(), plan.Warnings)
			}
			planned := c.step.Canary == 0
			for _, step := range plan.Steps {
				planned = planned || step.Route == c.step
			}
			if !planned {
				t.Errorf("no step has the route %+v", c.step)
			}
			selector := workload.Options{Selector: workload.Selector{Key: "app", Value: "podinfo"}}
			service, err := serviceOf(canary, r.named(canary), selector, &workload.Pods{})
			if err != nil {
				t.Fatal(err)
			}
			objects, err := r.provider(canary).Render(service, c.step)
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			for _, object := range objects {
				fields, err := yaml.Marshal(object.Object)
				if err != nil {
					t.Fatal(err)
				}
				text.WriteString("---\n" + string(fields))
				if ref := fmt.Sprintf("map[name:%s namespace:%s]", object.GetName(), object.GetNamespace()); object.GetKind() == "RouteTable" && !strings.Contains(virtual, ref) {
					t.Errorf("the VirtualService does not delegate to %s", ref)
				}
			}
			golden.Equal(t, filepath.Join("testdata", "tutorial-gloo-"+c.name+".yaml"), []byte(text.String()))
		})
	}
}
