package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func none(string) string { return "" }

func defaults() settings {
	return settings{
		qps: 1000, burst: 2000, metricsServer: "http://prometheus:9090", loopInterval: 10 * time.Second,
		logLevel: "debug", encoding: "json", port: "8080", slackUser: "flagger", threads: 2, probes: 64,
		meshProvider: "istio", selectorLabels: "app,name,app.kubernetes.io/name",
		ingressPrefix: "nginx.ingress.kubernetes.io", leaderElectionNamespace: "kube-system", configTracking: true,
	}
}

// flags are those of the operator that Serin replaces, each with its default and
// another value that this version accepts.
var flags = []struct {
	name, initial, other string
	set                  func(*settings)
}{
	{"kubeconfig", "", "/k", func(s *settings) { s.kubeconfig = "/k" }},
	{"kubeconfig-qps", "1000", "5", func(s *settings) { s.qps = 5 }},
	{"kubeconfig-burst", "2000", "6", func(s *settings) { s.burst = 6 }},
	{"master", "", "https://m", func(s *settings) { s.master = "https://m" }},
	{"kubeconfig-service-mesh", "", "", nil},
	{"metrics-server", "http://prometheus:9090", "http://p", func(s *settings) { s.metricsServer = "http://p" }},
	{"control-loop-interval", "10s", "1m", func(s *settings) { s.loopInterval = time.Minute }},
	{"log-level", "debug", "info", func(s *settings) { s.logLevel = "info" }},
	{"zap-encoding", "json", "console", func(s *settings) { s.encoding = "console" }},
	{"zap-replace-globals", "false", "true", func(s *settings) { s.replaceGlobals = true }},
	{"port", "8080", "9090", func(s *settings) { s.port = "9090" }},
	{"slack-url", "", "", nil},
	{"slack-token", "", "", nil},
	{"slack-proxy-url", "", "http://x", func(s *settings) { s.slackProxy = "http://x" }},
	{"slack-user", "flagger", "u", func(s *settings) { s.slackUser = "u" }},
	{"slack-channel", "", "c", func(s *settings) { s.slackChannel = "c" }},
	{"msteams-url", "", "", nil},
	{"msteams-proxy-url", "", "http://x", func(s *settings) { s.teamsProxy = "http://x" }},
	{"event-webhook", "", "http://e", func(s *settings) { s.eventWebhook = "http://e" }},
	{"include-label-prefix", "", "app.", func(s *settings) { s.includeLabels = "app." }},
	{"threadiness", "2", "8", func(s *settings) { s.threads = 8 }},
	{"namespace", "", "n", func(s *settings) { s.namespace = "n" }},
	{"mesh-provider", "istio", "kubernetes", func(s *settings) { s.meshProvider = "kubernetes" }},
	{"selector-labels", "app,name,app.kubernetes.io/name", "k8s-app", func(s *settings) { s.selectorLabels = "k8s-app" }},
	{"ingress-annotations-prefix", "nginx.ingress.kubernetes.io", "x", func(s *settings) { s.ingressPrefix = "x" }},
	{"ingress-class", "", "c", func(s *settings) { s.ingressClass = "c" }},
	{"enable-leader-election", "false", "true", func(s *settings) { s.leaderElection = true }},
	{"leader-election-namespace", "kube-system", "n", func(s *settings) { s.leaderElectionNamespace = "n" }},
	{"max-releases", "0", "20", func(s *settings) { s.mostReleases = 20 }},
	{"max-releases-per-namespace", "0", "2", func(s *settings) { s.mostPerNamespace = 2 }},
	{"enable-config-tracking", "true", "false", func(s *settings) { s.configTracking = false }},
	{"cluster-name", "", "c", func(s *settings) { s.clusterName = "c" }},
	{"no-cross-namespace-refs", "false", "true", func(s *settings) { s.noCrossNamespace = true }},
	{"version", "false", "true", func(s *settings) { s.version = true }},
	{"probes", "64", "3", func(s *settings) { s.probes = 3 }}, // our own
}

