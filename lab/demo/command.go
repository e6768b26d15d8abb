package demo

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

// A setting is what a command line and its environment say.
type setting struct {
	existing bool
	keep     bool
	rate     int
	site     Site // of an existing cluster
}

// Main is the program: it plays the story and returns the exit status, 0 only if all rows
// are as expected.
func Main(ctx context.Context, args []string) int {
	s, err := read(args, os.Getenv, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = s.run(ctx, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		return 1
	}
	return 0
}

func read(args []string, env func(string) string, usage io.Writer) (setting, error) {
	var s setting
	set := flag.NewFlagSet("demo", flag.ContinueOnError)
	set.SetOutput(usage)
	where := set.String("cluster", env("CLUSTER"), "existing: use the cluster of KUBECONFIG, on which Serin, a Gateway and Prometheus are; empty: the lab")
	set.BoolVar(&s.keep, "keep", env("KEEP") == "1", "leave everything running in the end (KEEP=1)")
	set.IntVar(&s.rate, "rate", Tale().Rate, "requests a second; fewer make the measured shares less sure")
	set.StringVar(&s.site.Kubeconfig, "kubeconfig", env("KUBECONFIG"), "of an existing cluster")
	set.StringVar(&s.site.Gateway, "url", env("GATEWAY_URL"), "of an existing cluster: where this machine reaches the gateway")
	set.StringVar(&s.site.Host, "host", env("GATEWAY_HOST"), "of an existing cluster: Host header of the requests, if not the one of the URL")
	gateway := set.String("gateway", env("GATEWAY"), "of an existing cluster: namespace/name of the Gateway")
	set.StringVar(&s.site.PrometheusInside, "prometheus", env("PROMETHEUS_URL"), "of an existing cluster: where Serin reaches Prometheus")
	set.StringVar(&s.site.Podinfo, "podinfo", "ghcr.io/stefanprodan/podinfo:6.9.2", "of an existing cluster: image of the application")
	set.StringVar(&s.site.Serin.Namespace, "serin-namespace", operatorNamespace, "of an existing cluster: where Serin's pods are")
	s.site.Serin.Selector = operatorSelector
	if err := set.Parse(args); err != nil {
		return s, err
	}
	s.site.Kubectl = "kubectl"
	switch *where {
	case "":
		return s, nil
	case "existing":
		s.existing = true
		return s, s.completeSite(*gateway)
	default:
		return s, fmt.Errorf("there is no cluster %q: say CLUSTER=existing for that of KUBECONFIG, or nothing for the lab", *where)
	}
}

// labName is the lab of the demo; make lab-down ends it, too.
const labName = "serin"

// operatorSelector finds the operator's pods, as the chart labels them.
const operatorSelector = "app.kubernetes.io/name=flagger"

// operatorNamespace is where Serin goes, and where it is looked for.
const operatorNamespace = "serin-system"

// completeSite checks that all is said that cannot be guessed.
func (s *setting) completeSite(gateway string) error {
	var found bool
	s.site.GatewayNamespace, s.site.GatewayName, found = strings.Cut(gateway, "/")
	var missing []string
	for _, need := range []struct {
		said bool
		what string
	}{
		{s.site.Kubeconfig != "", "KUBECONFIG (path)"},
		{found, "GATEWAY (namespace/name)"},
		{s.site.Gateway != "", "GATEWAY_URL (where this machine reaches it)"},
		{s.site.PrometheusInside != "", "PROMETHEUS_URL (where Serin reaches it)"},
	} {
		if !need.said {
			missing = append(missing, need.what)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("to use an existing cluster, say also %s", strings.Join(missing, ", "))
	}
	return nil
}

func (s setting) stage() (Stage, error) {
	if s.existing {
		return &existing{site: s.site}, nil
	}
	return Lab(labName, s.keep)
}

func (s setting) run(ctx context.Context, out *os.File) (err error) {
	// Watches that begin again would write into the picture.
	klog.SetLogger(logr.Discard())
	stage, err := s.stage()
	if err != nil {
		return err
	}
	site, err := stage.Raise(ctx)
	if err != nil {
		return err
	}
	if !s.keep {
		defer func() {
			const limit = time.Minute
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
			defer cancel()
			err = errors.Join(err, stage.Strike(ending))
		}()
	}
	story := Tale()
	story.Rate = s.rate
	rows, err := Play(ctx, story, site, out)
	if err == nil && !story.AsExpected(rows) {
		err = errors.New("not everything was as expected")
	}
	if s.keep {
		_, writeErr := io.WriteString(out, s.hints(site))
		err = errors.Join(err, writeErr)
	}
	return err
}

// Play plays the story on a site that is there, shows it, and writes its table.
func Play(ctx context.Context, story Story, site Site, out *os.File) ([]Row, error) {
	connected, err := connect(site.Kubeconfig)
	if err != nil {
		return nil, err
	}
	p := &player{story: story, site: site, cluster: connected, screen: newScreen(out, os.Getenv)}
	err = p.play(ctx)
	err = errors.Join(err, p.screen.close())
	if len(p.rows) > 0 {
		fmt.Fprintln(out)
		err = errors.Join(err, WriteTable(out, p.rows))
	}
	if err != nil && ctx.Err() == nil {
		err = errors.Join(err, p.explain(ctx, os.Stderr))
	}
	return p.rows, err
}

func (s setting) hints(site Site) string {
	end := "make lab-down"
	if s.existing {
		end = site.Kubectl + " delete namespace " + Namespace
	}
	return fmt.Sprintf(`
Everything is still running. To look at it:

  export KUBECONFIG=%s
  %[2]s -n %[3]s get canary,deployment,httproute
  %[2]s -n %[3]s describe canary podinfo
  %[2]s -n %[4]s logs -l %[5]s
  curl -A Mozilla %[6]s

To release something:  %[2]s -n %[3]s patch deployment podinfo -p \
  '{"spec":{"template":{"metadata":{"annotations":{"page":"release 5.0.0, pod {{.Title}}"}}}}}'
To end it:             %[7]s
`, site.Kubeconfig, site.Kubectl, Namespace, site.Serin.Namespace, site.Serin.Selector, site.Gateway, end)
}
