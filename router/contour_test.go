package router

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/serinhq/serin/rollout"
	"sigs.k8s.io/yaml"
)

// bare is a Service with a name and a port.
func bare() Service { return Service{Namespace: "shop", Name: "web", Port: 80} }

// contourFull is a Service that uses every field an HTTPProxy has a place for.
func contourFull() Service {
	s := plain()
	s.Settings.IngressClass = "contour"
	s.Match = []Match{{URI: Text{Prefix, "/api"}, Method: Text{Exact, "GET"}, Headers: map[string]Text{"x-tenant": {Regex, "a|b"}}}}
	s.Rewrite = Rewrite{URI: "/", Authority: "web.example.com"}
	s.Request = HeaderMod{Set: map[string]string{"x-env": "prod", "x-area": "shop"}, Remove: []string{"x-debug", "X-Debug"}}
	s.Response = HeaderMod{Set: map[string]string{"cache-control": "no-store"}}
	s.Timeout = 15 * time.Second
	s.Retries = Retries{Attempts: 3, PerTryTimeout: 5 * time.Second, On: "5xx, connect-failure"}
	return s
}

func contourScenes() []scene {
	several := bare()
	several.Match = []Match{{URI: Text{Exact, "/cart"}}, {URI: Text{Regex, "/v[0-9]+/.*"}, Query: map[string]Text{"beta": {Exact, "1"}}}}
	audience := []Match{
		{Headers: map[string]Text{"x-canary": {Exact, "insider"}, "user-agent": {Prefix, "Serin/1.0"}}},
		{Headers: map[string]Text{"Cookie": {Regex, ".*canary=always.*"}}},
		{Headers: map[string]Text{"x-mail": {Suffix, "@example.com"}}, Query: map[string]Text{"preview": {Exact, "1"}}},
	}
	rewriting := bare()
	rewriting.Match, rewriting.Rewrite = []Match{{URI: Text{Prefix, "/api"}}}, Rewrite{URI: "/v1"}
	patient := bare()
	patient.Timeout, patient.Retries = NoTimeout, Retries{Attempts: 2}
	return []scene{
		{"paths", "each match has a route of its own", several, rollout.Split(rollout.Percent(10))},
		{"audience", "A/B: three kinds of insiders go to the canary, everybody else home", withAudience(bare(), audience), rollout.Route{Canary: rollout.Full, Match: true}},
		{"audience-paths", "every kind of insiders within every match", withAudience(several, audience[:2]), rollout.Route{Canary: rollout.Full, Match: true}},
		{"audience-rewrite", "a prefix with two routes is replaced in both of its forms", withAudience(rewriting, audience[1:2]), rollout.Route{Canary: rollout.Full, Match: true}},
		{"patient", "no timeout, and Contour's own reasons to try again", patient, rollout.Split(rollout.Percent(5))},
	}
}

// halfPercents are mirrors that an API of whole percents cannot express.
func halfPercents(r rollout.Route) bool { return r.Mirror%rollout.Percent(1) != 0 }

// live is an object as the API server gives it.
func live(t *testing.T, text string) []Object {
	t.Helper()
	var object Object
	if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
		t.Fatal(err)
	}
	return []Object{object}
}

