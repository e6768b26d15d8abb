package router

import (
	"fmt"
	"strings"
	"testing"

	"github.com/serinhq/serin/rollout"
)

// kumaFull is a Service that uses every field a TrafficRoute has a place for.
func kumaFull() Service {
	s := plain()
	s.Mesh = "shops"
	return s
}

func kumaScenes() []scene {
	audience := []Match{
		{Headers: map[string]Text{"x-canary": {Exact, "insider"}, "user-agent": {Regex, ".*Firefox.*"}}},
		{Headers: map[string]Text{"x-agent": {Prefix, "serin/1.0"}, "x-mail": {Suffix, "@example.com"}}},
	}
	return []scene{
		{"audience", "A/B: two kinds of insiders go to the canary, everybody else home", withAudience(bare(), audience), rollout.Route{Canary: rollout.Full, Match: true}},
		{"tenths", "weights are relative, so that tenths of a percent are thousandths", bare(), rollout.Split(5)},
	}
}

// kumaText is a TrafficRoute web as Flagger writes it for a namespace.
func kumaText(namespace, split string) string {
	return fmt.Sprintf(`
apiVersion: kuma.io/v1alpha1
kind: TrafficRoute
mesh: default
metadata: {name: web}
spec:
  sources: [{match: {kuma.io/service: "*"}}]
  destinations: [{match: {kuma.io/service: web_%[1]s_svc_80}}]
  conf: {loadBalancer: {roundRobin: {}}, split: %[2]s}
`, namespace, split)
}

func kumaSplit(namespace string, primary, canary int) string {
	return fmt.Sprintf("[{weight: %[2]d, destination: {kuma.io/service: web-primary_%[1]s_svc_80}}, {weight: %[3]d, destination: {kuma.io/service: web-canary_%[1]s_svc_80}}]",
		namespace, primary, canary)
}

// TestKumaReads what others wrote: Flagger, and people.
func TestKumaReads(t *testing.T) {
	for _, tc := range []struct {
		name, split string
		want        rollout.Route
		err         string
	}{
		{"Flagger at home", kumaSplit("shop", 100, 0), rollout.Split(0), ""},
		{"Flagger on the way", kumaSplit("shop", 90, 10), rollout.Split(rollout.Percent(10)), ""},
		{"Flagger away", kumaSplit("shop", 0, 100), rollout.Split(rollout.Full), ""},
		{"another port", strings.ReplaceAll(kumaSplit("shop", 3, 1), "_80", "_81"), rollout.Split(rollout.Percent(25)), ""},
		{"no weight is zero", "[{destination: {kuma.io/service: web-canary_shop_svc_80}}, {weight: 1, destination: {kuma.io/service: web-primary_shop_svc_80}}]", rollout.Split(0), ""},
		{"weights of nothing", kumaSplit("shop", 0, 0), rollout.Route{}, "the weights sum to nothing"},
		{"nothing", "[]", rollout.Route{}, "no service is the primary"},
		{"another service", strings.ReplaceAll(kumaSplit("shop", 1, 1), "web-canary", "shop"), rollout.Route{}, `service "shop_shop_svc_80" is neither the primary nor the canary`},
		{"one side twice", strings.ReplaceAll(kumaSplit("shop", 1, 1), "web-canary", "web-primary"), rollout.Route{}, "or is there twice"},
		{"the apex, when the Canary goes", "[{weight: 100, destination: {kuma.io/service: web_shop_svc_80}}]", rollout.Route{}, "is neither"},
		{"no list", "{}", rollout.Route{}, "parse TrafficRoute web: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, accepted, err := kuma.Parse([]Object{asRead(t, kumaText("shop", tc.split))})
			if got != tc.want || accepted != (tc.err == "") || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("read %+v, %t, %v; want %+v, %q", got, accepted, err, tc.want, tc.err)
			}
		})
	}
	if route, accepted, err := kuma.Parse(nil); route != (rollout.Route{}) || accepted || err != nil {
		t.Errorf("without a TrafficRoute: %+v, %t, %v", route, accepted, err)
	}
}

// TestKumaLeavesOthersAlone: TrafficRoutes have no namespace, Canaries have. Under
// Flagger two of one name overwrote each other for ever.
func TestKumaLeavesOthersAlone(t *testing.T) {
	for _, tc := range []struct {
		name, live string
		theirs     bool
	}{
		{"ours", kumaText("shop", kumaSplit("shop", 90, 10)), false},
		{"another namespace's", kumaText("other", kumaSplit("other", 90, 10)), true},
		{"another namespace's, left by its Canary", kumaText("other", "[{weight: 100, destination: {kuma.io/service: web_other_svc_80}}]"), true},
		{"ours, edited by hand", kumaText("shop", kumaSplit("other", 90, 10)), false},
		{"of services that are not of Kubernetes", kumaText("shop", "[{weight: 1, destination: {kuma.io/service: legacy}}]"), false},
		{"about everything", strings.ReplaceAll(kumaText("other", "[]"), "web_other_svc_80", `"*"`), false},
		{"no route at all", kumaText("other", "{}"), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := kumaFull()
			s.Live = []Object{asRead(t, tc.live)}
			_, err := kuma.Render(s, rollout.Split(0))
			if refused := err != nil; refused != tc.theirs {
				t.Errorf("refused: %v", err)
			}
			if tc.theirs && !strings.Contains(err.Error(), "it leads to a service of the namespace other") {
				t.Errorf("the error does not say whose it is: %v", err)
			}
			left, err := kuma.Leave(s, rollout.Alone)
			if err != nil || (len(left) == 0) != tc.theirs {
				t.Errorf("leaves %v, %v", left, err)
			}
		})
	}
}

