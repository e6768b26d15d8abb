package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/serinhq/serin/rollout"
	corev1 "k8s.io/api/core/v1"
)

// version begins the revisions made by this rule.
const version = "s1-"

// Revision names the meaning of a pod template: "s1-" and 20 hex digits of the
// SHA-256 of its canonical JSON. Fields that are not set do not count, nor does
// the spelling of quantities or the order of maps; the order of lists does. The
// prefix is the version of this rule: revisions of different versions cannot be
// compared, and a change of the rule must never start a release.
//
// It is none for a template that is not JSON, which no API server returns.
func Revision(template corev1.PodTemplateSpec) rollout.Revision {
	fields, err := plain(&template)
	if err != nil {
		return ""
	}
	text, err := json.Marshal(fields) // maps come out sorted
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return rollout.Revision(version + hex.EncodeToString(sum[:10]))
}

// Comparable reports whether two revisions of this form can be compared: one that
// another version or Flagger wrote differs from ours even if the pods mean the same.
func Comparable(r rollout.Revision) bool { return current(r) }

// current reports whether a revision was made by the rule of this version.
func current(r rollout.Revision) bool { return strings.HasPrefix(string(r), version) }
