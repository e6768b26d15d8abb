package workload

import (
	"cmp"
	"crypto/sha256"
	"fmt"

	"github.com/serinhq/serin/rollout"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RevisionAnnotation is on a primary and names the revision it was
// made from.
const RevisionAnnotation = "serin.dev/revision"

// flaggerID is on a primary's pods, as Flagger put it there. It changes with
// every promotion.
const flaggerID = "flagger-id"

// Options say how a primary is made from its target.
type Options struct {
	Owner    Owner
	Selector Selector
	Labels   []string // -selector-labels: keys whose values are rewritten in affinity rules
	Include  []string // -include-label-prefix: prefixes of metadata keys that are copied, "*" for all

	// Autoscaled says that an autoscaler sets the primary's replicas once it exists.
	Autoscaled bool

	// AtLeast are the replicas that an autoscaled primary is made or promoted with;
	// it keeps those it has if they are more.
	AtLeast int32

	// Configs are the tracked ConfigMaps and Secrets that the target uses.
	Configs []Config

	// Inherited are those of Configs whose content equals that of the copy that
	// Flagger made of them. Only a primary without a note needs them.
	Inherited []Config

	// Revision is the target's, with Configs; it is found out if it is none.
	Revision rollout.Revision

	// Live is the primary as it is now, nil if there is none yet. It is read only.
	Live *Pods
}

// Primary renders the twin <name>-primary of the target, as it is to be created
// (no Live), promoted (Live is made from another revision) or kept (same
// revision). The same input gives the same object, so that a promotion repeated
// after a crash changes nothing: flagger-id is derived from the owner and the
// revision. A live primary of the same revision keeps its flagger-id and its
// affinity, so that adopting one restarts no pods.
//
// Replicas are always part of the object: leaving them out of a later apply
// would make the API server fall back to 1. Give a fresh Live.
//
// An error says that there is a workload of that name which cannot become the
// primary, that the template cannot be applied, or that there is no selector.
func Primary(target *Pods, o Options) (Object, error) {
	key := target.Kind + " " + target.Namespace + "/" + PrimaryName(target)
	if o.Selector.Key == "" {
		return Object{}, fmt.Errorf("render %s: no selector label", key)
	}
	if err := cmp.Or(adoptable(o), duplicate(target.Template.Spec)); err != nil {
		return Object{}, fmt.Errorf("render %s: %w", key, err)
	}
	revision := o.revision(target)
	same := Copied(target, o) == revision
	m := mould{
		selector: &metav1.LabelSelector{MatchLabels: map[string]string{o.Selector.Key: o.Selector.Primary()}},
		template: primaryTemplate(target, o), replicas: primaryReplicas(target, o), live: o.Live,
	}
	id := promotionID(o.Owner, revision)
	if same {
		if live, ok := o.Live.Template.Annotations[flaggerID]; ok {
			id = live
		}
	}
	m.template.Annotations[flaggerID] = id
	spec, err := target.of.spec(m)
	if err != nil {
		return Object{}, fmt.Errorf("render %s: %w", key, err)
	}
	fields, err := plain(spec)
	if err != nil {
		return Object{}, fmt.Errorf("render %s: %w", key, err)
	}
	object := Object{Object: map[string]any{"apiVersion": "apps/v1", "kind": target.Kind, "spec": fields}}
	object.SetNamespace(target.Namespace)
	object.SetName(PrimaryName(target))
	object.SetLabels(primaryLabels(target, o))
	object.SetAnnotations(primaryAnnotations(target, o, same))
	if o.Live == nil || o.Owner.Claim(o.Live) == Ours {
		object.SetOwnerReferences(o.Owner.References())
	}
	return object, nil
}

func (o Options) revision(target *Pods) rollout.Revision {
	if o.Revision != "" {
		return o.Revision
	}
	return RevisionWith(target.Template, o.Configs)
}

// PrimaryName is the name of the target's twin.
func PrimaryName(target *Pods) string { return target.Name + "-primary" }

// Copied returns the revision o.Live is made from: the one noted on it, or the
// target's if the pods of a primary without a note (made by Flagger) mean the
// same as those of a twin of the target would. Otherwise it is the revision of
// its own template, which equals no target's. It is none without a primary.
func Copied(target *Pods, o Options) rollout.Revision {
	if o.Live == nil {
		return ""
	}
	if Noted(o.Live) {
		return rollout.Revision(o.Live.Annotations[RevisionAnnotation])
	}
	if f, ok := matching(target, o); ok && f.inherits(o) {
		return o.revision(target)
	}
	return meaning(o.Live.Template)
}

// Noted reports whether a primary says what it is made from, as all do that were
// made or adopted here.
func Noted(primary *Pods) bool {
	return current(rollout.Revision(primary.Annotations[RevisionAnnotation]))
}

// adoptable explains why a live workload cannot be the primary.
func adoptable(o Options) error {
	if o.Live == nil {
		return nil
	}
	if o.Owner.Claim(o.Live) == Theirs {
		return fmt.Errorf("it is controlled by Canary %s: two Canaries cannot have one target", metav1.GetControllerOfNoCopy(o.Live).Name)
	}
	want := &metav1.LabelSelector{MatchLabels: map[string]string{o.Selector.Key: o.Selector.Primary()}}
	has, wants := metav1.FormatLabelSelector(o.Live.Selector), metav1.FormatLabelSelector(want)
	if has != wants {
		return fmt.Errorf("it selects its pods by %s instead of %s, which cannot be changed: delete it, and it will be made again", has, wants)
	}
	return nil
}

// primaryReplicas is what the target asks for. A parked target and an
// autoscaler leave the primary's as they are.
func primaryReplicas(target *Pods, o Options) int32 {
	asked := target.Replicas
	switch {
	case o.Live == nil:
		return max(1, asked, o.AtLeast)
	case o.Autoscaled || asked == 0:
		return max(o.Live.Replicas, o.AtLeast)
	default:
		return asked
	}
}

// promotionID is a UUID (version 8: its bits are a hash) that a repeated
// promotion of one revision finds again.
func promotionID(owner Owner, revision rollout.Revision) string {
	b := sha256.Sum256([]byte(owner.UID + "\x00" + string(revision)))
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
