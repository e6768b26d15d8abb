package integration

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/serinhq/serin/api/v1beta1"
)

// A kind that is installed under the operator is used from then on, and a field of
// the Canary for which an older version of it has no place is refused by its name
// until a newer one is there. Not parallel: all other tests need the kind.
func TestKindsAreInstalledUnderTheOperator(t *testing.T) {
	w := newWorld(t)
	gateway, err := exec.CommandContext(w.ctx, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	w.must(err)
	crd, err := readYAML(filepath.Join(strings.TrimSpace(string(gateway)), "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"))
	w.must(err)
	install := func(ctx context.Context, definition *unstructured.Unstructured) {
		t.Helper()
		if err := apply(ctx, plane.client, definition.DeepCopy()); err != nil { // the answer is written into it
			t.Fatal(err)
		}
		if err := established(ctx, plane.client, definition.GetName()); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { install(context.Background(), crd) })
	w.must(plane.client.Delete(w.ctx, crd.DeepCopy()))
	w.must(vanish(w.ctx, plane.client, crd))

	w.operate()
	w.push("app:1")
	w.canary(weighted)
	w.refuses(`spec.provider: Unsupported value: "gatewayapi:v1": choose one of the traffic providers at hand: `)
	older := crd.DeepCopy()
	older.Object = withoutCORS(older.Object).(map[string]any)
	install(w.ctx, older)
	w.phase("Initialized")

	w.edit(`[{"op": "add", "path": "/spec/service/corsPolicy", "value": {"allowOrigin": ["https://example.com"]}}]`)
	w.refuses("spec.service.corsPolicy: Forbidden: the routes of the provider gatewayapi:v1 have no field for it")
	install(w.ctx, crd)
	w.until("it to be taken", func(c *v1beta1.Canary) bool { return c.Status.Refused() == nil })
	w.reachesRoute(func(u *unstructured.Unstructured) bool {
		rules, _, err := unstructured.NestedSlice(u.Object, "spec", "rules")
		if err != nil || len(rules) == 0 {
			return false
		}
		filters, _, err := unstructured.NestedSlice(rules[0].(map[string]any), "filters")
		return err == nil && len(filters) == 1 && filters[0].(map[string]any)["type"] == "CORS"
	})
}

// withoutCORS is a schema as the standard channel had it before there was CORS.
func withoutCORS(of any) any {
	switch of := of.(type) {
	case map[string]any:
		kept := map[string]any{}
		for key, value := range of {
			if key != "cors" {
				kept[key] = withoutCORS(value)
			}
		}
		return kept
	case []any:
		var kept []any
		for _, item := range of {
			rule, _ := item.(map[string]any)
			text, _ := rule["rule"].(string)
			if item != "CORS" && !strings.Contains(text, "cors") && !strings.Contains(text, "CORS") {
				kept = append(kept, withoutCORS(item))
			}
		}
		return kept
	}
	return of
}
