package integration

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
)

// A gateway whose class says what it can do, and not that it copies requests, gets no
// route that copies them. It does once the class has learnt it, and where nobody knows the
// class, nobody is refused.
func TestMirroringIsRefusedByTheClassOfTheGateway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	class := "class-" + w.namespace // of the cluster, beside those of other tests
	w.must(apply(w.ctx, plane.client, w.parse(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public}
spec:
  gatewayClassName: `+class+`
  listeners: [{name: http, port: 80, protocol: HTTP}]
`)))
	object := w.parse("{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: " + class + "}, spec: {controllerName: example.com/gateways}}")
	object.SetNamespace("")
	w.must(apply(w.ctx, plane.client, object.DeepCopy()))
	t.Cleanup(func() {
		if err := plane.client.Delete(context.Background(), object.DeepCopy()); err != nil {
			t.Error(err)
		}
	})
	can := func(features ...string) {
		t.Helper()
		list := []map[string]string{}
		for _, feature := range features {
			list = append(list, map[string]string{"name": feature})
		}
		status, err := json.Marshal(map[string]any{"status": map[string]any{"supportedFeatures": list}})
		w.must(err)
		w.must(plane.client.Status().Patch(w.ctx, object.DeepCopy(), client.RawPatch(types.MergePatchType, status)))
	}
	taken := func() {
		t.Helper()
		w.until("it to be taken", func(c *v1beta1.Canary) bool { return c.Status.Phase == "Initialized" && c.Status.Refused() == nil })
	}

	can("HTTPRouteMethodMatching")
	w.operate()
	w.push("app:1")
	w.canary(weighted + "mirror: true\nmirrorWeight: 50\n")
	w.refuses("spec.analysis.mirror: Forbidden: GatewayClass " + class + ", of spec.service.gatewayRefs, does not list HTTPRouteRequestMirror")
	if w.deployment("podinfo-primary") != nil {
		t.Error("the Canary that is refused has a primary")
	}
	can("HTTPRouteMethodMatching", "HTTPRouteRequestMirror")
	w.refuses("spec.analysis.mirrorWeight: Forbidden: GatewayClass " + class)
	can("HTTPRouteMethodMatching", "HTTPRouteRequestMirror", "HTTPRouteRequestPercentageMirror")
	taken()

	can("HTTPRouteMethodMatching")
	w.refuses("spec.analysis.mirror: Forbidden")
	w.must(plane.client.Delete(w.ctx, w.parse("{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: public}}")))
	taken()
}

// An operator without the right to read classes refuses nobody and asks only once.
func TestClassesThatMayNotBeReadRefuseNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limit()
	w.begin(weighted + "mirror: true\n")
	w.push("app:2")
	w.phase("Succeeded")
	if said := strings.Count(w.log.String(), "What gateways support is not asked before the next start"); said != 1 {
		t.Errorf("it was said %d times, want once", said)
	}
}
