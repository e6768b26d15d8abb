package controller

import (
	"log/slog"
	"time"

	"k8s.io/client-go/rest"
)

// Options are the operator's settings, one for each flag of the same meaning.
type Options struct {
	Version string // shown in flagger_info

	Config    *rest.Config
	Namespace string // watched; empty for all

	MeshProvider  string   // default provider of a Canary
	MetricsServer string   // default Prometheus, base URL
	Selectors     []string // label keys by which a workload selects its pods, first match counts
	Include       []string // prefixes of labels and annotations copied to primaries, "*" for all

	IngressPrefix string // of the annotations of nginx, without the slash
	IngressClass  string // of HTTPProxies; empty for none

	ConfigTracking bool // ConfigMaps and Secrets are part of a revision, and primaries have copies of them
	SameNamespace  bool // block references to other namespaces
	EventWebhook   string

	MostReleases          int // at once in all namespaces; 0 for any number
	MostReleasesNamespace int // at once in one namespace, unless its annotation says otherwise

	LeaderElection          bool
	LeaderElectionNamespace string

	Workers int    // canaries worked on at once
	Probes  int    // hooks and queries under way at once
	Address string // of the HTTP server for metrics and health, for example :8080

	Log *slog.Logger

	// Now is the clock; it is read only when the world is observed.
	Now func() time.Time

	// Pace is how many times faster Now goes than the timers of the machine; 0 is
	// as fast. It is for tests, whose clock makes an interval of ten seconds short:
	// what is due by Now is waited for by a timer that is shorter by as much.
	Pace int
}

// The names by which other software knows the operator; they are the reference's.
const (
	manager   = "serin"                   // field manager of every object
	component = "flagger"                 // source of events
	lease     = "flagger-leader-election" // excludes the reference operator, too
	reason    = "Synced"                  // of every event
)

// clock truncates to what status can hold, so that a time read back is equal.
func (o Options) clock() time.Time { return o.Now().UTC().Round(0) }
