package router

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/serinhq/serin/rollout"
	"sigs.k8s.io/yaml"
)

// istioFull is the Service of the specification, with every field that a
// VirtualService has a place for.
func istioFull() Service {
	s := plain()
	s.Discovery = true
	s.Gateways, s.Hosts = []string{"istio-system/public-gateway"}, []string{"shop.example.com"}
	s.Match = []Match{{
		Name: "api", URI: Text{Prefix, "/api"}, Scheme: Text{Exact, "https"}, Method: Text{Regex, "GET|POST"}, Authority: Text{Suffix, ".example.com"},
		Headers: map[string]Text{"x-tenant": {Regex, "a|b"}}, WithoutHeaders: map[string]Text{"x-bot": {Exact, "yes"}},
		Query: map[string]Text{"lang": {Exact, "de"}}, IgnoreURICase: true, Port: 80, Gateways: []string{"istio-system/public-gateway"},
		SourceLabels: map[string]string{"app": "front"}, SourceNamespace: "web",
	}}
	s.Rewrite = Rewrite{URI: "/", Authority: "web.example.com"}
	s.Request = HeaderMod{Add: map[string]string{"x-env": "prod", "x-area": "shop"}, Remove: []string{"x-debug"}}
	s.Response = HeaderMod{Set: map[string]string{"cache-control": "no-store"}}
	s.Timeout = 15 * time.Second
	s.Retries = Retries{Attempts: 3, PerTryTimeout: 5 * time.Second, On: "5xx,connect-failure"}
	s.CORS = CORS{
		Origins: []Text{{Exact, "https://shop.example.com"}}, Methods: []string{"GET"}, Headers: []string{"x-token"},
		Expose: []string{"x-request-id"}, Credentials: true, MaxAge: 24 * time.Hour,
	}
	s.TrafficPolicy = map[string]any{"tls": map[string]any{"mode": "ISTIO_MUTUAL"}}
	return s
}

// istioScenes are those of Istio alone.
func istioScenes() []scene {
	delegate, feed := plain(), plain()
	delegate.Delegation, delegate.Discovery = true, true
	feed.Name, feed.Port, feed.AppProtocol = "feed", 7070, "TCP"
	feed.Hosts, feed.Gateways, feed.Match = []string{"shop.example.com"}, []string{"istio-system/tcp-gateway"}, []Match{{Port: 7070}}
	feed.Discovery = true
	testing := plain()
	testing.Match = []Match{
		{URI: Text{Exact, "/cart"}, Headers: map[string]Text{"X-Env": {Exact, "prod"}}, SourceLabels: map[string]string{"app": "front"}},
		{URI: Text{Prefix, "/api"}},
	}
	testing.Audience = []Match{
		{Headers: map[string]Text{"x-canary": {Exact, "insider"}, "x-env": {Exact, "test"}}},
		{Query: map[string]Text{"preview": {Exact, "1"}}, SourceLabels: map[string]string{"app": "tests"}},
	}
	loose := plain()
	loose.Match = []Match{{URI: Text{Prefix, "/api"}}, {Name: "all"}}
	loose.CORS = CORS{Origins: []Text{{Exact, "https://a.example.com"}, {Suffix, ".example.org"}, {Prefix, "https://b"}}}
	user := plain()
	user.Live = []Object{usersVirtualService(nil)}
	return []scene{
		{"delegate", "another VirtualService has the hosts and gateways, and points here", delegate, rollout.Split(rollout.Percent(10))},
		{"tcp", "connections are divided, not requests", feed, rollout.Split(rollout.Percent(10))},
		{"tenths", "weights are relative", plain(), rollout.Split(5)},
		{"audience", "A/B: any of two kinds of insiders, within any of the matches, goes to the canary; everybody else home", testing,
			rollout.Route{Canary: rollout.Full, Match: true}},
		{"everything", "one entry without conditions is all requests; one origin with a condition takes the others along", loose, rollout.Split(0)},
		{"users", "the user's VirtualService is taken over, and kept as it was", user, rollout.Split(0)},
	}
}

const usersSpec = `
hosts: [shop.example.com]
gateways: [istio-system/public-gateway]
exportTo: ["*"]
http:
- route: [{destination: {host: web}, weight: 100}]
`

// usersVirtualService is one that the user made before there was a Canary.
func usersVirtualService(annotations map[string]string) Object {
	return liveVirtualService(usersSpec, annotations)
}

func liveVirtualService(spec string, annotations map[string]string) Object {
	object := Object{Object: map[string]any{"spec": decoded(spec)}}
	object.SetGroupVersionKind(virtualService)
	object.SetNamespace("shop")
	object.SetName("web")
	object.SetAnnotations(annotations)
	return object
}

func decoded(text string) map[string]any {
	var fields map[string]any
	if err := yaml.Unmarshal([]byte(text), &fields); err != nil {
		panic(err)
	}
	return fields
}

