package router

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestRefusal(t *testing.T) {
	for _, tt := range []struct{ name, object, want string }{
		{"nothing said", `{apiVersion: v1, kind: HTTPRoute, metadata: {name: web}}`, ""},
		{"a gateway that takes it", `{apiVersion: v1, kind: HTTPRoute, metadata: {name: web, generation: 3}, status: {parents: [{conditions: [
			{type: Accepted, status: "True", observedGeneration: 3}, {type: PartiallyInvalid, status: "False", observedGeneration: 3}]}]}}`, ""},
		{"one of two gateways that does not", `{apiVersion: v1, kind: HTTPRoute, metadata: {name: web, generation: 3}, status: {parents: [
			{conditions: [{type: Accepted, status: "True", observedGeneration: 3}]},
			{conditions: [{type: Accepted, status: "False", observedGeneration: 3, reason: NotAllowedByListeners, message: the listener takes routes of its own namespace}]}]}}`,
			"HTTPRoute web: Accepted is False (NotAllowedByListeners): the listener takes routes of its own namespace"},
		{"what it said of a former generation", `{apiVersion: v1, kind: HTTPRoute, metadata: {name: web, generation: 3}, status: {parents: [{conditions: [
			{type: ResolvedRefs, status: "False", observedGeneration: 2, reason: BackendNotFound}]}]}}`, ""},
		{"an HTTPProxy with its errors", `{apiVersion: v1, kind: HTTPProxy, metadata: {name: web, generation: 1}, status: {currentStatus: invalid, description: see Errors, conditions: [
			{type: Valid, status: "False", observedGeneration: 1, reason: ErrorPresent, message: "At least one error present, see Errors for details",
			errors: [{type: ServiceError, status: "True", reason: ServiceUnresolvedReference, message: service web-canary was not found}]}]}}`,
			"HTTPProxy web: Valid is False (ServiceUnresolvedReference): service web-canary was not found"},
		{"a RouteTable", `{apiVersion: v1, kind: RouteTable, metadata: {name: web}, status: {statuses: {gloo-system: {state: Rejected, reason: no such upstream}}}}`,
			"RouteTable web: no such upstream"},
		{"a RouteTable of an older Gloo", `{apiVersion: v1, kind: RouteTable, metadata: {name: web}, status: {state: 2, reason: no such upstream}}`, "RouteTable web: no such upstream"},
		{"a status of another shape", `{apiVersion: v1, kind: HTTPRoute, metadata: {name: web}, status: {conditions: none}}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var object Object
			text, err := yaml.YAMLToJSON([]byte(strings.ReplaceAll(tt.object, "\t", " ")))
			if err == nil {
				err = object.UnmarshalJSON(text) // numbers as the API server's
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := Refusal([]Object{object}); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	long := brief(strings.Repeat("\u00e4", 1000))
	if len(long) > 310 || !strings.HasSuffix(long, "\u00e4...") {
		t.Errorf("a long text becomes %q", long)
	}
}
