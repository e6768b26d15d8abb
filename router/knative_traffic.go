package router

import (
	"errors"
	"fmt"
	"slices"

	"github.com/serinhq/serin/rollout"
)

// knativeDivision reads the route from the targets of a Knative Service. The canary is
// what follows the latest Revision, by its flag and not by a name: right after a
// promotion both ends are the same Revision.
func knativeDivision(targets []knativeTarget, pinned string) (rollout.Route, error) {
	var primary, canary []int
	for i, target := range targets {
		switch {
		case target.LatestRevision:
			canary = append(canary, target.Percent)
		case target.RevisionName == pinned && pinned != "":
			primary = append(primary, target.Percent)
		default:
			return rollout.Route{}, fmt.Errorf("traffic[%d] leads to %s, which is neither the latest Revision nor the primary", i, target.RevisionName)
		}
	}
	if pinned == "" || len(primary) > 1 || len(canary) > 1 {
		return rollout.Route{}, fmt.Errorf("%d targets are the primary %q and %d the latest Revision", len(primary), pinned, len(canary))
	}
	home, away := append(primary, 0)[0], append(canary, 0)[0] // a broken one is left out
	if home < 0 || away < 0 || home+away != 100 {
		return rollout.Route{}, errors.New("the percents do not sum to 100")
	}
	return rollout.Split(rollout.Percent(away)), nil
}

// served reports whether requests are divided as the spec of this generation says.
// What the latest Revision gets must go to the one that was created last: Knative
// leads it to the one before until that is ready, and its checks would judge that one.
func (k knativeLive) served(generation int64, route rollout.Route) bool {
	ready := slices.Contains(k.Status.Conditions, knativeCondition{Type: "RoutesReady", Status: "True"})
	if !ready || k.Status.ObservedGeneration != generation {
		return false
	}
	canary, all := 0, 0
	for _, target := range k.Status.Traffic {
		all += target.Percent
		switch {
		case !target.LatestRevision:
		case target.Percent > 0 && target.RevisionName != k.Status.LatestCreatedRevisionName:
			return false
		default:
			canary += target.Percent
		}
	}
	return all == 100 && rollout.Percent(canary) == route.Canary
}
