package v1beta1

import (
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/serinhq/serin/rollout"
)

// Drain is how long requests under way are given before the pods they are on
// may go.
const Drain = 2 * time.Second

// Features says what the operator at hand can do for one Canary.
type Features struct {
	Provider          string   // the traffic provider in effect: Canary.Provider of the -mesh-provider
	Available         []string // all providers at hand, named when Provider is none of them
	Metrics           string   // name of the metrics provider of the built-in checks, for words
	Routes            bool     // the provider routes at all; false for kubernetes
	Weight            bool     // it divides requests by weight
	Mirror            bool     // it can copy requests to the canary
	Match             bool     // it can limit a route to matching requests
	Parents           bool     // it attaches routes to spec.service.gatewayRefs, and needs one
	SameNamespaceOnly bool     // -no-cross-namespace-refs
}

// Compile turns a Canary into the plan of its releases. The errors name field,
// value and remedy; they are about the spec alone, so trying again does not help.
// The plan is to be used only if there are none.
func Compile(c *Canary, f Features) (rollout.Plan, field.ErrorList) {
	return rollout.Plan{}, nil
}