// TestKumaIsOfTheCluster: the API server would collect an object of the cluster whose
// owner has a namespace.
func TestKumaIsOfTheCluster(t *testing.T) {
	if refs := kuma.Refs(kumaFull()); len(refs) != 1 || refs[0].Namespace != "" || refs[0].Name != "web" {
		t.Errorf("reads %v", refs)
	}
	rendered, err := kuma.Render(kumaFull(), rollout.Split(0))
	if err != nil {
		t.Fatal(err)
	}
	for _, how := range []rollout.Release{rollout.Named, rollout.Served, rollout.Alone} {
		left, err := kuma.Leave(kumaFull(), how)
		if err != nil {
			t.Fatal(err)
		}
		rendered = append(rendered, left...)
	}
	for _, object := range rendered {
		if object.GetNamespace() != "" || object.GetOwnerReferences() != nil {
			t.Errorf("%s is in %q and owned by %v", object.GetName(), object.GetNamespace(), object.GetOwnerReferences())
		}
		if mesh := object.Object["mesh"]; mesh != "shops" {
			t.Errorf("%s is of the mesh %v", object.GetName(), mesh)
		}
	}
}

// TestKumaReadsAudiences: entries for both sides are those of an analysis, others are people's.
func TestKumaReadsAudiences(t *testing.T) {
	entry := func(split string) string {
		return "{match: {headers: {x-canary: {exact: insider}}}, split: " + split + "}"
	}
	const home = "[{weight: 100, destination: {kuma.io/service: web-primary_shop_svc_80}}]"
	for _, tc := range []struct {
		name, http, split string
		want              rollout.Route
		err               string
	}{
		{"insiders", entry(kumaSplit("shop", 0, 100)), home, rollout.Route{Canary: rollout.Full, Match: true}, ""},
		{"a share of them", entry(kumaSplit("shop", 75, 25)) + ", " + entry(kumaSplit("shop", 3, 1)), home,
			rollout.Route{Primary: rollout.Percent(75), Canary: rollout.Percent(25), Match: true}, ""},
		{"an entry of people", "{match: {path: {prefix: /old}}, destination: {kuma.io/service: old_shop_svc_80}}", kumaSplit("shop", 90, 10), rollout.Split(rollout.Percent(10)), ""},
		{"two divisions", entry(kumaSplit("shop", 0, 100)) + ", " + entry(kumaSplit("shop", 50, 50)), home, rollout.Route{}, "http[1] divides the traffic differently"},
		{"others are divided", entry(kumaSplit("shop", 0, 100)), kumaSplit("shop", 90, 10), rollout.Route{}, "requests outside of the analysis are divided, too"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.Replace(kumaText("shop", tc.split), "conf: {", "conf: {http: ["+tc.http+"], ", 1)
			got, _, err := kuma.Parse([]Object{asRead(t, text)})
			if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("read %+v, %v; want %+v, %q", got, err, tc.want, tc.err)
			}
		})
	}
}

// TestKumaRefuses what it cannot express, by the name of the field.
func TestKumaRefuses(t *testing.T) {
	for _, tc := range []struct {
		name     string
		audience Match
		want     string
	}{
		{"everybody", Match{}, "spec.analysis.match[0]: Required value: set headers"},
		{"a parameter", Match{Query: map[string]Text{"q": {Exact, "1"}}}, "spec.analysis.match[0].queryParams: Forbidden: the generated TrafficRoute cannot match it: use headers"},
		{"presence alone", Match{Headers: map[string]Text{"x": {}}}, "spec.analysis.match[0].headers[x]: Required value: a TrafficRoute needs a value"},
		{"no expression", Match{Headers: map[string]Text{"x": {Regex, "("}}}, "spec.analysis.match[0].headers[x].regex: Invalid value"},
		{"no name", Match{Headers: map[string]Text{"a b": {Exact, "1"}}}, `spec.analysis.match[0].headers: Invalid value: "a b"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := kuma.Render(withAudience(bare(), []Match{tc.audience}), rollout.Split(0))
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "render TrafficRoute web: ") {
				t.Errorf("got  %v\nwant render TrafficRoute web: ...%s", err, tc.want)
			}
		})
	}
}
