package controller

import (
	"fmt"
	"hash/maphash"

	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
)

// A part is a group of the objects of a state that are made of the same things.
type part int8

const (
	serviceParts part = iota // the three Services
	routeParts
	twinParts // the primary
)

// parts is how many there are.
const parts = int(twinParts) + 1

// known remembers a part that was as it should be. In the same picture it still is, and
// need be neither rendered nor compared.
type known struct {
	picture uint64 // 0 for none
	objects []mention
}

// A mention is an object by its kind, its name, and what logs call it.
type mention struct{ kind, name, title string }

// partOf an object that is applied. Autoscalers count as routes: their part is only
// compared more often for it.
func (v *view) partOf(object router.Object) part {
	switch object.GetKind() {
	case "Service":
		return serviceParts
	case v.canary.Spec.TargetRef.Kind:
		return twinParts
	default:
		return routeParts
	}
}

// keep forgets what is not known to be as it should be in the state. The rest is so for
// the cause of today, too: should it be changed now, it was somebody else.
func (v *view) keep(want rollout.Desired) {
	for p := range part(parts) {
		if !v.knows(p, want) {
			v.memo.known[p] = known{}
			continue
		}
		for _, object := range v.memo.known[p].objects {
			put(&v.memo.settled, object.title, v.cause(object.kind, object.name))
		}
	}
}

// knows reports whether a part is known to be as the state wants it.
func (v *view) knows(p part, want rollout.Desired) bool {
	known := v.memo.known[p].picture
	return known != 0 && known == v.pictureOf(p, want)
}

// learn remembers the parts of which all objects were as they should be.
func (v *view) learn(want rollout.Desired, objects []router.Object) {
	for p := range part(parts) {
		if v.memo.known[p].picture != 0 || v.astray[p] {
			continue
		}
		now := known{picture: v.pictureOf(p, want)}
		for _, object := range objects {
			if v.partOf(object) == p {
				now.objects = append(now.objects, mention{object.GetKind(), object.GetName(), title(object)})
			}
		}
		v.memo.known[p] = now
	}
}

// pictureOf names all that the objects of a part are made of in a state, and their
// versions; 0 if that has no name: what belongs to users, and what is being left.
func (v *view) pictureOf(p part, want rollout.Desired) uint64 {
	if v.target == nil || v.fronted() || v.canary.Spec.TargetRef.Knative() || want.Release != rollout.Kept || len(v.configs.all) > 0 {
		return 0
	}
	switch p {
	case serviceParts:
		if !want.Expose {
			return 0
		}
		return pictured(v.plainService(), v.shares(want), v.serviceVersions())
	case routeParts:
		if !want.Expose || v.provider.Render == nil || v.provider.Borrowed {
			return 0
		}
		return pictured(v.plainService(), v.routeVersions(), v.canary.Generation, want.Route, want.Trying)
	case twinParts:
		if v.primary == nil || want.Primary == "" || want.Primary != v.seen.Target {
			return 0
		}
		// How many of their pods are ready changes the versions of both, and nothing here.
		options := v.carrying(want.Route.Canary)
		made := []any{v.canary.Generation, v.target.UID, v.target.Generation}
		made = append(made, options.AtLeast, options.Autoscaled, v.target.Labels, v.target.Annotations,
			v.primary.UID, v.primary.Generation, v.primary.Labels, v.primary.Annotations)
		for _, ref := range v.primary.OwnerReferences {
			made = append(made, ref.Kind, ref.UID, ref.Name, value(ref.Controller), value(ref.BlockOwnerDeletion))
		}
		return pictured(made...)
	}
	return 0
}

// plainService is a picture of all that providers know of the Service but for the live
// objects, see serving, which have versions.
func (v *view) plainService() uint64 {
	if v.plain == 0 {
		v.plain = pictured(v.service)
	}
	return v.plain
}

func (v *view) routeVersions() uint64 {
	var versions []any
	for i := range v.routes {
		versions = append(versions, v.routes[i].GetKind(), v.routes[i].GetNamespace(), v.routes[i].GetName(), v.routes[i].GetResourceVersion())
	}
	return pictured(versions...)
}

// seed makes pictures of this process.
var seed = maphash.MakeSeed()

// pictured is a hash of the printed values, never 0. Two pictures that differ have the
// same one about once in 2^63.
func pictured(of ...any) uint64 {
	var sum maphash.Hash
	sum.SetSeed(seed)
	fmt.Fprintln(&sum, of...) // maps are printed in the order of their keys
	return sum.Sum64() | 1
}