func TestFlags(t *testing.T) {
	check := func(args []string, want settings) {
		t.Helper()
		got, err := parse(args, none, io.Discard)
		if err != nil {
			t.Errorf("%q: %v", args, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(settings{})); diff != "" {
			t.Errorf("%q, -want +got\n%s", args, diff)
		}
	}
	check(nil, defaults())
	for _, f := range flags {
		for _, dash := range []string{"-", "--"} {
			check([]string{dash + f.name + "=" + f.initial}, defaults())
			if f.set != nil {
				want := defaults()
				f.set(&want)
				check([]string{dash + f.name + "=" + f.other}, want)
			}
		}
	}
	check([]string{"-v=2", "-logtostderr=true", "--stderrthreshold=INFO"}, defaults()) // of the libraries' logger
	check([]string{"-namespace", "n"}, func() settings { s := defaults(); s.namespace = "n"; return s }())
}

func TestEnvironmentWinsWhereItIsNotEmpty(t *testing.T) {
	for _, c := range []struct {
		reason, flag, env, want string
	}{
		{"only the flag", "http://flag", "", "http://flag"},
		{"only the environment", "", "http://env", "http://env"},
		{"both", "http://flag", "http://env", "http://env"},
		{"neither", "", "", ""},
	} {
		for name, of := range map[string]struct {
			flag string
			got  func(settings) string
		}{
			"EVENT_WEBHOOK_URL": {"event-webhook", func(s settings) string { return s.eventWebhook }},
			"SLACK_PROXY_URL":   {"slack-proxy-url", func(s settings) string { return s.slackProxy }},
			"MSTEAMS_PROXY_URL": {"msteams-proxy-url", func(s settings) string { return s.teamsProxy }},
			"SLACK_URL":         {"slack-url", func(s settings) string { return s.slackURL }},
			"SLACK_TOKEN":       {"slack-token", func(s settings) string { return s.slackToken }},
			"MSTEAMS_URL":       {"msteams-url", func(s settings) string { return s.teamsURL }},
		} {
			env := func(key string) string { return map[string]string{name: c.env}[key] }
			got, err := parse([]string{"-" + of.flag + "=" + c.flag}, env, io.Discard)
			if of.got(got) != c.want {
				t.Errorf("%s of %s: %q, want %q", c.reason, name, of.got(got), c.want)
			}
			later := name == "SLACK_URL" || name == "SLACK_TOKEN" || name == "MSTEAMS_URL"
			if refused := err != nil; refused != (later && c.want != "") {
				t.Errorf("%s of %s: the error is %v", c.reason, name, err)
			}
		}
	}
}

func TestRefusedSettingsAreNamed(t *testing.T) {
	for _, c := range []struct{ arg, name string }{
		{"-slack-url=http://secret", "-slack-url is not available in this version"},
		{"-slack-token=secret", "-slack-token is not available in this version"},
		{"-msteams-url=http://secret", "-msteams-url is not available in this version"},
		{"-kubeconfig-service-mesh=/secret", "-kubeconfig-service-mesh is not available in this version"},
		{"-port=http", `-port "http" is not a port`},
		{"-port=65536", `-port "65536" is not a port`},
		{"-port=-1", `-port "-1" is not a port`},
		{"-kubeconfig-qps=0", "-kubeconfig-qps"},
		{"-kubeconfig-burst=-1", "-kubeconfig-burst"},
		{"-threadiness=0", "-threadiness"},
		{"-probes=0", "-probes"},
		{"-zap-encoding=xml", `-zap-encoding "xml" is unknown`},
		{"-control-loop-interval=soon", "-control-loop-interval"},
		{"-no-such-flag", "-no-such-flag"},
		{"argument", `unexpected argument "argument"`},
	} {
		_, err := parse([]string{c.arg}, none, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.name) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error is %v, want it to say %q and no value that may be secret", c.arg, err, c.name)
		}
	}
}

