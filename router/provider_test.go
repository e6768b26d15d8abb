package router

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/serinhq/serin/internal/golden"
	"github.com/serinhq/serin/rollout"
	"sigs.k8s.io/yaml"
)

// A scene is a route in front of a Service, as every provider that can do it has
// to render it. The reason ends up above the objects in the golden file.
type scene struct {
	name, reason string
	service      Service
	route        rollout.Route
}

// scenes of a provider: what each of them can be asked, and its own.
func scenes(provider string) []scene {
	f := fixtureOf(provider)
	insiders := withAudience(f.minimal(), []Match{{Headers: map[string]Text{"x-canary": {Exact, "insider"}}}})
	return slices.Concat(cookieScenes(f), []scene{
		{"home", "at rest all traffic is on the primary and both ends are named", f.full(), rollout.Split(0)},
		{"split", "one step of a weighted release", f.full(), rollout.Split(rollout.Percent(10))},
		{"away", "all traffic is on the canary while the primary is replaced", f.full(), rollout.Split(rollout.Percent(100))},
		{"minimal", "nothing but what the provider needs", f.minimal(), rollout.Split(rollout.Percent(50))},
		{"mirror", "every request is copied to the canary", f.full(), rollout.Route{Primary: rollout.Full, Mirror: rollout.Full}},
		{"mirror-share", "a share of the requests is copied to the canary", f.minimal(), rollout.Route{Primary: rollout.Full, Mirror: rollout.Percent(20)}},
		{"insiders-home", "A/B before and after a test: everybody is at home", insiders, rollout.Route{Primary: rollout.Full, Match: true}},
		{"insiders", "A/B: insiders go to the canary, everybody else home", insiders, rollout.Route{Canary: rollout.Full, Match: true}},
		{"audience-split", "weights hold for the audience only", insiders, rollout.Route{Primary: rollout.Percent(75), Canary: rollout.Percent(25), Match: true}},
	}, f.scenes())
}

// httpRouteScenes are those of the Gateway API.
func httpRouteScenes() []scene {
	audience := []Match{{Headers: map[string]Text{"x-canary": {Exact, "insider"}}}}
	twoPaths := minimal()
	twoPaths.Match = []Match{{URI: Text{Prefix, "/api"}}, {URI: Text{Prefix, "/web"}}}
	twoPaths.Rewrite = Rewrite{URI: "/", PrefixOnly: true}
	testing := minimal()
	testing.Match = []Match{{URI: Text{Exact, "/cart"}, Headers: map[string]Text{"X-Env": {Exact, "prod"}, "x-tenant": {Regex, "a|b"}}}}
	testing.Audience = append(slices.Clone(audience), Match{
		Headers: map[string]Text{"Cookie": {Regex, ".*canary=always.*"}, "x-env": {Exact, "test"}},
		Query:   map[string]Text{"preview": {Exact, "1"}},
	})
	mesh := minimal()
	mesh.Parents = []Parent{{Group: "core", Kind: "Service", Namespace: "shop", Name: "web", Port: 80}}
	sticky := minimal()
	sticky.Affinity = Affinity{Cookie: "sticky", PrimaryCookie: "home-sticky", Age: 24 * time.Hour, PrimaryAge: 30 * time.Second}
	return []scene{
		{"cookies-never", "no release yet: the rules of one stand by", sticky, rollout.Split(0)},
		{"mesh", "a Service as parent, as Linkerd wants it", mesh, rollout.Split(rollout.Percent(5))},
		{"audience", "A/B: two kinds of insiders go to the canary, everybody else home", testing, rollout.Route{Canary: rollout.Full, Match: true}},
		{"paths", "each match has a rule of its own where the matched prefix is replaced", twoPaths, rollout.Split(rollout.Percent(10))},
		{"audience-paths", "the same under A/B", withAudience(twoPaths, audience), rollout.Route{Canary: rollout.Full, Match: true}},
	}
}

func minimal() Service {
	return Service{Namespace: "shop", Name: "web", Port: 80, Parents: []Parent{{Name: "public"}}}
}

func withAudience(s Service, audience []Match) Service {
	s.Audience = audience
	return s
}

