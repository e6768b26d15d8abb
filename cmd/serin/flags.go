package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"github.com/serinhq/serin/controller"
)

// settings are the flags as given.
type settings struct {
	kubeconfig, master, meshKubeconfig string
	qps, burst                         int
	metricsServer                      string
	loopInterval                       time.Duration
	logLevel, encoding                 string
	replaceGlobals                     bool
	port                               string
	slackURL, slackToken, slackProxy   string
	slackUser, slackChannel            string
	teamsURL, teamsProxy               string
	eventWebhook                       string
	includeLabels                      string
	threads                            int
	probes                             int
	namespace                          string
	meshProvider                       string
	selectorLabels                     string
	ingressPrefix, ingressClass        string
	leaderElection                     bool
	mostReleases, mostPerNamespace     int
	leaderElectionNamespace            string
	configTracking                     bool
	clusterName                        string
	noCrossNamespace                   bool
	version                            bool
}

// parse reads flags, then the environment, which wins where it is not empty.
func parse(args []string, getenv func(string) string, stderr io.Writer) (settings, error) {
	var s settings
	set := s.flags(stderr)
	if err := set.Parse(args); err != nil {
		return s, err
	}
	if set.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q: flags begin with a dash", set.Arg(0))
	}
	for name, into := range s.environment() {
		if value := getenv(name); value != "" {
			*into = value
		}
	}
	return s, s.validate()
}

// flags are all that there are, bound to the settings.
func (s *settings) flags(stderr io.Writer) *flag.FlagSet {
	set := flag.NewFlagSet("serin controller", flag.ContinueOnError)
	set.SetOutput(stderr)
	s.connection(set)
	s.behaviour(set)
	s.notices(set)
	klogFlags(set)
	return set
}

// environment is the setting behind each variable.
func (s *settings) environment() map[string]*string {
	return map[string]*string{
		"SLACK_URL": &s.slackURL, "SLACK_TOKEN": &s.slackToken, "SLACK_PROXY_URL": &s.slackProxy,
		"MSTEAMS_URL": &s.teamsURL, "MSTEAMS_PROXY_URL": &s.teamsProxy, "EVENT_WEBHOOK_URL": &s.eventWebhook,
	}
}

func (s *settings) connection(set *flag.FlagSet) {
	set.StringVar(&s.kubeconfig, "kubeconfig", "", "kubeconfig file; empty inside a cluster")
	set.IntVar(&s.qps, "kubeconfig-qps", 1000, "requests per second to the API server, on average; the server has a fairer limit of its own")
	set.IntVar(&s.burst, "kubeconfig-burst", 2000, "requests to the API server in a burst")
	set.StringVar(&s.master, "master", "", "URL of the API server, instead of the one in the kubeconfig")
	set.StringVar(&s.meshKubeconfig, "kubeconfig-service-mesh", "", "kubeconfig of a second cluster for routes; not available in this version")
	set.StringVar(&s.port, "port", "8080", "port of /metrics, /healthz and /readyz")
	set.StringVar(&s.logLevel, "log-level", "debug", "debug, info, warn or error")
	set.StringVar(&s.encoding, "zap-encoding", "json", "log format: json or console")
	set.BoolVar(&s.replaceGlobals, "zap-replace-globals", false, "accepted, without effect")
	set.BoolVar(&s.leaderElection, "enable-leader-election", false, "act only while holding the lease flagger-leader-election")
	set.StringVar(&s.leaderElectionNamespace, "leader-election-namespace", "kube-system", "namespace of the lease; -namespace wins")
	set.BoolVar(&s.version, "version", false, "print the version and exit")
}

func (s *settings) behaviour(set *flag.FlagSet) {
	set.StringVar(&s.metricsServer, "metrics-server", "http://prometheus:9090", "base URL of the default Prometheus")
	set.DurationVar(&s.loopInterval, "control-loop-interval", 10*time.Second, "accepted, without effect: canaries are worked on when something happens")
	set.IntVar(&s.threads, "threadiness", 2, "canaries worked on at once, at least 16: a worker does little but wait for the API server")
	set.IntVar(&s.probes, "probes", 64, "hooks and metric queries under way at once")
	set.StringVar(&s.namespace, "namespace", "", "namespace to watch; empty for all")
	set.StringVar(&s.meshProvider, "mesh-provider", "istio", "traffic provider of canaries that name none")
	set.StringVar(&s.selectorLabels, "selector-labels", "app,name,app.kubernetes.io/name", "label keys by which workloads select their pods, comma-separated; the first that is present counts")
	set.StringVar(&s.includeLabels, "include-label-prefix", "", "prefixes of labels and annotations that are copied to primaries, comma-separated; * for all")
	set.StringVar(&s.ingressPrefix, "ingress-annotations-prefix", "nginx.ingress.kubernetes.io", "prefix of the annotations of nginx")
	set.StringVar(&s.ingressClass, "ingress-class", "", "class of the HTTPProxies of contour; empty for none")
	set.BoolVar(&s.configTracking, "enable-config-tracking", true, "treat ConfigMaps and Secrets that a workload uses as part of its revision and give its primary copies of them; false lets both sides share them")
	set.IntVar(&s.mostReleases, "max-releases", 0, "releases under way at once, the others wait in the order in which they came; 0 for any number")
	set.IntVar(&s.mostPerNamespace, "max-releases-per-namespace", 0, "the same within one namespace, whose annotation serin.dev/max-releases says otherwise; 0 for any number")
	set.StringVar(&s.clusterName, "cluster-name", "", "name of the cluster in alerts")
	set.BoolVar(&s.noCrossNamespace, "no-cross-namespace-refs", false, "block references to other namespaces")
}

