package workload

import (
	"github.com/serinhq/serin/rollout"
	corev1 "k8s.io/api/core/v1"
)

// Revision names the meaning of a pod template: "s1-" and 20 hex digits of the
// SHA-256 of its canonical JSON. Fields that are not set do not count, nor does
// the spelling of quantities or the order of maps; the order of lists does. The
// prefix is the version of this rule: revisions of different versions cannot be
// compared, and a change of the rule must never start a release.
func Revision(template corev1.PodTemplateSpec) rollout.Revision { return "" }
