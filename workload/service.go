package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/serinhq/serin/rollout"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Front is a core Service as what is released: an address of pods that
// somebody else runs. It has two copies, <name>-primary and <name>-canary, and
// no pods of its own, so that it is always ready and never scaled.
type Front struct {
	Owner   Owner
	Target  *corev1.Service
	Primary *corev1.Service // the live copies, nil where there is none
	Canary  *corev1.Service
	Include []string // -include-label-prefix
}

// Revision names the meaning of the target: its spec without what the API server
// allots to each Service.
func (f Front) Revision() rollout.Revision { return frontRevision(f.Target) }

// Copied is the revision that the primary copy was made from; none without one. A
// copy without a note (made by Flagger) counts by what it means.
func (f Front) Copied() rollout.Revision {
	if f.Primary == nil {
		return ""
	}
	if noted := rollout.Revision(f.Primary.Annotations[RevisionAnnotation]); current(noted) {
		return noted
	}
	return frontRevision(f.Primary)
}

// Copy renders the copy of the target for a side, complete for server-side
// apply. An error says that another Canary controls the Service of that name.
func (f Front) Copy(side rollout.Side) (Object, error) {
	name, live := f.Target.Name+"-primary", f.Primary
	if side == rollout.OnCanary {
		name, live = f.Target.Name+"-canary", f.Canary
	}
	key := f.Target.Namespace + "/" + name
	if live != nil && f.Owner.Claim(live) == Theirs {
		return Object{}, fmt.Errorf("render Service %s: it is controlled by Canary %s: two Canaries cannot have one target",
			key, metav1.GetControllerOfNoCopy(live).Name)
	}
	spec, err := meant(f.Target)
	if err != nil {
		return Object{}, fmt.Errorf("render Service %s: %w", key, err)
	}
	if live != nil && live.Spec.ClusterIP != corev1.ClusterIPNone {
		delete(spec, "clusterIP") // a Service with an address cannot become headless
	}
	object := Object{Object: map[string]any{"apiVersion": "v1", "kind": "Service", "spec": spec}}
	object.SetNamespace(f.Target.Namespace)
	object.SetName(name)
	object.SetLabels(f.included(f.Target.Labels))
	annotations := f.included(f.Target.Annotations)
	if side == rollout.OnPrimary {
		annotations[RevisionAnnotation] = string(f.Revision())
	}
	object.SetAnnotations(annotations)
	if live == nil || f.Owner.Claim(live) == Ours {
		object.SetOwnerReferences(f.Owner.References())
	}
	return object, nil
}

// included keys only: others may give the address of the target to its copy, as
// those of load balancers and DNS do.
func (f Front) included(keys map[string]string) map[string]string {
	kept := withoutToolkit(keys)
	for key := range kept {
		if key == corev1.LastAppliedConfigAnnotation || !included(key, f.Include) {
			delete(kept, key)
		}
	}
	return kept
}

// meant is the spec of a Service without what the API server allots to it, or
// what only one Service can have.
func meant(s *corev1.Service) (map[string]any, error) {
	spec, err := plain(&s.Spec)
	if err != nil {
		return nil, err
	}
	if s.Spec.ClusterIP != corev1.ClusterIPNone {
		delete(spec, "clusterIP")
	}
	for _, field := range []string{"clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort", "loadBalancerIP", "externalIPs"} {
		delete(spec, field)
	}
	ports, _ := spec["ports"].([]any)
	for _, port := range ports {
		if port, ok := port.(map[string]any); ok {
			delete(port, "nodePort")
		}
	}
	return spec, nil
}

func frontRevision(s *corev1.Service) rollout.Revision {
	spec, err := meant(s)
	if err != nil {
		return ""
	}
	text, err := json.Marshal(spec) // maps come out sorted
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return rollout.Revision(version + hex.EncodeToString(sum[:10]))
}
