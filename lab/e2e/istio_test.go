package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/serinhq/serin/lab/await"
	"github.com/serinhq/serin/lab/cluster"
	"github.com/serinhq/serin/lab/traffic"
)

// istioLab is a lab whose gateway is Istio's.
func istioLab(name string) cluster.Options {
	return cluster.Options{Name: name, Kubectl: true, Istio: true}
}

// The gateway of Istio does with VirtualServices, written by hand here, what Serin will ask
// of it: weights, requests that match, copies and cookies. No request is lost on the way.
func TestIstioFollowsVirtualServices(t *testing.T) {
	l := upWith(t, istioLab("e2e-istio"))
	l.kubectl("", "create", "namespace", "test")
	l.kubectl(app("one", "first")+app("two", "second")+sides+virtualService(weights(90, 10)), "apply", "-f", "-")
	l.kubectl("", "-n", "test", "rollout", "status", "deployment/one", "--timeout=60s")
	l.kubectl("", "-n", "test", "rollout", "status", "deployment/two", "--timeout=60s")
	l.await("the VirtualService answers", func(context.Context) error { _, err := l.ask(); return err })

	load := l.load(nil)
	for _, share := range []int{20, 60} {
		l.weighted(load, share)
	}
	load.Stop()
	if tally := load.Total(); tally.Failed() > 0 {
		t.Errorf("%d requests were lost: %s", tally.Failed(), tally.Lost)
	}
	l.matched()
	l.copied()
	l.kept()
}

// sides are the DestinationRules of both.
const sides = `
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata: {name: one, namespace: test}
spec: {host: one}
---
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata: {name: two, namespace: test}
spec: {host: two}
---
`

func virtualService(rules ...string) string {
	return `
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: {name: app, namespace: test}
spec:
  hosts: [app.example.com, app]
  gateways: [gateway-system/lab]
  http:
` + strings.Join(rules, "")
}

func weights(first, second int) string {
	return fmt.Sprintf(`  - route:
    - {destination: {host: one}, weight: %d}
    - {destination: {host: two}, weight: %d}
`, first, second)
}

var messaged = regexp.MustCompile(`"message": "(\w+)"`)

// config is that of requests to the gateway; the release that answers is the message.
func (l lab) config(header http.Header) traffic.Config {
	all := http.Header{"Host": {"app.example.com"}}
	for name, values := range header {
		all[name] = values
	}
	return traffic.Config{
		URL: l.Gateway + "/", Header: all, Longest: 10 * time.Minute,
		Release: func(body []byte) string {
			if found := messaged.FindSubmatch(body); found != nil {
				return string(found[1])
			}
			return ""
		},
	}
}

func (l lab) load(header http.Header) *traffic.Load {
	l.Helper()
	load, err := traffic.Start(l.Context(), l.config(header))
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(load.Stop)
	return load
}

// weighted sets a share and measures it for as long as two points need, see
// traffic.SampleError.
func (l lab) weighted(load *traffic.Load, share int) {
	l.Helper()
	l.kubectl(virtualService(weights(100-share, share)), "apply", "-f", "-")
	pass(l.T, time.Second)
	span := load.Mark()
	pass(l.T, 20*time.Second)
	load.Mark()
	within(l.T, span.Tally(), "second", float64(share))
}

// within compares the share of a release with what was asked: two points are allowed.
func within(t *testing.T, tally traffic.Tally, release string, want float64) {
	t.Helper()
	const points = 2
	got := tally.Share(release)
	t.Logf("asked for %g %%, measured %.2f %% of %d answers; %d failed %s", want, got, tally.Answered(), tally.Failed(), tally.Lost)
	if math.Abs(got-want) > points || tally.Answered() == 0 {
		t.Errorf("%s answered %.2f %%, want %g %%", release, got, want)
	}
}

// pass lets time pass in which traffic is measured.
func pass(t *testing.T, length time.Duration) {
	t.Helper()
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}

// matched: requests with a header go to the second, all others to the first.
func (l lab) matched() {
	l.Helper()
	l.kubectl(virtualService("  - match: [{headers: {x-canary: {exact: insider}}}]\n    route: [{destination: {host: two}, weight: 100}]\n",
		"  - route: [{destination: {host: one}, weight: 100}]\n"), "apply", "-f", "-")
	insider := http.Header{"X-Canary": {"insider"}}
	l.await("the header to lead to the second", func(ctx context.Context) error {
		return l.answers(ctx, insider, "second", 10)
	})
	l.await("all others to stay on the first", func(ctx context.Context) error {
		return l.answers(ctx, nil, "first", 10)
	})
}

