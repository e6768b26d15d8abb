package workload

import corev1 "k8s.io/api/core/v1"

// A Ref names a ConfigMap or Secret that a pod template needs.
type Ref struct {
	Kind     string // ConfigMap or Secret
	Name     string
	Optional bool // pods start without it; false if any reference needs it
}

// ConfigRefs lists the ConfigMaps and Secrets a template names in volumes,
// projected volumes, env and envFrom, init containers included, each once,
// sorted by kind and name.
func ConfigRefs(template corev1.PodTemplateSpec) []Ref { return nil }