// TestProviders renders every scene the capabilities allow and compares with
// testdata/<provider>/<scene>.yaml; the others must be refused by name.
func TestProviders(t *testing.T) {
	for name, provider := range Providers {
		for _, scene := range scenes(name) {
			t.Run(name+"/"+scene.name, func(t *testing.T) {
				objects, err := provider.Render(scene.service, scene.route)
				if missing := missing(provider.Caps, scene.service, scene.route); missing != "" {
					if err == nil || !strings.Contains(err.Error(), missing+" not supported") {
						t.Fatalf("%s: want a refusal that names %q, got %v", scene.reason, missing, err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if len(objects) > 0 {
					golden.Equal(t, goldenPath(name, scene.name), document(t, scene.reason, objects))
				}
				for _, object := range objects {
					complete(t, object.Object, object.GetKind())
				}
			})
		}
	}
}

// TestProvidersRoundTrip reads back every route that can be asked for: what is
// rendered and what is read must be two views of one thing.
func TestProvidersRoundTrip(t *testing.T) {
	shares := []int{0, 1, rollout.Percent(20), 995, rollout.Full}
	for name, provider := range Providers {
		if len(provider.Kinds) == 0 {
			continue // what is not rendered cannot be read
		}
		t.Run(name, func(t *testing.T) {
			const all = rollout.Full + 1
			service := withAudience(fixtureOf(name).full(), []Match{{Headers: map[string]Text{"x-canary": {Exact, "insider"}}}})
			service, cookies := sticky(service, provider.Caps)
			// A third of all pairs of weight and rest; each weight is among them.
			for i := 0; i < all*2*len(shares); i += 3 {
				route := rollout.Split(i % all)
				route.Match, route.Mirror = i/all%2 == 1, shares[i/(2*all)]
				route.Cookies = cookies[i%len(cookies)]
				if missing(provider.Caps, service, route) != "" {
					continue
				}
				objects, err := provider.Render(service, route)
				if beyond := refused[name]; beyond != nil && beyond(route) {
					if err == nil || !strings.Contains(err.Error(), "spec.analysis.") {
						t.Fatalf("%+v: want a refusal that names the field, got %v", route, err)
					}
					continue
				}
				if err != nil {
					t.Fatalf("%+v: %v", route, err)
				}
				got, _, err := provider.Parse(objects)
				if err != nil || got != route {
					t.Fatalf("rendered %+v, parsed %+v, %v", route, got, err)
				}
			}
		})
	}
}

// TestProvidersAreStable renders twice: an object that differs from itself is
// applied for ever. What the cluster has is shared with its cache, and never changed.
func TestProvidersAreStable(t *testing.T) {
	for name, provider := range Providers {
		for _, scene := range scenes(name) {
			if missing(provider.Caps, scene.service, scene.route) != "" {
				continue
			}
			var live []Object
			for _, object := range scene.service.Live {
				live = append(live, *object.DeepCopy())
			}
			first, err := provider.Render(scene.service, scene.route)
			if err != nil {
				t.Fatal(err)
			}
			for range 20 {
				again, err := provider.Render(scene.service, scene.route)
				if err != nil || !reflect.DeepEqual(first, again) {
					t.Fatalf("%s/%s: rendering again gave another object (%v)", name, scene.name, err)
				}
			}
			if !reflect.DeepEqual(live, scene.service.Live) {
				t.Errorf("%s/%s: rendering changed what the cluster has", name, scene.name)
			}
		}
	}
}

// TestProvidersKeepTheRest moves weights and looks for anything else that moved.
func TestProvidersKeepTheRest(t *testing.T) {
	for name, provider := range Providers {
		if !provider.Caps.Weight {
			continue
		}
		service, before := fixtureOf(name).full(), rollout.Split(0)
		if sparing[name] {
			before = rollout.Split(rollout.Percent(10))
		}
		home, err := provider.Render(service, before)
		if err != nil {
			t.Fatal(err)
		}
		split, err := provider.Render(service, rollout.Split(rollout.Percent(30)))
		if err != nil {
			t.Fatal(err)
		}
		if len(home) != len(split) {
			t.Fatalf("%s: %d objects at home, %d under a step", name, len(home), len(split))
		}
		var changed []string
		for i := range home {
			differences("", home[i].Object, split[i].Object, &changed)
		}
		for _, path := range changed {
			if !strings.Contains(path, "eight") && !strings.HasSuffix(path, ".percent") && !strings.HasSuffix(path, skipperPredicate) {
				t.Errorf("%s: a step of 30%% also changed %s", name, path)
			}
		}
		if len(changed) < 1 || len(changed) > 2 {
			t.Errorf("%s: a step of 30%% changed %v, want the weights of the two sides", name, changed)
		}
	}
}

// TestProvidersAreNamed guards what spec.provider and the flag may say.
func TestProvidersAreNamed(t *testing.T) {
	for _, name := range []string{"kubernetes", "gatewayapi:v1", "gatewayapi:v1beta1", "gatewayapi:v1:GRPCRoute", "gatewayapi:v1:TCPRoute", "gatewayapi:v1alpha2:TCPRoute",
		"gatewayapi:v1:TLSRoute", "gatewayapi:v1alpha2:TLSRoute", "istio", "contour", "traefik", "knative", "gloo", "kuma", "linkerd", "osm", "smi:v1alpha1", "smi:v1alpha2", "smi:v1alpha3", "nginx", "skipper", "apisix", "appmesh", "appmesh:v1beta2"} {
		provider, ok := Providers[name]
		if !ok {
			t.Errorf("%s is missing", name)
			continue
		}
		if (provider.Caps == Caps{Members: true}) != (len(provider.Kinds) == 0) {
			t.Errorf("%s has capabilities without kinds, or kinds without capabilities", name)
		}
	}
	for _, name := range []string{"", "none", "gatewayapi", "gatewayapi:v1alpha2"} {
		if _, ok := Providers[name]; ok {
			t.Errorf("%q must not be a provider: an unknown name is an error", name)
		}
	}
}

// missing names the capability that a route needs and caps lack.
func missing(caps Caps, s Service, r rollout.Route) string {
	switch {
	case r.Canary > 0 && !caps.Weight && !caps.Members:
		return "weights are"
	case caps.Whole && r.Canary%rollout.Percent(1) != 0:
		return "tenths of a percent are"
	case r.Mirror > 0 && !caps.Mirror:
		return "mirroring is"
	case r.Match && !caps.Match:
		return "matching requests is"
	case r.Match && r.Canary > 0 && r.Primary > 0 && !caps.Scoped:
		return "weights among matching requests are"
	case r.Cookies != (rollout.Cookies{}) && !caps.Affinity:
		return "session affinity is"
	case s.Affinity.PrimaryCookie != "" && !caps.PrimaryCookie:
		return "keeping users on the primary is"
	default:
		return ""
	}
}

// goldenPath is a path that can be part of a Go module, unlike the name.
func goldenPath(provider, scene string) string {
	return filepath.Join("testdata", strings.ReplaceAll(provider, ":", "-"), scene+".yaml")
}

func document(t *testing.T, reason string, objects []Object) []byte {
	t.Helper()
	var text bytes.Buffer
	fmt.Fprintf(&text, "# %s\n", reason)
	for i, object := range objects {
		if i > 0 {
			text.WriteString("---\n")
		}
		fields, err := yaml.Marshal(object.Object)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(fields)
	}
	return text.Bytes()
}

// complete fails on values that Go left in an object without being asked to:
// applied, they would claim a field and may empty it.
func complete(t *testing.T, value any, path string) {
	t.Helper()
	switch value := value.(type) {
	case nil:
		t.Errorf("%s is null", path)
	case map[string]any:
		if len(value) == 0 {
			t.Errorf("%s is {}", path)
		}
		for key, field := range value {
			complete(t, field, path+"."+key)
		}
	case []any:
		if len(value) == 0 {
			t.Errorf("%s is []", path)
		}
		for i, element := range value {
			complete(t, element, fmt.Sprintf("%s[%d]", path, i))
		}
	case string:
		if value == "" && !strings.HasSuffix(path, ".group") {
			t.Errorf("%s is empty", path)
		}
	}
}

// differences lists the paths at which two JSON values differ.
func differences(path string, a, b any, found *[]string) {
	left, leftMap := a.(map[string]any)
	right, rightMap := b.(map[string]any)
	leftList, isList := a.([]any)
	rightList, areLists := b.([]any)
	switch {
	case leftMap && rightMap:
		for key := range left {
			differences(path+"."+key, left[key], right[key], found)
		}
		for key := range right {
			if _, ok := left[key]; !ok {
				*found = append(*found, path+"."+key)
			}
		}
	case isList && areLists && len(leftList) == len(rightList):
		for i := range leftList {
			differences(fmt.Sprintf("%s[%d]", path, i), leftList[i], rightList[i], found)
		}
	case !reflect.DeepEqual(a, b):
		*found = append(*found, path)
	}
}