// TestContourReads what others wrote: Flagger, and people.
func TestContourReads(t *testing.T) {
	const proxy = `
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: web, namespace: shop}
spec:
  routes:
`
	for _, tc := range []struct {
		name, routes string
		want         rollout.Route
		err          string
	}{
		{"Flagger at home leaves out the canary's zero", `
  - conditions: [{prefix: /api}]
    services: [{name: web-primary, port: 80, weight: 100}, {name: web-canary, port: 80}]`, rollout.Split(0), ""},
		{"Flagger on the way", `
  - conditions: [{prefix: /api}]
    timeoutPolicy: {response: 15s, idle: 5m}
    retryPolicy: {count: 3, perTryTimeout: 5s, retryOn: [5xx, connect-failure]}
    services: [{name: web-primary, port: 80, weight: 90}, {name: web-canary, port: 80, weight: 10}]`, rollout.Split(rollout.Percent(10)), ""},
		{"Flagger's A/B names the canary for everybody else, too", `
  - conditions: [{prefix: /api, header: {name: x-canary, exact: insider}}]
    services: [{name: web-primary, port: 80}, {name: web-canary, port: 80, weight: 100}]
  - conditions: [{prefix: /api}]
    services: [{name: web-primary, port: 80, weight: 100}, {name: web-canary, port: 80}]`, rollout.Route{Canary: rollout.Full, Match: true}, ""},
		{"relative weights", `
  - services: [{name: web-primary, port: 80, weight: 4}, {name: web-canary, port: 80, weight: 1}]`, rollout.Split(rollout.Percent(20)), ""},
		{"a mirror without a number copies all", `
  - services: [{name: web-primary, port: 80, weight: 1}, {name: web-canary, port: 80}, {name: web-canary, port: 80, mirror: true}]`,
			rollout.Route{Primary: rollout.Full, Mirror: rollout.Full}, ""},
		{"no weights are halves to Contour", `
  - services: [{name: web-primary, port: 80}, {name: web-canary, port: 80}]`, rollout.Route{}, "routes[0]: the weights sum to nothing"},
		{"two divisions", `
  - services: [{name: web-primary, port: 80, weight: 90}, {name: web-canary, port: 80, weight: 10}]
  - services: [{name: web-primary, port: 80, weight: 80}, {name: web-canary, port: 80, weight: 20}]`, rollout.Route{}, "routes[1] divides the traffic differently"},
		{"another service", `
  - services: [{name: web-primary, port: 80, weight: 90}, {name: shop, port: 80, weight: 10}]`, rollout.Route{}, "service shop is neither the primary nor the canary"},
		{"a mirror of others", `
  - services: [{name: web-primary, port: 80, weight: 1}, {name: audit, port: 80, mirror: true}]`, rollout.Route{}, "service audit is neither"},
		{"everybody is mirrored", `
  - services: [{name: web-primary, port: 80, weight: 1}, {name: web-canary, port: 80, mirror: true}]`, rollout.Route{}, "requests outside of the analysis are mirrored"},
		{"nothing leads to the canary", `
  - services: [{name: web-primary, port: 80, weight: 1}]`, rollout.Route{}, "no route leads to Service web-canary"},
		{"nothing leads home", `
  - services: [{name: web-canary, port: 80, weight: 1}]`, rollout.Route{}, "no service is the primary"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, accepted, err := contour.Parse(live(t, proxy+tc.routes))
			if accepted {
				t.Error("accepted although Contour said nothing")
			}
			if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("got  %+v, %v\nwant %+v, %s", got, err, tc.want, tc.err)
			}
		})
	}
}

// TestContourAccepts: a step counts from the moment in which Contour says that it
// serves the HTTPProxy as it is now.
func TestContourAccepts(t *testing.T) {
	for _, tc := range []struct {
		name, status string
		want         bool
	}{
		{"valid", "{currentStatus: valid, conditions: [{type: Valid, status: 'True', observedGeneration: 3}]}", true},
		{"nobody has looked", "{}", false},
		{"valid before the change", "{currentStatus: valid, conditions: [{type: Valid, status: 'True', observedGeneration: 2}]}", false},
		{"invalid", "{currentStatus: invalid, conditions: [{type: Valid, status: 'False', observedGeneration: 3}]}", false},
		{"not included by another one", "{currentStatus: orphaned, conditions: [{type: Valid, status: 'False', observedGeneration: 3}]}", false},
		{"another's condition", "{currentStatus: valid, conditions: [{type: example.com/Valid, status: 'True', observedGeneration: 3}]}", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			objects, err := contour.Render(contourFull(), rollout.Split(rollout.Percent(10)))
			if err != nil {
				t.Fatal(err)
			}
			objects[0].SetGeneration(3)
			objects[0].Object["status"] = live(t, "status: "+tc.status)[0].Object["status"]
			got, accepted, err := contour.Parse(objects)
			if err != nil || got != rollout.Split(rollout.Percent(10)) || accepted != tc.want {
				t.Errorf("got %+v, accepted %t, %v", got, accepted, err)
			}
		})
	}
}

