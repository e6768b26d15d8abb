package rollout

import "time"

// Phase is the stage of a Canary, spelt as in status.phase.
type Phase string

// The phases. The zero value is a Canary that was never looked at.
const (
	New              Phase = ""
	Initializing     Phase = "Initializing"
	Initialized      Phase = "Initialized"
	Waiting          Phase = "Waiting"
	Progressing      Phase = "Progressing"
	WaitingPromotion Phase = "WaitingPromotion"
	Promoting        Phase = "Promoting"
	Finalising       Phase = "Finalising"
	Succeeded        Phase = "Succeeded"
	Failed           Phase = "Failed"
	Terminating      Phase = "Terminating"
)

// resting reports whether the phase waits for a new revision.
func (p Phase) resting() bool { return p == Initialized || p == Succeeded || p == Failed }

// analysing reports whether the phase goes through the steps of the plan.
func (p Phase) analysing() bool { return p == Progressing || p == WaitingPromotion }

// Side is one of the two ends of the traffic.
type Side int8

// The sides. The zero value is the primary.
const (
	OnPrimary Side = iota
	OnCanary
)

// Effects is a set of things begun and not yet known to be done.
type Effects uint8

// The effects.
const (
	Draining Effects = 1 << iota // traffic has left the canary; in-flight requests are given time
	Parking                      // the canary is being scaled to zero
	Hooking                      // post-rollout hooks are being called
)

// Has reports whether all of some are in the set.
func (e Effects) Has(some Effects) bool { return e&some == some }

// State is all that a release remembers. It is comparable, fits in status and
// is the only input about the past: routes are rendered from it, never read back.
type State struct {
	Phase    Phase
	Revision Revision // the one acted on last: being judged, promoted or found bad
	Promoted Revision // the one last found good; none before initialization ended
	Step     int      // index into Plan.Steps; while Promoting, steps of Plan.Back taken; while Terminating, of the way out
	Weight   int      // share of all users on the canary, as last decided
	Attempt  int      // looks at the current step that failed
	Failures int      // failed checks of this release
	Since    time.Time
	Serving  Side  // who holds the traffic when it is not divided
	Paused   bool  // suspend was seen
	Held     bool  // a person paused the release
	Skipped  bool  // the release is promoted without the rest of its analysis
	Opened   Gates // approved by a person, for the current step
	Passed   bool  // the checks of the step passed, only a gate keeps it; no deadline runs
	Pending  Effects
	Cookies  Cookies
}

// Running reports whether a release is under way.
func (s State) Running() bool {
	return s.Phase.analysing() || s.Phase == Promoting || s.Phase == Finalising
}

// Starts reports whether a release would begin if nothing held it back.
func (s State) Starts(target Revision) bool {
	return s.Phase == Waiting || s.Phase.resting() && s.Promoted != "" && changed(s, target)
}

// Health is what is known of the pods of one side.
type Health struct {
	Ready   bool   // rolled out as its readiness rule demands
	Serving bool   // at least one pod is available
	Dead    bool   // its own deadline passed; it will not become ready by waiting
	Reason  string // why it is not ready, in the workload's words
}

// Observation is everything Next may know about the world.
type Observation struct {
	Now     time.Time
	Target  Revision // what the workload asks for now; none if it could not be read
	Copied  Revision // what the primary is made from; none if there is no primary
	Primary Health
	Canary  Health
	Routed  bool   // the data plane serves Want(plan, state).Route
	Refusal string // what the route's own status has against it; empty if nothing, or if it is Routed
	Parked  bool   // the canary asks for no pods
	Answers map[Probe]Answer

	Wishes  []Wish // what people ask for and nobody has heard yet
	Queued  string // why a new release must wait for others; empty if it need not
	Token   string // fresh random letters, for a cookie
	Deleted bool   // the Canary is being deleted, and its workload is to be given back
}

// verdict of a probe; Unknown if it was not answered.
func (o Observation) verdict(p Probe) Verdict { return o.Answers[p].Verdict }

// Scale says what to do with the replicas of the canary.
type Scale int8

// The scales. The zero value leaves the replicas to whoever set them.
const (
	Leave Scale = iota
	Up
	Zero
)

// Desired is what the world should look like in a state. It may be applied
// again at any time.
type Desired struct {
	Route   Route
	Expose  bool     // the apex service and the route exist and follow Route
	Primary Revision // what the primary runs; none leaves it as it is
	Canary  Scale
	Share   int  // of the traffic that the canary must be able to carry
	Trying  bool // a release is under way, or its last requests are
	Release Release
}

// Release says how far the apex service and the routes are given back to the
// workload. They name it before they lead to it, because a data plane may need a
// moment to know it.
type Release int8

// The stages of a release of the workload. The zero value keeps it.
const (
	Kept Release = iota
	Named
	Served // all requests go to it, the former ends are still named
	Alone
)

// Gates is a set of gates that are open whatever their hooks say.
type Gates uint8

// gateBits lists every gate that a person can open; its order is the bit.
var gateBits = [...]Probe{ConfirmRollout, PreRollout, ConfirmTrafficIncrease, ConfirmPromotion, Approval}

func bit(gate Probe) Gates {
	for i, probe := range gateBits {
		if probe == gate {
			return 1 << i
		}
	}
	return 0
}

// Has reports whether the gate is in the set.
func (g Gates) Has(gate Probe) bool { return g&bit(gate) != 0 }

// With returns the set with the gate in it.
func (g Gates) With(gate Probe) Gates { return g | bit(gate) }

// All returns the gates of the set.
func (g Gates) All() []Probe {
	var all []Probe
	for _, gate := range gateBits {
		if g.Has(gate) {
			all = append(all, gate)
		}
	}
	return all
}

// An Ask is a probe with the time from which it may be asked.
type Ask struct {
	Probe Probe
	After time.Time
	Every time.Duration // how long an answer holds; then it is asked again
	Ready bool          // ask only while both sides are ready
}

// Asks lists what must be observed before a state can move. The shell asks
// Chain in order and goes on only behind a Pass; Watch is asked beside it.
type Asks struct {
	Chain []Ask
	Watch []Ask
}
