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

// The kinds of configuration.
const (
	configMap = "ConfigMap"
	secret    = "Secret"
)

// ConfigRefs lists the ConfigMaps and Secrets a template names in volumes,
// projected volumes, env and envFrom, init and ephemeral containers included,
// each once, sorted by kind and name. Image pull secrets and the secrets of
// storage drivers are not configuration of the application and not listed.
func ConfigRefs(template corev1.PodTemplateSpec) []Ref {
	var refs []Ref
	visit(&template.Spec, func(kind string, name *string, optional *bool) {
		refs = append(refs, Ref{Kind: kind, Name: *name, Optional: optional != nil && *optional})
	})
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

// rename makes the references of a template to the configs lead to what name
// returns for each. The template is changed, so give a copy.
func rename(template *corev1.PodTemplateSpec, configs []Config, name func(Config) string) {
	visit(&template.Spec, func(kind string, refers *string, _ *bool) {
		for _, c := range configs {
			if c.Kind == kind && c.Name == *refers {
				*refers = name(c)
				return
			}
		}
	})
}

// A visitor sees one reference to a ConfigMap or Secret. Only one that was given
// a copy of the template may write the name.
type visitor func(kind string, name *string, optional *bool)

// visit walks all references of a pod. Listing, hashing and renaming see the
// same ones because they all come through here.
func visit(spec *corev1.PodSpec, see visitor) {
	for i := range spec.Volumes {
		visitVolume(&spec.Volumes[i], see)
	}
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			visitEnv(containers[i].Env, containers[i].EnvFrom, see)
		}
	}
	for i := range spec.EphemeralContainers {
		visitEnv(spec.EphemeralContainers[i].Env, spec.EphemeralContainers[i].EnvFrom, see)
	}
}

func visitVolume(v *corev1.Volume, see visitor) {
	if v.ConfigMap != nil {
		see(configMap, &v.ConfigMap.Name, v.ConfigMap.Optional)
	}
	if v.Secret != nil {
		see(secret, &v.Secret.SecretName, v.Secret.Optional)
	}
	if v.Projected == nil {
		return
	}
	for i := range v.Projected.Sources {
		source := &v.Projected.Sources[i]
		if source.ConfigMap != nil {
			see(configMap, &source.ConfigMap.Name, source.ConfigMap.Optional)
		}
		if source.Secret != nil {
			see(secret, &source.Secret.Name, source.Secret.Optional)
		}
	}
}

func visitEnv(env []corev1.EnvVar, from []corev1.EnvFromSource, see visitor) {
	for i := range env {
		if env[i].ValueFrom == nil {
			continue
		}
		if ref := env[i].ValueFrom.ConfigMapKeyRef; ref != nil {
			see(configMap, &ref.Name, ref.Optional)
		}
		if ref := env[i].ValueFrom.SecretKeyRef; ref != nil {
			see(secret, &ref.Name, ref.Optional)
		}
	}
	for i := range from {
		if ref := from[i].ConfigMapRef; ref != nil {
			see(configMap, &ref.Name, ref.Optional)
		}
		if ref := from[i].SecretRef; ref != nil {
			see(secret, &ref.Name, ref.Optional)
		}
	}
}
