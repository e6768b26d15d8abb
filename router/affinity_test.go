package router

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/serinhq/serin/rollout"
)

// both are the cookies of a release under way. They have one value, as
// rollout.Next gives them.
var both = rollout.Cookies{Canary: "lpsialdonz", Primary: "lpsialdonz"}

// cookieScenes are the routes of a release with session affinity.
func cookieScenes(f fixture) []scene {
	one := f.minimal()
	one.Affinity = Affinity{Cookie: "sticky", Age: 24 * time.Hour, PrimaryAge: 30 * time.Second}
	two := one
	two.Affinity.PrimaryCookie = "home-sticky"
	dressed := f.full()
	dressed.Affinity = Affinity{Cookie: "sticky", Age: 6 * time.Hour, PrimaryAge: 90 * time.Second,
		Domain: "example.com", Path: "/shop", SameSite: "None", HTTPOnly: true, Secure: true, Partitioned: true}
	paths := two
	paths.Match = []Match{{URI: Text{Prefix, "/api"}, Headers: map[string]Text{"x-tenant": {Exact, "a"}}}, {URI: Text{Exact, "/cart/add"}}}
	scoped := withAudience(two, []Match{{Headers: map[string]Text{"x-canary": {Exact, "insider"}}}})
	on := func(route rollout.Route, cookies rollout.Cookies) rollout.Route {
		route.Cookies = cookies
		return route
	}
	tenth := rollout.Split(rollout.Percent(10))
	canary, previous := rollout.Cookies{Canary: "lpsialdonz"}, rollout.Cookies{Previous: "lpsialdonz"}
	return []scene{
		{"cookie", "users of the canary stay there, all others are divided", one, on(tenth, canary)},
		{"cookies", "users of both sides stay, all others are divided", two, on(tenth, both)},
		{"cookie-attributes", "both kinds of headers in answers: the user's for everybody, the cookie of a side", dressed, on(tenth, canary)},
		{"cookies-away", "all traffic is on the canary: nobody stays on a primary that is being replaced", two, on(rollout.Split(rollout.Full), both)},
		{"cookie-home", "after a release its cookie is dropped, in one filter with the user's headers", dressed, on(rollout.Split(0), previous)},
		{"cookie-never", "no release yet: no rule twice", one, rollout.Split(0)},
		{"cookies-home", "after a release its rules stay, for the old cookie and for nobody", two, on(rollout.Split(0), previous)},
		{"cookie-mirror", "requests are copied whether or not they carry an old cookie", one, on(rollout.Route{Primary: rollout.Full, Mirror: rollout.Percent(20)}, previous)},
		{"cookies-match", "the cookie is one more condition, the user's conditions hold", paths, on(tenth, both)},
		{"cookies-audience", "cookies keep the audience; everybody else is at home, cookie or not", scoped,
			on(rollout.Route{Primary: rollout.Percent(75), Canary: rollout.Percent(25), Match: true}, both)},
	}
}

// sticky gives a Service the cookies that the capabilities allow, and the values
// that routes of it can have.
func sticky(s Service, caps Caps) (Service, []rollout.Cookies) {
	cookies := []rollout.Cookies{{}}
	if !caps.Affinity {
		return s, cookies
	}
	s.Affinity = Affinity{Cookie: "sticky", Age: time.Hour, PrimaryAge: time.Minute, Secure: true}
	cookies = append(cookies, rollout.Cookies{Canary: "abc"}, rollout.Cookies{Previous: "abc"})
	if caps.PrimaryCookie {
		s.Affinity.PrimaryCookie = "home-sticky"
		cookies = append(cookies, both, rollout.Cookies{Canary: "abc", Primary: "xyz"})
	}
	return s, cookies
}

// TestCarrying: a Cookie header holds all cookies of a user, and a value belongs
// to one name only.
func TestCarrying(t *testing.T) {
	for _, tc := range []struct {
		name, pair, header string
		want               bool
	}{
		{"alone", "sticky=abc", "sticky=abc", true},
		{"first", "sticky=abc", "sticky=abc; theme=dark", true},
		{"last", "sticky=abc", "theme=dark; sticky=abc", true},
		{"without blanks", "sticky=abc", "theme=dark;sticky=abc;lang=de", true},
		{"another value", "sticky=abc", "sticky=abcd", false},
		{"the end of another name", "sticky=abc", "home-sticky=abc", false},
		{"the begin of another name", "sticky=abc", "sticky-home=abc", false},
		{"the value under another name", "sticky=abc", "sticky=xyz; home-sticky=abc", false},
		{"inside a value", "sticky=abc", "note=sticky=abc", false},
		{"a dot is a dot", "my.side=abc", "my-side=abc", false},
		{"all that a name may have", "a$b*c+d.e^f|g=abc", "x=1; a$b*c+d.e^f|g=abc", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pattern := regexp.MustCompile(carrying(tc.pair))
			// Some gateways match the whole header, others a part of it.
			if got := pattern.FindString(tc.header) == tc.header; got != tc.want {
				t.Errorf("%s matches all of %q: %t", pattern, tc.header, got)
			}
			if got := pattern.MatchString(tc.header); got != tc.want {
				t.Errorf("%s matches in %q: %t", pattern, tc.header, got)
			}
		})
	}
}

