package router

import (
	"fmt"
	"strings"
	"testing"

	"github.com/serinhq/serin/rollout"
)

// usersApisix has all that a rule can have, a rule that leads elsewhere and a stream.
const usersApisix = `
apiVersion: apisix.apache.org/v2
kind: ApisixRoute
metadata:
  name: web
  namespace: shop
  labels: {app: web}
  annotations: {owner: storefront, kubectl.kubernetes.io/last-applied-configuration: "{}"}
spec:
  ingressClassName: apisix
  http:
    - name: rule-1
      match:
        hosts: [shop.example.com]
        methods: [GET]
        paths: ["/*"]
        remoteAddrs: [192.0.2.0/24]
        exprs: [{subject: {scope: Header, name: x-tenant}, op: Equal, value: a}]
        filter_func: "function(vars) return true end"
      timeout: {connect: 1s, read: 2s, send: 3s}
      websocket: true
      plugin_config_name: limits
      plugin_config_namespace: infra
      plugins: [{name: cors, enable: true, config: {allow_origins: "*"}}]
      authentication: {enable: true, type: keyAuth, keyAuth: {header: x-key}}
      backends: [{serviceName: web, servicePort: 80, resolveGranularity: service, subset: blue, weight: 5}]
    - name: static
      match: {paths: ["/static/*"]}
      backends: [{serviceName: cdn, servicePort: http}]
  stream:
    - {name: tcp, protocol: TCP, match: {ingressPort: 9100}, backend: {serviceName: web, servicePort: 9100}}
status: {conditions: []}
`

const plainApisix = `
apiVersion: apisix.apache.org/v2
kind: ApisixRoute
metadata: {name: web, namespace: shop}
spec:
  http:
    - name: rule-1
      match: {paths: ["/*"]}
      backends: [{serviceName: web, servicePort: 80}]
`

func behindApisix(route string) Service {
	s := plain()
	s.Route = Ref{apisixKind, "shop", "web"}
	s.Live = []Object{written(route)}
	return s
}

func fullApisix() Service    { return behindApisix(usersApisix) }
func minimalApisix() Service { return behindApisix(plainApisix) }

func apisixScenes() []scene {
	all := withAudience(fullApisix(), []Match{
		{Headers: map[string]Text{"x-canary": {Exact, "insider"}, "Cookie": {Regex, ".*beta=1.*"}}},
		{Headers: map[string]Text{"user-agent": {Prefix, "curl/"}}, Query: map[string]Text{"preview": {Suffix, "!"}}},
	})
	two := behindApisix(plainApisix + `
    - name: rule-2
      priority: 20000
      match: {paths: ["/cart"]}
      backends: [{serviceName: web, servicePort: http}]
`)
	return []scene{
		{"rules", "each rule to the apex is divided, and comes before the user's", two, rollout.Split(rollout.Percent(10))},
		{"audience", "A/B: any entry, all conditions of it, beside those of the rule; everybody else home", all, rollout.Route{Canary: rollout.Full, Match: true}},
	}
}