func TestOptions(t *testing.T) {
	kubeconfig := filepath.Join(t.TempDir(), "config")
	text := `{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c}}],
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]}`
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		reason string
		args   []string
		lease  string
		watch  string
	}{
		{"the lease is in kube-system", nil, "kube-system", ""},
		{"or where one says", []string{"-leader-election-namespace=leases"}, "leases", ""},
		{"or in the only namespace there is", []string{"-leader-election-namespace=leases", "-namespace=mine"}, "mine", "mine"},
	} {
		s, err := parse(append(c.args, "-kubeconfig="+kubeconfig, "-threadiness=1", "-selector-labels= app , name,",
			"-kubeconfig-qps=7", "-port=0"), none, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		o, err := s.options(io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if o.LeaderElectionNamespace != c.lease || o.Namespace != c.watch {
			t.Errorf("%s: lease in %q, watches %q", c.reason, o.LeaderElectionNamespace, o.Namespace)
		}
		if o.Workers != leastWorkers || o.Address != ":0" || o.Config.QPS != 7 || o.Config.Burst != 2000 || o.Config.Host != "https://127.0.0.1:1" {
			t.Errorf("%s: %+v", c.reason, o)
		}
		if diff := cmp.Diff([]string{"app", "name"}, o.Selectors); diff != "" || o.Include != nil {
			t.Errorf("labels, -want +got\n%s", diff)
		}
	}
}

func TestRun(t *testing.T) {
	for _, name := range []string{"SLACK_URL", "SLACK_TOKEN", "MSTEAMS_URL", "KUBERNETES_SERVICE_HOST"} {
		t.Setenv(name, "")
	}
	for _, c := range []struct {
		reason         string
		args           []string
		code           int
		stdout, stderr string // whole, and a part
	}{
		{"nothing asked", nil, 0, usage, ""},
		{"help", []string{"help"}, 0, usage, ""},
		{"-h", []string{"-h"}, 0, usage, ""},
		{"--help", []string{"--help"}, 0, usage, ""},
		{"version", []string{"version"}, 0, "serin 0.0.0-dev revision unknown\n", ""},
		{"-version in the words that scripts parse", []string{"-version"}, 0, "Flagger version 0.0.0-dev revision  unknown\n", ""},
		{"with two dashes", []string{"--version"}, 0, "Flagger version 0.0.0-dev revision  unknown\n", ""},
		{"with the subcommand", []string{"controller", "-version"}, 0, "Flagger version 0.0.0-dev revision  unknown\n", ""},
		{"flags of the subcommand", []string{"controller", "-help"}, 0, "", "-mesh-provider"},
		{"an unknown command", []string{"frobnicate"}, 2, "", `there is no command "frobnicate"`},
		{"an unknown argument", []string{"controller", "now"}, 2, "", `unexpected argument "now"`},
		{"an unknown flag", []string{"-frobnicate"}, 2, "", "-frobnicate"},
		{"a refused flag", []string{"-slack-url=http://x"}, 2, "", "-slack-url is not available"},
		{"flags without a subcommand are the controller's", []string{"-mesh-provider=kubernetes", "-kubeconfig=/does/not/exist"}, 2, "", "find the cluster"},
		{"nobody at home", []string{"controller", "--master=http://127.0.0.1:1"}, 1, "", "ask the API server for the kind Canary"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), c.args, &stdout, &stderr); code != c.code {
				t.Errorf("exit status %d, want %d", code, c.code)
			}
			if stdout.String() != c.stdout {
				t.Errorf("stdout is %q, want %q", &stdout, c.stdout)
			}
			if !strings.Contains(stderr.String(), c.stderr) || c.stderr == "" && stderr.Len() > 0 {
				t.Errorf("stderr is %q, want %q in it", &stderr, c.stderr)
			}
		})
	}
}