// TestImpossibleCookies: refused with the field, before there is a release.
func TestImpossibleCookies(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Service)
		want   string
	}{
		{"no name", func(s *Service) { s.Affinity.Cookie = "" }, "spec.analysis.sessionAffinity.cookieName: Required value: name the cookie of the canary"},
		{"a name with a blank", func(s *Service) { s.Affinity.Cookie = "my side" }, `spec.analysis.sessionAffinity.cookieName: Invalid value: "my side": must be a name`},
		{"a name with =", func(s *Service) { s.Affinity.PrimaryCookie = "a=b" }, `spec.analysis.sessionAffinity.primaryCookieName: Invalid value: "a=b": must be a name`},
		{"a domain that ends early", func(s *Service) { s.Affinity.Domain = "a; Secure" }, `spec.analysis.sessionAffinity.domain: Invalid value: "a; Secure": must have at most 1024 printable characters and no ;`},
		{"a path of two lines", func(s *Service) { s.Affinity.Path = "/\n" }, "spec.analysis.sessionAffinity.path: Invalid value"},
		{"an own cookie added", func(s *Service) { s.Response.Add = map[string]string{"set-cookie": "a=b"} },
			"spec.service.headers.response.add[set-cookie]: Forbidden: spec.analysis.sessionAffinity needs this header for itself: remove one of the two"},
		{"an own cookie set", func(s *Service) { s.Response.Set = map[string]string{"Set-Cookie": "a=b"} }, "spec.service.headers.response.set[Set-Cookie]: Forbidden"},
		{"cookies taken away", func(s *Service) { s.Response.Remove = []string{"Set-Cookie"} }, "spec.service.headers.response.remove[0]: Forbidden"},
		{"no room for a header", func(s *Service) {
			s.Response.Add = map[string]string{}
			for _, letter := range "abcdefghijklmnop" {
				s.Response.Add[string(letter)] = "1"
			}
		}, "spec.service.headers.response.add: Too many: 16: must have at most 15 items"},
		{"no room for a filter", func(s *Service) {
			for range 15 {
				s.Mirrors = append(s.Mirrors, Backend{Name: "audit", Port: 80})
			}
		}, "spec.service.mirror: Too many: 15: must have at most 14 items"},
		{"a match of cookies", func(s *Service) { s.Match = []Match{{Headers: map[string]Text{"cookie": {Regex, ".*beta.*"}}}} },
			"spec.service.match[0].headers[cookie]: Forbidden: spec.analysis.sessionAffinity needs this header for itself"},
		{"no room for a condition", func(s *Service) {
			s.Match = []Match{{Headers: map[string]Text{}}}
			for _, letter := range "abcdefghijklmnop" {
				s.Match[0].Headers[string(letter)] = Text{Exact, "1"}
			}
		}, "spec.service.match.headers: Too many: 17: must have at most 16 items"},
		{"no room for rules", func(s *Service) { s.Match, s.Rewrite = manyPaths(6), Rewrite{URI: "/", PrefixOnly: true} },
			"spec.service.match: Too many: 18: must have at most 16 items"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, _ := sticky(minimal(), Caps{Affinity: true, PrimaryCookie: true})
			if _, err := Providers["gatewayapi:v1"].Render(s, rollout.Split(0)); err != nil {
				t.Fatalf("refused before the change: %v", err)
			}
			tc.change(&s)
			_, err := Providers["gatewayapi:v1"].Render(s, rollout.Split(0))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

// TestAudienceOfCookies: a test of an audience known by a cookie needs no other
// cookie, as all of it is on the canary; a division of it does.
func TestAudienceOfCookies(t *testing.T) {
	s, _ := sticky(withAudience(minimal(), []Match{{Headers: map[string]Text{"Cookie": {Regex, ".*beta=1.*"}}}}), Caps{Affinity: true})
	route := rollout.Route{Canary: rollout.Full, Match: true, Cookies: rollout.Cookies{Canary: "abc"}}
	if _, err := Providers["gatewayapi:v1"].Render(s, route); err != nil {
		t.Errorf("refused although nobody has to be kept: %v", err)
	}
	route.Primary, route.Canary = rollout.Full/2, rollout.Full/2
	const want = "spec.analysis.match[0].headers[Cookie]: Forbidden"
	if _, err := Providers["gatewayapi:v1"].Render(s, route); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestCookiesThatWereEdited: status and routes can be edited by hand.
func TestCookiesThatWereEdited(t *testing.T) {
	s, _ := sticky(minimal(), Caps{Affinity: true})
	route := rollout.Split(rollout.Percent(10))
	route.Cookies.Canary = "a; Domain=example.org"
	const want = `status.sessionAffinityCookie: Invalid value: "a; Domain=example.org": is no value of a cookie`
	if _, err := Providers["gatewayapi:v1"].Render(s, route); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	route.Cookies.Canary = "abc"
	objects, err := Providers["gatewayapi:v1"].Render(s, route)
	if err != nil {
		t.Fatal(err)
	}
	rules := objects[0].Object["spec"].(map[string]any)["rules"].([]any)
	keeping, dividing := rules[0].(map[string]any), rules[1].(map[string]any)
	keeping["backendRefs"] = dividing["backendRefs"]
	if got, _, err := Providers["gatewayapi:v1"].Parse(objects); err == nil || !strings.Contains(err.Error(), "rules[0] leads users with a cookie to the other side") {
		t.Errorf("parsed %+v, %v", got, err)
	}
}
