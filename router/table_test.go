package router

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/serinhq/serin/internal/golden"
)

// proven says what a provider was seen to do beside its golden files.
var proven = map[string]string{
	"kubernetes": "real traffic through a Service and kube-proxy (`e2e.TestReleasesByNumbersOfPods`): weights by numbers of pods, blue/green",
	"gatewayapi:v1": "real traffic through Contour with Envoy (`e2e.TestReleasesUnderTraffic`, `TestEveryWayUnderTraffic`, `TestContourReleases`): weights, " +
		"A/B, mirroring, session affinity; through Envoy Gateway (`e2e.TestEnvoyGatewayReleases`): weights, A/B, mirroring, session affinity; and through Traefik (`e2e.TestTraefikReleases`): weights, " +
		"A/B, session affinity (it cannot mirror, says so, and is refused); in HTTPRoutes of the user's through Contour (`e2e.TestRoutesOfTheUsers`): weights",
	"gatewayapi:v1beta1":           "the objects of `gatewayapi:v1` but for their version",
	"gatewayapi:v1:GRPCRoute":      "real calls through Contour with Envoy (`e2e.TestRoutesOfTheUsers`): weights",
	"gatewayapi:v1:TCPRoute":       "its objects, and the status conditions of the API",
	"gatewayapi:v1alpha2:TCPRoute": "its objects, and the status conditions of the API",
	"gatewayapi:v1:TLSRoute":       "its objects, and the status conditions of the API",
	"gatewayapi:v1alpha2:TLSRoute": "its objects, and the status conditions of the API",
	"istio": "real HTTP traffic through an Envoy that istiod programs (`e2e.TestIstioReleases`): weights, A/B, mirroring, session affinity; " +
		"in the mesh, weights of a VirtualService that a root one delegates to, followed by a client of grpc-go (`e2e.TestIstioMeshRelease`); the manifests of its tutorial byte for byte on a real API server, with the objects " +
		"of each weight (`integration.TestIstioTutorialRunsToItsEnd`), and with traffic through istiod's Envoy and mutual TLS into sidecars of upstream Envoy, whose own numbers have the names of Istio's " +
		"(`e2e.TestIstioSeedOnTheLab`); Istio's own build of the proxy, its injection and agent, and TCP by objects only",
	"gloo": "the manifests of its tutorial byte for byte on a real API server with Gloo's definitions, with the objects of each weight and of A/B " +
		"(`integration.TestGlooTutorialRunsToItsEnd`); its data plane does not run in the lab",
	"traefik": "real traffic through Traefik (`e2e.TestTraefikReleases`): weights, mirroring",
	"nginx": "real traffic through Traefik, which reads the annotations of ingress-nginx (`e2e.TestIngressReleases`): weights, A/B by header and cookie; " +
		"ingress-nginx itself does not run in the lab",
	"knative": "a real API server with Knative's definitions and a stand-in for its controller (`integration.TestKnative…`)",
	"contour": "real traffic through Contour with Envoy (`e2e.TestContourReleases`): weights, A/B, weights in A/B, mirroring of all requests and of a share; " +
		"in HTTPProxies of the user's (`e2e.TestRoutesOfTheUsers`): weights",
}

// TestTable writes what providers can do, for people who choose one.
func TestTable(t *testing.T) {
	var page strings.Builder
	page.WriteString("# Traffic providers\n\n`spec.provider` names one, `-mesh-provider` that of Canaries which name none. " +
		"A strategy that a provider cannot do is refused,\na field of `spec.service` that it has no place for is named in a warning.\n\n" +
		"Generated from the capabilities in the code: `go test ./router -run TestTable -update`.\n\n" +
		"## Strategies\n\n| Provider | Weights | Mirroring | A/B | Weights in A/B | Session affinity | TCP |\n|---|---|---|---|---|---|---|\n")
	names := slices.Sorted(maps.Keys(Providers))
	for _, name := range names {
		c := Providers[name].Caps
		affinity := yes(c.Affinity)
		if c.PrimaryCookie {
			affinity = "both sides"
		} else if c.Affinity {
			affinity = "canary"
		}
		fmt.Fprintf(&page, "| %s | %s | %s | %s | %s | %s | %s |\n",
			linked(name), weights(c), yes(c.Mirror), yes(c.Match), yes(c.Scoped), affinity, yes(c.TCP))
	}
	page.WriteString("\nBlue/green works with all of them.\n\n## Objects and fields\n\n" +
		"| Provider | Objects | Fields of `spec.service` that become part of the route |\n|---|---|---|\n")
	for _, name := range names {
		var kinds []string
		for _, kind := range Providers[name].Kinds {
			kinds = append(kinds, fmt.Sprintf("%s (%s)", kind.Kind, kind.GroupVersion()))
		}
		fmt.Fprintf(&page, "| %s | %s | %s |\n", linked(name), or(kinds, "the Services alone"), or(quoted(Providers[name].Fields), "none"))
	}
	page.WriteString("\n## How each was proven\n\nThe objects of every provider and stage are checked against the definitions that the traffic system ships, " +
		"by the rules of a real API server\n(`router.TestGoldenFilesFitTheSchema`, `integration.TestRenderedObjectsAreValid`). There, with each API, what somebody changes in an object " +
		"is set back in each stage,\nan operator goes on with what Flagger left in the middle of a release (`integration.TestMeddlingIsSetBackWithEveryProvider`, " +
		"`TestFlaggerIsReplacedWithEveryProvider`,\n`TestFirstAppMeshIsSetBackAndTakenOver`), and a route of the user's is divided and left as it was (`TestRouteOfTheUserOfEveryKind`). " +
		"Beside that:\n\n| Provider | Seen with |\n|---|---|\n")
	for _, name := range names {
		how := proven[name]
		if how == "" {
			how = "nothing: its data plane does not run in the lab"
		}
		fmt.Fprintf(&page, "| %s | %s |\n", linked(name), how)
	}
	golden.Equal(t, filepath.Join("..", "docs", "providers", "README.md"), []byte(page.String()))
}

func weights(c Caps) string {
	switch {
	case c.Members:
		return "by numbers of pods"
	case c.Weight && c.Whole:
		return "whole percents"
	}
	return yes(c.Weight)
}

func yes(can bool) string {
	if can {
		return "yes"
	}
	return "-"
}

// linked is the name with its page, if it has one.
func linked(name string) string {
	page := strings.ReplaceAll(name, ":", "-") + ".md"
	switch {
	case strings.HasPrefix(name, "smi:"), name == "linkerd", name == "osm":
		page = "smi.md" // one API for all of them
	case strings.HasPrefix(name, "gatewayapi"):
		page = "gatewayapi.md"
	case strings.HasPrefix(name, "appmesh"):
		page = "appmesh.md"
	}
	if found, err := filepath.Glob(filepath.Join("..", "docs", "providers", page)); err == nil && len(found) == 1 {
		return "[`" + name + "`](" + page + ")"
	}
	return "`" + name + "`"
}

func quoted(names []string) []string {
	var all []string
	for _, name := range names {
		all = append(all, "`"+name+"`")
	}
	return all
}

func or(list []string, none string) string {
	if len(list) == 0 {
		return none
	}
	return strings.Join(list, ", ")
}