func (s *settings) notices(set *flag.FlagSet) {
	const later = "; alerts are not available in this version"
	set.StringVar(&s.slackURL, "slack-url", "", "Slack webhook (SLACK_URL)"+later)
	set.StringVar(&s.slackToken, "slack-token", "", "Slack token (SLACK_TOKEN)"+later)
	set.StringVar(&s.slackProxy, "slack-proxy-url", "", "proxy for Slack (SLACK_PROXY_URL)"+later)
	set.StringVar(&s.slackUser, "slack-user", "flagger", "Slack user"+later)
	set.StringVar(&s.slackChannel, "slack-channel", "", "Slack channel"+later)
	set.StringVar(&s.teamsURL, "msteams-url", "", "Teams webhook (MSTEAMS_URL)"+later)
	set.StringVar(&s.teamsProxy, "msteams-proxy-url", "", "proxy for Teams (MSTEAMS_PROXY_URL)"+later)
	set.StringVar(&s.eventWebhook, "event-webhook", "", "URL that gets every event of canaries without an event hook of their own (EVENT_WEBHOOK_URL)")
}

// klogFlags accepts the flags of the Kubernetes libraries' logger.
func klogFlags(set *flag.FlagSet) {
	all := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(all)
	all.VisitAll(func(f *flag.Flag) {
		if set.Lookup(f.Name) == nil {
			set.Var(f.Value, f.Name, f.Usage)
		}
	})
}

// validate refuses what would be ignored.
func (s *settings) validate() error {
	later := map[string]string{
		"-kubeconfig-service-mesh": s.meshKubeconfig, "-slack-url": s.slackURL, "-slack-token": s.slackToken,
		"-msteams-url": s.teamsURL,
	}
	for _, name := range slices.Sorted(maps.Keys(later)) {
		if later[name] != "" {
			return fmt.Errorf("%s is not available in this version: leave it (and its environment variable) out", name)
		}
	}
	if port, err := strconv.Atoi(s.port); err != nil || port < 0 || port > 65535 {
		return fmt.Errorf("-port %q is not a port; give a number from 0 to 65535", s.port)
	}
	if s.qps <= 0 || s.burst <= 0 || s.threads <= 0 || s.probes <= 0 {
		return errors.New("-kubeconfig-qps, -kubeconfig-burst, -threadiness and -probes must be positive")
	}
	if s.mostReleases < 0 || s.mostPerNamespace < 0 {
		return errors.New("-max-releases and -max-releases-per-namespace must not be negative; 0 is any number")
	}
	if s.encoding != "json" && s.encoding != "console" {
		return fmt.Errorf("-zap-encoding %q is unknown; give json or console", s.encoding)
	}
	return nil
}

// leastWorkers keep the API server busy when many releases begin at once. With the two
// that -threadiness says by default, which are the reference's, every request of a release
// waits for those of all others (docs/performance.md).
const leastWorkers = 16

// options connects the settings to a cluster.
func (s *settings) options(logs io.Writer) (controller.Options, error) {
	config, err := s.config()
	if err != nil {
		return controller.Options{}, err
	}
	namespace := s.leaderElectionNamespace
	if s.namespace != "" {
		namespace = s.namespace
	}
	return controller.Options{
		Version: version, Config: config, Namespace: s.namespace,
		MeshProvider: s.meshProvider, MetricsServer: s.metricsServer,
		Selectors: list(s.selectorLabels), Include: list(s.includeLabels),
		IngressPrefix: s.ingressPrefix, IngressClass: s.ingressClass,
		ConfigTracking: s.configTracking, SameNamespace: s.noCrossNamespace, EventWebhook: s.eventWebhook,
		MostReleases: s.mostReleases, MostReleasesNamespace: s.mostPerNamespace,
		LeaderElection: s.leaderElection, LeaderElectionNamespace: namespace,
		Workers: max(s.threads, leastWorkers), Probes: s.probes, Address: ":" + s.port,
		Log: logger(logs, s.logLevel, s.encoding), Now: time.Now,
	}, nil
}

func (s *settings) config() (*rest.Config, error) {
	config, err := rest.InClusterConfig()
	if s.master != "" || s.kubeconfig != "" {
		config, err = clientcmd.BuildConfigFromFlags(s.master, s.kubeconfig)
	}
	if err != nil {
		return nil, fmt.Errorf("find the cluster (flags -kubeconfig and -master, or inside a pod): %w", err)
	}
	config.QPS, config.Burst = float32(s.qps), s.burst
	config.UserAgent = "serin/" + version
	// The API server repeats its warnings with every write of an object; what a
	// person should know about one is in its condition.
	config.WarningHandlerWithContext = rest.NoWarnings{}
	return config, nil
}

// list parses a comma-separated flag; spaces do not count.
func list(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}
