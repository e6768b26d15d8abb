package workload

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// A Ref names a ConfigMap or Secret that a pod template needs.
type Ref struct {
	Kind     string // ConfigMap or Secret
	Name     string
	Optional bool // pods start without it; false if any reference needs it
}

// ConfigRefs lists the ConfigMaps and Secrets a template names in volumes,
// projected volumes, env and envFrom, init containers included, each once,
// sorted by kind and name. Image pull secrets and the secrets of storage
// drivers are not configuration of the application and not listed.
func ConfigRefs(template corev1.PodTemplateSpec) []Ref {
	var refs []Ref
	spec := template.Spec
	visitVolumes(spec.Volumes, func(r Ref) { refs = append(refs, r) })
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		visitContainers(containers, func(r Ref) { refs = append(refs, r) })
	}
	slices.SortFunc(refs, func(a, b Ref) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), needed(a, b))
	})
	return slices.CompactFunc(refs, func(a, b Ref) bool { return a.Kind == b.Kind && a.Name == b.Name })
}

// needed sorts a needed reference before an optional one to the same object.
func needed(a, b Ref) int {
	switch {
	case a.Optional == b.Optional:
		return 0
	case b.Optional:
		return -1
	default:
		return 1
	}
}

func visitVolumes(volumes []corev1.Volume, visit func(Ref)) {
	for _, v := range volumes {
		if v.ConfigMap != nil {
			visit(configMap(v.ConfigMap.Name, v.ConfigMap.Optional))
		}
		if v.Secret != nil {
			visit(secret(v.Secret.SecretName, v.Secret.Optional))
		}
		if v.Projected == nil {
			continue
		}
		for _, source := range v.Projected.Sources {
			if source.ConfigMap != nil {
				visit(configMap(source.ConfigMap.Name, source.ConfigMap.Optional))
			}
			if source.Secret != nil {
				visit(secret(source.Secret.Name, source.Secret.Optional))
			}
		}
	}
}

func visitContainers(containers []corev1.Container, visit func(Ref)) {
	for _, c := range containers {
		for _, env := range c.Env {
			if env.ValueFrom == nil {
				continue
			}
			if ref := env.ValueFrom.ConfigMapKeyRef; ref != nil {
				visit(configMap(ref.Name, ref.Optional))
			}
			if ref := env.ValueFrom.SecretKeyRef; ref != nil {
				visit(secret(ref.Name, ref.Optional))
			}
		}
		for _, from := range c.EnvFrom {
			if from.ConfigMapRef != nil {
				visit(configMap(from.ConfigMapRef.Name, from.ConfigMapRef.Optional))
			}
			if from.SecretRef != nil {
				visit(secret(from.SecretRef.Name, from.SecretRef.Optional))
			}
		}
	}
}

func configMap(name string, optional *bool) Ref {
	return Ref{Kind: "ConfigMap", Name: name, Optional: optional != nil && *optional}
}

func secret(name string, optional *bool) Ref {
	return Ref{Kind: "Secret", Name: name, Optional: optional != nil && *optional}
}
