package controller

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// flagger is the field manager of the reference, which writes by update.
const flagger = "flagger"

// flaggers reports whether some fields of an object are those that Flagger wrote.
func flaggers(fields []metav1.ManagedFieldsEntry) bool {
	return slices.ContainsFunc(fields, func(e metav1.ManagedFieldsEntry) bool {
		return e.Manager == flagger && e.Operation == metav1.ManagedFieldsOperationUpdate && e.Subresource == ""
	})
}

// takeOver makes the fields that Flagger wrote ours, before the first apply of an
// object. Otherwise Flagger would hold them for ever, and a port or a variable
// that is removed would stay. It costs one request in the life of an object: the
// cache keeps the managed fields of what Flagger made (see slim), and of nothing
// that was taken over.
func (r *reconciler) takeOver(ctx context.Context, live *unstructured.Unstructured, object router.Object) error {
	if live == nil || !flaggers(live.GetManagedFields()) {
		return nil
	}
	name := placed(object)
	patch, err := csaupgrade.UpgradeManagedFieldsPatch(live, sets.New(flagger), manager)
	if err != nil {
		return fmt.Errorf("take over the fields of %s: %w", name, err)
	}
	taken := blank(object.GroupVersionKind())
	taken.SetNamespace(object.GetNamespace())
	taken.SetName(object.GetName())
	if err := r.client.Patch(ctx, taken, client.RawPatch(types.JSONPatchType, patch), client.FieldOwner(manager)); err != nil {
		return fmt.Errorf("take over the fields of %s: %w", name, err)
	}
	return nil
}

// adopt reads a status that Flagger wrote in the light of the world. Its hashes
// cannot be compared with ours, and must not start a release of every Canary: what
// the primary runs is what was promoted, and what the workload asks for is what the
// release is about. A hash that stays as it is differs from every revision of ours.
//
//	Initialized, Succeeded       at rest on what the primary runs; if the workload asks for
//	                             something else, it was pushed meanwhile and is released
//	Failed                       the workload's revision is the one that failed
//	Waiting                      the workload's revision waits
//	Progressing, ..Promotion     goes on at the share that the route has, if the workload is
//	                             proven to be what was analysed; else starts again, once
//	Promoting, Finalising        the primary has the new revision already
func (v *view) adopt(state rollout.State) rollout.State {
	if v.canary.Status.Rollout != nil || state.Promoted == "" || workload.Comparable(state.Promoted) {
		return state
	}
	target, copied := v.seen.Target, v.seen.Copied
	switch state.Phase {
	case rollout.Initialized, rollout.Succeeded:
		state.Promoted = cmp.Or(copied, target)
		state.Revision = state.Promoted
	case rollout.Waiting:
		state.Revision, state.Promoted = target, cmp.Or(copied, state.Promoted)
	case rollout.Failed:
		state.Revision = target
		if state.Serving == rollout.OnPrimary {
			state.Promoted = cmp.Or(copied, state.Promoted)
		}
	case rollout.Progressing, rollout.WaitingPromotion:
		if v.proven() {
			state.Revision = target
		}
		if copied != "" && copied != target {
			state.Promoted = copied
		}
		state = v.carried(state)
	case rollout.Promoting:
		state.Revision = copied
		state = v.carried(state)
	case rollout.Finalising:
		state.Revision = copied
	case rollout.New, rollout.Initializing, rollout.Terminating:
	}
	return state
}

// proven reports whether the workload is what Flagger was analysing: it wrote
// status at every look, and would have seen pods that changed before the last one.
func (v *view) proven() bool {
	if v.canary.Spec.TargetRef.Knative() {
		return v.madeBefore(v.canary.Status.LastTransitionTime)
	}
	if v.target == nil {
		return false
	}
	for _, c := range v.configs.all {
		if v.canary.Status.TrackedConfigs[c.Key()] != c.Checksum {
			return false
		}
	}
	changed, known := v.target.Changed()
	return known && !changed.After(v.canary.Status.LastTransitionTime.Time)
}

// carried puts the share of the live route into the state. Flagger reads it from
// there, too, and shows 0 in status while a promotion waits for approval. It is the
// only time that a route is input.
func (v *view) carried(state rollout.State) rollout.State {
	if v.provider.Parse == nil {
		return state
	}
	route, _, err := v.provider.Parse(v.opened())
	if err != nil || route.Match || route.Primary+route.Canary == 0 {
		return state
	}
	state.Weight = route.Canary
	if v.plan.Strategy == rollout.Canary && state.Weight > 0 && state.Phase != rollout.Promoting {
		state.Step = math.MaxInt32 // the furthest that gives no more than the weight
	}
	return state
}