// TestIstioRefuses: named by field, with what to do, and before a release.
func TestIstioRefuses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Service)
		want   string
	}{
		{"hosts of a delegate", func(s *Service) { s.Delegation, s.Gateways = true, nil },
			"spec.service.hosts: Forbidden: the VirtualService that delegates to this one has them: remove the field, or spec.service.delegation"},
		{"gateways of a delegate", func(s *Service) { s.Delegation, s.Hosts = true, nil }, "spec.service.gateways: Forbidden"},
		{"a condition on nothing", func(s *Service) { s.Match[0].URI = Text{Prefix, ""} }, "spec.service.match[0].uri.prefix: Required value: Istio compares with nothing"},
		{"a condition without comparison", func(s *Service) { s.Match[0].Headers = map[string]Text{"x-a": {}} }, "spec.service.match[0].headers[x-a]: Required value: set exact, prefix, suffix or regex"},
		{"case of an ending", func(s *Service) { s.Match[0].URI = Text{Suffix, ".html"} }, "spec.service.match[0].ignoreUriCase: Forbidden: Istio ignores case in exact and prefix only"},
		{"a timeout too short", func(s *Service) { s.Timeout = time.Microsecond }, `spec.service.timeout: Invalid value: "1µs": must be whole milliseconds`},
		{"a try too short", func(s *Service) { s.Retries.PerTryTimeout = time.Microsecond }, "spec.service.retries.perTryTimeout: Invalid value"},
		{"an audience of everybody", func(s *Service) { s.Audience = []Match{{}} }, "spec.analysis.match[0]: Required value: set headers, queryParams or sourceLabels"},
		{"cookies taken away", func(s *Service) {
			s.Affinity = Affinity{Cookie: "sticky"}
			s.Response.Remove = []string{"set-cookie"}
		}, "spec.service.headers.response.remove[0]: Forbidden: spec.analysis.sessionAffinity needs this header"},
		{"paths of connections", tcp, "spec.service.match[0].uri: Forbidden: connections have none: use port, gateways, sourceLabels or sourceNamespace"},
		{"rewrite of connections", tcp, "spec.service.rewrite: Forbidden: connections have no requests: set spec.service.appProtocol to http, or remove the field"},
		{"timeout of connections", tcp, "spec.service.timeout: Forbidden"},
		{"retries of connections", tcp, "spec.service.retries: Forbidden"},
		{"request headers of connections", tcp, "spec.service.headers.request: Forbidden"},
		{"response headers of connections", tcp, "spec.service.headers.response: Forbidden"},
		{"origins of connections", tcp, "spec.service.corsPolicy: Forbidden"},
		{"an audience of connections", func(s *Service) { tcp(s); s.Audience = []Match{{Port: 1}} }, "spec.analysis.match: Forbidden"},
		{"cookies of connections", func(s *Service) { tcp(s); s.Affinity.Cookie = "sticky" }, "spec.analysis.sessionAffinity: Forbidden"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := istioFull()
			tc.change(&s)
			_, err := istio.Render(s, rollout.Split(0))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
	s := plain()
	s.AppProtocol = "Tcp"
	const want = "spec.analysis.mirror: Forbidden"
	if _, err := istio.Render(s, rollout.Route{Primary: rollout.Full, Mirror: rollout.Full}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a mirror of connections: got %v, want %s", err, want)
	}
}

func tcp(s *Service) { s.AppProtocol = "tcp" }

// TestIstioWords: what has no word in a VirtualService, and what has two.
func TestIstioWords(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Service)
		want   string // part of the objects as JSON
		not    string
	}{
		{"no limit is no timeout", func(s *Service) { s.Timeout, s.Retries.PerTryTimeout = NoTimeout, NoTimeout }, `"attempts":3`, "imeout"},
		{"gateways are the mesh", func(s *Service) { s.Gateways = nil }, `"gateways":["mesh"]`, `{"number":80}`},
		{"the first gateway is the mesh", func(s *Service) { s.Gateways = []string{"mesh", "public"} }, `"gateways":["mesh","public"]`, `{"number":80}`},
		{"one port", func(s *Service) { s.Discovery = false }, `"host":"web-primary"`, `{"number":80}`},
		{"the apex among the hosts", func(s *Service) { s.Hosts = []string{"web", "a"} }, `"hosts":["web","a"]`, `"web"]`},
		{"any host", func(s *Service) { s.Hosts = []string{"*"} }, `"hosts":["*"]`, `"web"]`},
		{"the mirror has the port", func(*Service) {}, `"mirror":{"host":"web-canary","port":{"number":80}},"mirrorPercentage":{"value":0.5}`, `"null"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := istioFull()
			tc.change(&s)
			objects, err := istio.Render(s, rollout.Route{Primary: rollout.Full, Mirror: 5})
			if err != nil {
				t.Fatal(err)
			}
			text, err := objects[2].MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), tc.want) || strings.Contains(string(text), tc.not) {
				t.Errorf("want %s and not %s in\n%s", tc.want, tc.not, text)
			}
		})
	}
}

// TestIstioDelegateOfAUser: with hosts of its own no other could delegate to it.
func TestIstioDelegateOfAUser(t *testing.T) {
	s := plain()
	s.Delegation, s.Live = true, []Object{usersVirtualService(nil)}
	for _, want := range []int{2, 0} {
		objects, err := istio.Render(s, rollout.Split(0))
		if err != nil {
			t.Fatal(err)
		}
		spec := objects[2].Object["spec"].(map[string]any)
		found := 0
		for _, name := range []string{"hosts", "gateways"} {
			if list, ok := spec[name].([]any); ok && len(list) == 0 {
				found++
			}
		}
		if found != want {
			t.Errorf("%d lists are emptied, want %d: %v", found, want, spec)
		}
		s.Live = objects[2:]
	}
}

// TestIstioReadsNames: the rules of destinations are named after the sides.
func TestIstioReadsNames(t *testing.T) {
	want := []Ref{{virtualService, "shop", "web"}, {destinationRule, "shop", "web-canary"}, {destinationRule, "shop", "web-primary"}}
	if diff := cmp.Diff(want, istio.Refs(plain())); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
