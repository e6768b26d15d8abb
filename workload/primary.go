package workload

import (
	"cmp"
	"crypto/sha256"
	"fmt"

	"github.com/serinhq/serin/rollout"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RevisionAnnotation is on a primary Deployment and names the revision it was
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

	// Live is the primary as it is now, nil if there is none yet. It is read only.
	Live *appsv1.Deployment
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
// An error says that there is a Deployment of that name which cannot become the
// primary, that the template cannot be applied, or that there is no selector.
func Primary(target *appsv1.Deployment, o Options) (Object, error) {
	key := target.Namespace + "/" + PrimaryName(target)
	if o.Selector.Key == "" {
		return Object{}, fmt.Errorf("render Deployment %s: no selector label", key)
	}
	if err := cmp.Or(adoptable(o), duplicate(target.Spec.Template.Spec)); err != nil {
		return Object{}, fmt.Errorf("render Deployment %s: %w", key, err)
	}
	revision := RevisionWith(target.Spec.Template, o.Configs)
	same := Copied(target, o) == revision
	spec := appsv1.DeploymentSpec{
		Replicas:                new(primaryReplicas(target, o)),
		Selector:                &metav1.LabelSelector{MatchLabels: map[string]string{o.Selector.Key: o.Selector.Primary()}},
		Template:                primaryTemplate(target, o),
		Strategy:                target.Spec.Strategy,
		MinReadySeconds:         target.Spec.MinReadySeconds,
		RevisionHistoryLimit:    target.Spec.RevisionHistoryLimit,
		ProgressDeadlineSeconds: target.Spec.ProgressDeadlineSeconds,
	}
	id := promotionID(o.Owner, revision)
	if same {
		if live, ok := o.Live.Spec.Template.Annotations[flaggerID]; ok {
			id = live
		}
	}
	spec.Template.Annotations[flaggerID] = id
	fields, err := plain(&spec)
	if err != nil {
		return Object{}, fmt.Errorf("render Deployment %s: %w", key, err)
	}
	object := Object{Object: map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "spec": fields}}
	object.SetNamespace(target.Namespace)
	object.SetName(PrimaryName(target))
	object.SetLabels(primaryLabels(target, o))
	object.SetAnnotations(primaryAnnotations(target, o, same))
	if o.Live == nil || o.Owner.Claim(o.Live) == Ours {
		object.SetOwnerReferences(o.Owner.References())
	}
	return object, nil
}

// PrimaryName is the name of the target's twin.
func PrimaryName(target *appsv1.Deployment) string { return target.Name + "-primary" }

// Copied returns the revision o.Live is made from: the one noted on it, or the
// target's if the pods of a primary without a note (made by Flagger) mean the
// same as those of a twin of the target would. Otherwise it is the revision of
// its own template, which equals no target's. It is none without a primary.
func Copied(target *appsv1.Deployment, o Options) rollout.Revision {
	if o.Live == nil {
		return ""
	}
	if Noted(o.Live) {
		return rollout.Revision(o.Live.Annotations[RevisionAnnotation])
	}
	if f, ok := matching(target, o); ok && f.inherits(o) {
		return RevisionWith(target.Spec.Template, o.Configs)
	}
	return meaning(o.Live.Spec.Template)
}

// Noted reports whether a primary says what it is made from, as all do that were
// made or adopted here.
func Noted(primary *appsv1.Deployment) bool {
	return current(rollout.Revision(primary.Annotations[RevisionAnnotation]))
}

// adoptable explains why a live Deployment cannot be the primary.
func adoptable(o Options) error {
	if o.Live == nil {
		return nil
	}
	if o.Owner.Claim(o.Live) == Theirs {
		return fmt.Errorf("it is controlled by Canary %s: two Canaries cannot have one target", metav1.GetControllerOfNoCopy(o.Live).Name)
	}
	want := &metav1.LabelSelector{MatchLabels: map[string]string{o.Selector.Key: o.Selector.Primary()}}
	has, wants := metav1.FormatLabelSelector(o.Live.Spec.Selector), metav1.FormatLabelSelector(want)
	if has != wants {
		return fmt.Errorf("it selects its pods by %s instead of %s, which cannot be changed: delete it, and it will be made again", has, wants)
	}
	return nil
}

// primaryReplicas is what the target asks for. A parked target and an
// autoscaler leave the primary's as they are.
func primaryReplicas(target *appsv1.Deployment, o Options) int32 {
	asked := replicas(target)
	switch {
	case o.Live == nil:
		return max(1, asked, o.AtLeast)
	case o.Autoscaled || asked == 0:
		return max(replicas(o.Live), o.AtLeast)
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
