package demo

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/serinhq/serin/lab/traffic"
)

// The names in app.yaml.
const (
	Namespace = "demo"
	appName   = "podinfo"
)

//go:embed app.yaml
var appTemplate string

// Manifest is what a user would write to put the story's first release on the site.
func (s Story) Manifest(site Site) ([]byte, error) {
	weights, err := json.Marshal(s.Weights)
	if err != nil {
		return nil, fmt.Errorf("write the weights: %w", err)
	}
	first := s.Acts[0].Release
	least, most := slowest()
	values := map[string]string{
		"Namespace": Namespace, "Image": site.Podinfo, "Prometheus": site.PrometheusInside,
		"GatewayName": site.GatewayName, "GatewayNamespace": site.GatewayNamespace,
		"Page": strconv.Quote(first.Page), "Delayed": strconv.FormatBool(first.Delayed),
		"Least": milliseconds(least), "Most": milliseconds(most),
		"Interval": seconds(s.Interval), "Threshold": strconv.Itoa(s.Threshold), "Weights": string(weights),
	}
	parsed, err := template.New("app.yaml").Option("missingkey=error").Parse(appTemplate)
	if err != nil {
		return nil, fmt.Errorf("read the application's manifest: %w", err)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, values); err != nil {
		return nil, fmt.Errorf("fill in the application's manifest: %w", err)
	}
	return out.Bytes(), nil
}

// patch is the change to the Deployment that makes a release, as kubectl patch sends it.
func (r Release) patch() ([]byte, error) {
	type object = map[string]any
	patch, err := json.Marshal(object{"spec": object{"template": object{
		"metadata": object{"annotations": object{"page": r.Page}},
		"spec": object{"containers": []object{{
			"name": appName,
			"env":  []object{{"name": "PODINFO_RANDOM_DELAY", "value": strconv.FormatBool(r.Delayed)}},
		}}},
	}}})
	if err != nil {
		return nil, fmt.Errorf("write release %s: %w", r.Version, err)
	}
	return patch, nil
}

// Load is the traffic that users of the application make: browsers asking for its page.
func (s Story) Load(site Site, longest time.Duration) traffic.Config {
	header := http.Header{"User-Agent": {"Mozilla/5.0 (serin lab)"}} // others get JSON
	if site.Host != "" {
		header.Set("Host", site.Host)
	}
	return traffic.Config{
		URL: strings.TrimSuffix(site.Gateway, "/") + "/", Header: header,
		Rate: s.Rate, Longest: longest, Release: signature,
	}
}

var signed = regexp.MustCompile(`release (\d+\.\d+\.\d+),`)

// signature finds the release that wrote a body: every page of the story has one, also
// the error that a broken page leads to. An answer of the gateway has none.
func signature(body []byte) string {
	if found := signed.FindSubmatch(body); found != nil {
		return string(found[1])
	}
	return ""
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) + "s" }