// answers asks a few times, and is an error unless the same one answers each time.
func (l lab) answers(ctx context.Context, header http.Header, want string, times int) error {
	for range times {
		got, err := traffic.Ask(ctx, l.config(header))
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("%s answered, want %s", got, want)
		}
	}
	return nil
}

// copied: with a mirror for half of the requests, the second gets half as many copies as the
// first gets requests, and the user sees the first only.
func (l lab) copied() {
	l.Helper()
	l.kubectl(virtualService(weights(100, 0)+"    mirror: {host: two}\n    mirrorPercentage: {value: 50}\n"), "apply", "-f", "-")
	pass(l.T, time.Second)
	served := func() int { return served(l.T, l.kubectl, "test", "app=two") }
	before := served()
	load := l.load(nil)
	span := load.Mark()
	pass(l.T, 4*time.Second)
	load.Stop()
	tally := span.Tally()
	if tally.Failed() > 0 || tally.Share("first") != 100 {
		l.Errorf("%d lost (%s), answered by %v", tally.Failed(), tally.Lost, tally.Names())
	}
	copies(l.T, tally.Answered(), 50, func() int { return served() - before })
}

// copies waits until as many requests were served as a mirror of some percent makes of
// those that were sent: copies are not waited for by those who sent the originals.
func copies(t *testing.T, sent, percent int, served func() int) {
	t.Helper()
	share := float64(percent) / 100
	want, slack := float64(sent)*share, 4*math.Sqrt(float64(sent)*share*(1-share))
	err := await.Condition(t.Context(), patience, "the copies", func(context.Context) error {
		got := served()
		if math.Abs(float64(got)-want) > slack {
			return fmt.Errorf("%d copies of %d requests, want %.0f give or take %.0f", got, sent, want, slack)
		}
		t.Logf("%d copies of %d requests, asked for %d %%", got, sent, percent)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// counted finds the requests for the page; the questions of the kubelet have other paths.
var counted = regexp.MustCompile(`(?m)^http_request_duration_seconds_count\{.*path="root".*\} (\d+)$`)

// served is how many requests the pods with a label have answered, by their own count. Those
// of the release before may still be ending.
func served(t *testing.T, kubectl func(string, ...string) string, namespace, label string) int {
	t.Helper()
	var pods struct {
		Items []struct {
			Metadata struct{ Name, DeletionTimestamp string }
		}
	}
	if err := json.Unmarshal([]byte(kubectl("", "-n", namespace, "get", "pods", "-l", label, "-o", "json")), &pods); err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, pod := range pods.Items {
		if pod.Metadata.DeletionTimestamp != "" {
			continue
		}
		page := kubectl("", "get", "--raw", fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:9797/proxy/metrics", namespace, pod.Metadata.Name))
		for _, found := range counted.FindAllStringSubmatch(page, -1) {
			count := 0
			if _, err := fmt.Sscan(found[1], &count); err == nil { // the pattern holds digits only
				sum += count
			}
		}
	}
	return sum
}

// kept: who has the cookie of a side stays on it, whatever the weights are.
func (l lab) kept() {
	l.Helper()
	side := func(pattern, host string) string {
		return fmt.Sprintf("  - match: [{headers: {Cookie: {regex: %q}}}]\n    route: [{destination: {host: %s}, weight: 100}]\n", pattern, host)
	}
	drawn := `  - route:
    - {destination: {host: one}, weight: 70, headers: {response: {add: {Set-Cookie: home=abc; Max-Age=60; Path=/}}}}
    - {destination: {host: two}, weight: 30, headers: {response: {add: {Set-Cookie: side=xyz; Max-Age=60; Path=/}}}}
`
	l.kubectl(virtualService(side(".*side.*xyz.*", "two"), side(".*home.*abc.*", "one"), drawn), "apply", "-f", "-")
	pass(l.T, time.Second)
	crowd := newCrowd(l.T, l.config(nil), 500)
	crowd.share("second", 30)
	for range 3 {
		crowd.stay()
	}
}