// TestApisixRefuses an audience that it cannot ask for.
func TestApisixRefuses(t *testing.T) {
	for _, tc := range []struct {
		name  string
		match Match
		want  string
	}{
		{"everybody", Match{}, "spec.analysis.match[0]: Required value: set headers or queryParams"},
		{"pods of the sender", Match{SourceLabels: map[string]string{"app": "a"}}, "spec.analysis.match[0].sourceLabels: Forbidden"},
		{"any value", Match{Headers: map[string]Text{"x-a": {}}}, "spec.analysis.match[0].headers[x-a]: Required value"},
		{"a name with a blank", Match{Query: map[string]Text{"x a": {Exact, "1"}}}, "spec.analysis.match[0].queryParams: Invalid value"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Providers["apisix"].Render(withAudience(minimalApisix(), []Match{tc.match}), rollout.Split(0))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

// liveApisix is what Flagger wrote, with the status of a controller.
const liveApisix = `
apiVersion: apisix.apache.org/v2
kind: ApisixRoute
metadata: {name: web-web-canary, namespace: shop, generation: 3}
spec:
  http:
    - name: rule-1
      priority: 10000
      match: {paths: ["/*"]}
      backends:
        - {serviceName: web-primary, servicePort: 80, weight: 90}
        - {serviceName: web-canary, servicePort: 80, weight: 10}
status:
  conditions:
    - {type: ResourcesAvailable, status: "True", observedGeneration: 3, reason: ResourcesSynced, message: Sync Successfully}
`

// TestApisixAdopts what Flagger wrote, sees what people did to it, and listens to the
// controller.
func TestApisixAdopts(t *testing.T) {
	tenth := rollout.Split(rollout.Percent(10))
	for _, tc := range []struct {
		name, old, new string
		want           rollout.Route
		accepted       bool
		err            string
	}{
		{"a step", "", "", tenth, true, ""},
		{"the canary first", "{serviceName: web-primary, servicePort: 80, weight: 90}\n        - {serviceName: web-canary, servicePort: 80, weight: 10}",
			"{serviceName: web-canary, servicePort: 80, weight: 10}\n        - {serviceName: web-primary, servicePort: 80, weight: 90}", tenth, true, ""},
		{"a controller of 2.0", "type: ResourcesAvailable", "type: Accepted", tenth, true, ""},
		{"a controller that says nothing", "status:\n  conditions:", "spoken:\n  conditions:", tenth, true, ""},
		{"not seen yet", "observedGeneration: 3", "observedGeneration: 2", tenth, false, ""},
		{"refused", `status: "True"`, `status: "False"`, tenth, false, ""},
		{"refused by 2.0", `type: ResourcesAvailable, status: "True"`, `type: Accepted, status: "False"`, tenth, false, ""},
		{"weights by hand", "weight: 90", "weight: 30", rollout.Split(rollout.Percent(25)), true, ""},
		{"no weights", "weight: 90}\n        - {serviceName: web-canary, servicePort: 80, weight: 10", "subset: a}\n        - {serviceName: web-canary, servicePort: 80, subset: a", rollout.Split(rollout.Percent(50)), true, ""},
		{"a weight below zero", "weight: 10", "weight: -10", rollout.Route{}, false, "http[0]: weights of 90 and -10 are no division"},
		{"another backend", "web-canary, servicePort", "web, servicePort", rollout.Route{}, false, "http[0]: backends [web-primary web] are not the primary and the canary"},
		{"the primary alone", "\n        - {serviceName: web-canary, servicePort: 80, weight: 10}", "", rollout.Route{}, false, "no http rule leads to the canary"},
		{"no rules", "http:", "tcp:", rollout.Route{}, false, "no http rule leads to the canary"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.Replace(liveApisix, tc.old, tc.new, 1)
			if (text == liveApisix) != (tc.old == tc.new) {
				t.Fatal("the case changes nothing")
			}
			got, accepted, err := Providers["apisix"].Parse(append(minimalApisix().Live, written(text)))
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Fatalf("got %v, want %q", err, tc.err)
			}
			if got != tc.want || accepted != tc.accepted {
				t.Errorf("got %+v, %v", got, accepted)
			}
		})
	}
}

// TestApisixFitsOldControllers: the definition of 1.8 is the stricter one.
func TestApisixFitsOldControllers(t *testing.T) {
	schema := schemasOf(t, "apisix-legacy")[apisixKind]
	s := withAudience(minimalApisix(), []Match{{Headers: map[string]Text{"x-canary": {Exact, "insider"}}}})
	for _, route := range []rollout.Route{rollout.Split(5), {Canary: rollout.Full, Match: true}} {
		objects, err := Providers["apisix"].Render(s, route)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range schema.check(t, objects[0]) {
			t.Errorf("%+v: %v", route, problem)
		}
	}
}

// TestApisixLeaves by way of the apex: the two sides go with the Canary.
func TestApisixLeaves(t *testing.T) {
	for how, want := range map[rollout.Release]string{rollout.Named: "[web-primary web-canary web]", rollout.Served: "[web]"} {
		objects, err := Providers["apisix"].Leave(minimalApisix(), how)
		if err != nil {
			t.Fatal(err)
		}
		rule := objects[0].Object["spec"].(map[string]any)["http"].([]any)[0].(map[string]any)
		ends := apisixEnds(rule)
		if got := fmt.Sprint(ends); got != want || ends[0].weight != wholeWeight {
			t.Errorf("%v leads to %v, the first with %d", how, got, ends[0].weight)
		}
	}
}
