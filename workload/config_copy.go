package workload

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CopyLabel is on every copy of a ConfigMap or Secret that was made for a primary.
const CopyLabel = "serin.dev/config-copy"

// longest is how long the name of a ConfigMap or Secret may be.
const longest = 253

// Copy is the name of the copy that a primary uses. It changes with the
// content, so that a copy under running pods never does.
func (c Config) Copy() string {
	suffix := "-primary-" + c.Checksum[:min(len(c.Checksum), 8)]
	name := c.Name[:min(len(c.Name), longest-len(suffix))]
	return strings.TrimRight(name, "-.") + suffix
}

// Inherited is the name of the copy that Flagger makes.
func (c Config) Inherited() string { return c.Name + "-primary" }

// CopyOf renders the copy of a ConfigMap or Secret, which must have the content
// that c says. Live are the owners of the copy as it is now: two Canaries that
// use the same ConfigMap with the same content have one copy, and both own it.
func CopyOf(source Object, c Config, o Options, live []metav1.OwnerReference) Object {
	twin := Object{Object: map[string]any{"apiVersion": "v1", "kind": c.Kind}}
	for _, field := range []string{"data", "binaryData", "immutable", "type"} {
		if value, ok := source.Object[field]; ok {
			twin.Object[field] = value
		}
	}
	twin.SetNamespace(source.GetNamespace())
	twin.SetName(c.Copy())
	labels := CopiedLabels(source.GetLabels(), o.Include)
	labels[CopyLabel] = "true"
	twin.SetLabels(labels)
	twin.SetOwnerReferences(o.Owner.Beside(live))
	return twin
}

// Beside returns the owners of an object that is shared: those it has, and this
// one. It controls the object if no other does. A Canary of the same name that
// was deleted is no owner any more.
func (o Owner) Beside(live []metav1.OwnerReference) []metav1.OwnerReference {
	var all []metav1.OwnerReference
	controlled := false
	for _, ref := range live {
		if o.named(ref) {
			continue
		}
		all = append(all, ref)
		controlled = controlled || ref.Controller != nil && *ref.Controller
	}
	for _, ref := range o.References() {
		ref.Controller = new(!controlled)
		all = append(all, ref)
	}
	return all
}

// Without returns the owners of an object but for this one, and whether it was
// among them.
func (o Owner) Without(live []metav1.OwnerReference) (rest []metav1.OwnerReference, was bool) {
	rest = slices.DeleteFunc(slices.Clone(live), func(ref metav1.OwnerReference) bool { return string(ref.UID) == o.UID })
	return rest, len(rest) < len(live)
}

// OwnersOf lists the names of the Canaries that own an object, alone or not.
func OwnersOf(obj metav1.Object) []string {
	var names []string
	for _, ref := range obj.GetOwnerReferences() {
		if ref.Kind == canaryKind.Kind && strings.HasPrefix(ref.APIVersion, canaryKind.Group+"/") {
			names = append(names, ref.Name)
		}
	}
	return names
}

// named reports whether a reference is to a Canary of this name.
func (o Owner) named(ref metav1.OwnerReference) bool {
	return ref.Kind == canaryKind.Kind && ref.Name == o.Name && strings.HasPrefix(ref.APIVersion, canaryKind.Group+"/")
}

// Copies lists the configs of which the primary of a target needs the copies
// that [CopyOf] renders. A primary that was adopted from Flagger needs none: it
// keeps those it has until the next promotion.
func Copies(target *Pods, o Options) []Config {
	template := primaryTemplate(target, o)
	return slices.DeleteFunc(slices.Clone(o.Configs), func(c Config) bool { return !Uses(template, c.Kind, c.Copy()) })
}

// Uses reports whether a template refers to a ConfigMap or Secret.
func Uses(template corev1.PodTemplateSpec, kind, name string) bool {
	return slices.ContainsFunc(ConfigRefs(template), func(r Ref) bool { return r.Kind == kind && r.Name == name })
}

// A form is one way of making the primary's pods from the target's. All forms
// mean the same; only one restarts no pods.
type form struct {
	rewrite rewriting
	name    func(Config) string
}

// forms lists our own form first, then those in which Flagger leaves a primary.
func forms(target *Pods) []form {
	return []form{
		{rewriteBoth, Config.Copy}, {flaggers(target), Config.Copy},
		{rewriteBoth, Config.Inherited}, {flaggers(target), Config.Inherited},
	}
}

// template of the primary in this form, without its flagger-id.
func (f form) template(target *Pods, o Options) corev1.PodTemplateSpec {
	t := twin(target, o, f.rewrite)
	rename(&t, o.Configs, f.name)
	return t
}

// matching is the form that means what the live primary runs already; our own
// form, and false, if there is none. Among forms that mean the same for this
// target the choice does not matter.
func matching(target *Pods, o Options) (form, bool) {
	live := meaning(o.Live.Template)
	for _, f := range forms(target) {
		if meaning(f.template(target, o)) == live {
			return f, true
		}
	}
	return forms(target)[0], false
}

// inherits reports whether the form, which the live primary has, runs the content
// of the target. Copies of ours say so by their names; of Flagger's somebody must
// have looked.
func (f form) inherits(o Options) bool {
	for _, c := range o.Configs {
		if f.name(c) != c.Copy() && !slices.Contains(o.Inherited, c) {
			return false
		}
	}
	return true
}

// primaryTemplate is the pod template of the primary that the target asks for,
// without its flagger-id.
func primaryTemplate(target *Pods, o Options) corev1.PodTemplateSpec {
	if Copied(target, o) != o.revision(target) {
		return forms(target)[0].template(target, o)
	}
	f, _ := matching(target, o)
	return f.template(target, o)
}