// TestContourRefuses what an HTTPProxy cannot express, with the field and the remedy.
func TestContourRefuses(t *testing.T) {
	insider := map[string]Text{"X-Canary": {Exact, "insider"}}
	for _, tc := range []struct {
		name   string
		change func(*Service)
		want   string
	}{
		{"a suffix of the path", func(s *Service) { s.Match = []Match{{URI: Text{Suffix, ".js"}}} },
			"spec.service.match[0].uri.suffix: Forbidden: an HTTPProxy cannot compare like this: use exact, prefix or regex"},
		{"a path without a slash", func(s *Service) { s.Match = []Match{{URI: Text{Regex, ".*"}}} },
			`spec.service.match[0].uri.regex: Invalid value: ".*": must begin with /`},
		{"no regular expression", func(s *Service) { s.Match = []Match{{Headers: map[string]Text{"x": {Regex, "("}}}} },
			`spec.service.match[0].headers[x].regex: Invalid value: "(": must be a regular expression of RE2`},
		{"no comparison", func(s *Service) { s.Match = []Match{{Headers: map[string]Text{"x": {}}}} },
			"spec.service.match[0].headers[x]: Required value: an HTTPProxy needs a value to compare with"},
		{"an empty value", func(s *Service) { s.Match = []Match{{Query: map[string]Text{"x": {Exact, ""}}}} },
			"spec.service.match[0].queryParams[x].exact: Required value"},
		{"no name of a header", func(s *Service) { s.Match = []Match{{Headers: map[string]Text{"a b": {Exact, "1"}}}} },
			`spec.service.match[0].headers: Invalid value: "a b": must be a name`},
		{"another host", func(s *Service) { s.Match = []Match{{Authority: Text{Exact, "a"}}} },
			"spec.service.match[0].authority: Forbidden: the generated HTTPProxy cannot match it: use uri, method, headers or queryParams"},
		{"an audience of everybody", func(s *Service) { s.Audience = []Match{{}} },
			"spec.analysis.match[0]: Required value: set headers or queryParams: without them every request would match"},
		{"an audience by path", func(s *Service) { s.Audience = []Match{{URI: Text{Prefix, "/beta"}, Headers: insider}} },
			"spec.analysis.match[0].uri: Forbidden: set it in spec.service.match"},
		{"one header for two matches", func(s *Service) {
			s.Match = []Match{{URI: Text{Prefix, "/"}}, {Headers: map[string]Text{"x-canary": {Regex, ".+"}}}}
			s.Audience = []Match{{Headers: insider}}
		}, "spec.analysis.match[0].headers[X-Canary]: Forbidden: spec.service.match[1] has a condition on it, too"},
		{"a rewrite of what is no prefix", func(s *Service) { s.Match, s.Rewrite.URI = []Match{{URI: Text{Exact, "/cart"}}}, "/" },
			"spec.service.rewrite.uri: Forbidden: an HTTPProxy replaces a prefix, and spec.service.match[0].uri is none"},
		{"a rewrite without a slash", func(s *Service) { s.Rewrite.URI = "v1" }, `spec.service.rewrite.uri: Invalid value: "v1": must begin with /`},
		{"a header more", func(s *Service) { s.Request.Add = map[string]string{"x-env": "prod"} },
			"spec.service.headers.request.add[x-env]: Forbidden: an HTTPProxy cannot add a value to a header: use set"},
		{"the host as a header", func(s *Service) { s.Request.Set = map[string]string{"host": "a"} },
			"spec.service.headers.request.set[host]: Forbidden: set spec.service.rewrite.authority"},
		{"one header twice", func(s *Service) { s.Response.Set = map[string]string{"X-A": "1", "x-a": "2"} },
			`spec.service.headers.response.set[x-a]: Duplicate value: "x-a"`},
		{"an empty header", func(s *Service) { s.Response.Set = map[string]string{"x-a": ""} },
			"spec.service.headers.response.set[x-a]: Required value: an HTTPProxy sets no empty header: name it in remove"},
		{"an unknown reason", func(s *Service) { s.Retries = Retries{Attempts: 1, On: "5xx,503"} },
			`spec.service.retries.retryOn: Unsupported value: "503": supported values: "5xx"`},
		{"a timeout of less than a millisecond", func(s *Service) { s.Timeout = time.Microsecond },
			`spec.service.timeout: Invalid value: "1µs": must be whole milliseconds`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := bare()
			tc.change(&s)
			_, err := contour.Render(s, rollout.Split(0))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
	if _, err := contour.Render(bare(), rollout.Route{Primary: rollout.Full, Match: true}); err == nil || !strings.Contains(err.Error(), "spec.analysis.match: Required value") {
		t.Errorf("a test of nobody: %v", err)
	}
}

// TestContourRewrites: whatever follows the prefix is kept, with one slash before it.
func TestContourRewrites(t *testing.T) {
	for _, tc := range []struct {
		name, prefix, uri string
		routes            int
		want              []string // prefix > replacement
	}{
		{"one route is left to Contour", "/api", "/", 1, []string{"/api > /"}},
		{"a new prefix", "/api/", "/v1/", 1, []string{"/api/ > /v1"}},
		{"all paths", "/", "/v1", 1, []string{"/ > /v1/"}},
		{"nothing to do", "/", "/", 1, []string{"/ > /"}},
		{"two routes, no prefix left", "/api", "/", 2, []string{"/api > /", "/api/ > /", "/api > /", "/api/ > /"}},
		{"two routes, another prefix", "/api/", "/v1", 2, []string{"/api > /v1", "/api/ > /v1/", "/api > /v1", "/api/ > /v1/"}},
		{"two routes, all paths", "/", "/v1", 2, []string{"/ > /v1/", "/ > /v1/"}},
		{"no rewrite", "/api", "", 2, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var routes []proxyRoute
			for range tc.routes {
				routes = append(routes, proxyRoute{Conditions: []proxyCondition{{Prefix: tc.prefix}}})
			}
			var got []string
			for _, route := range rewritten(routes, tc.uri) {
				if route.PathRewritePolicy != nil {
					got = append(got, route.Conditions[0].Prefix+" > "+route.PathRewritePolicy.ReplacePrefix[0].Replacement)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
