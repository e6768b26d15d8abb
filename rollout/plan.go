package rollout

import "time"

// Revision names one meaning of the workload's pod template. Two revisions are
// the same release exactly if they are equal. The zero value means none.
type Revision string

// Strategy is the name under which a plan is counted and announced.
type Strategy string

// The strategies, spelt as in the metric label deployment_strategy.
const (
	Canary    Strategy = "canary"
	BlueGreen Strategy = "blue-green"
	ABTesting Strategy = "ab-testing"
)

// Subject names what is released, for words only.
type Subject struct {
	Name, Namespace string // of the Canary
	Target, Kind    string // of the workload, for example podinfo and Deployment
	Provider        string // traffic provider, for example gatewayapi:v1
	Metrics         string // name of the metrics provider used by the built-in checks
}

// A Plan is a compiled Canary: what a release of it goes through. It is a
// value; api.Compile makes it and nothing changes it.
type Plan struct {
	Subject
	Strategy Strategy

	// Steps is what a release goes through. The first one, the arrival, keeps
	// all traffic at home while the canary comes up; the last one ends with
	// the promotion. There is always at least one.
	Steps []Step

	// Back lists the routes by which traffic returns to the promoted primary,
	// one Interval each. Empty means at once.
	Back []Route

	// Confirm says that confirm-rollout hooks must be open before a release
	// starts; Rollback that rollback hooks are asked while one runs; After that
	// post-rollout hooks are called when it ended.
	Confirm, Rollback, After bool

	Interval  time.Duration // between two looks at the same question, at least 10 s
	Deadline  time.Duration // longest wait for pods or data in one step
	Drain     time.Duration // from the last request routed to a side to its removal
	Threshold int           // failed checks that undo the release, at least 1

	Warnings []string // what the plan does differently from what was asked, in whole sentences

	Skip    bool // promote without analysis
	Suspend bool // freeze: decide and apply nothing

	// Cookie keeps users on the canary, PrimaryCookie on the primary; empty for none.
	Cookie, PrimaryCookie string
	Routes                bool // false for a provider that cannot route (kubernetes)
}

// A Step is one look of the analysis: a route, and what must hold to leave it. A
// stage that lasts longer than an interval is several steps with one route.
type Step struct {
	Route Route
	Hold  time.Duration // from entering the step to its first check
	Check Probe         // what must pass to leave the step; empty for none
	Gates []Probe       // what must be open to leave the step, asked in order once Check passed
	Enter Entry         // how entering the step is announced
	Name  string        // of the stage, by which a person approves it; empty for none
}

// Entry says what happens when a step is entered; it selects the words.
type Entry int8

// The entries. The zero value is not announced.
const (
	Arrive  Entry = iota // the canary comes up, no traffic yet
	Advance              // weight or iteration goes up
	Switch               // all traffic goes to the canary (blue/green)
	Settle               // one more look without a new route (blue/green without a router)
	Warm                 // the pods are there and get time before the first traffic
	Stay                 // one more look at the stage that the step before began
	Bake                 // all traffic is on the canary, the former revision stays ready
)

// Full is all of the traffic. Shares are counted in tenths of a percent.
const Full = 1000

// Percent is a share of so many percent.
func Percent(percent int) int { return percent * Full / 100 }

// Route is a division of the traffic between the two ends.
type Route struct {
	Primary, Canary int  // shares of the requests; they sum to Full
	Mirror          int  // share of the requests copied to the canary, their answers dropped
	Match           bool // the shares hold for matching requests only; all others go to the primary
	Cookies         Cookies
}

// Cookies keep a user on the side that served the first request. They are the
// values alone; their names are the plan's business.
type Cookies struct {
	Canary, Primary string // of the release under way; empty between releases
	Previous        string // of the release before, which users are told to drop
}

// home is the route of every canary at rest: all traffic on the primary.
var home = Route{Primary: Full}

// granted is the share of all users that the route sends to the canary.
func (r Route) granted() int {
	if r.Match {
		return 0
	}
	return r.Canary
}

// Weights are the two shares as the numbers that people expect to find in a
// route: percent where both are whole percents, tenths of a percent otherwise.
func (r Route) Weights() (primary, canary int) {
	if unit := Percent(1); r.Primary%unit == 0 && r.Canary%unit == 0 {
		return r.Primary / unit, r.Canary / unit
	}
	return r.Primary, r.Canary
}

// Split returns the route that gives the canary the given share.
func Split(canary int) Route { return Route{Primary: Full - canary, Canary: canary} }

// A Probe is a question that only slow work can answer: hooks and metrics.
type Probe string

// The probes. Hooks are named by their wire type; Checks are the rollout hooks
// and all metrics together, asked in one go.
const (
	ConfirmRollout         Probe = "confirm-rollout"
	PreRollout             Probe = "pre-rollout"
	Checks                 Probe = "checks"
	ConfirmTrafficIncrease Probe = "confirm-traffic-increase"
	ConfirmPromotion       Probe = "confirm-promotion"
	RollbackHook           Probe = "rollback"
	PostRollout            Probe = "post-rollout"
	Online                 Probe = "online"   // do the metrics backends answer at all
	Approval               Probe = "approval" // a pause of the plan that only a person ends; never asked
)

// Verdict is three-valued: no data is not bad data, and a dead metrics server
// is neither.
type Verdict int8

// The verdicts. The zero value is Unknown.
const (
	Unknown Verdict = iota
	Pass
	Fail
)

// An Answer is what a probe found. Findings say why, in the order in which the
// user listed the hooks and metrics.
type Answer struct {
	Verdict  Verdict
	Findings []Finding
}

// Source says what kind of thing a Finding is about; it selects the words.
type Source int8

// The sources.
const (
	FromHook        Source = iota // one webhook
	FromSuccessRate               // built-in request-success-rate, percent
	FromDuration                  // built-in request-duration, milliseconds
	FromQuery                     // inline query
	FromTemplate                  // MetricTemplate
	FromSetup                     // a metric that cannot be asked at all; Err is the whole sentence
)

// Bound says which limit a value broke.
type Bound int8

// The bounds.
const (
	Within Bound = iota
	BelowMin
	AboveMax
)

// A Finding is one result inside an Answer.
type Finding struct {
	Source  Source
	Name    string  // of the hook or metric
	Verdict Verdict // Unknown for no data and for a backend that did not answer
	Value   float64 // of a metric, in its Source's unit
	Limit   float64 // the limit that was broken, same unit
	Bound   Bound
	NoData  bool   // the backend answered, and had no values
	Err     string // why it failed or is unknown, without secrets
}
