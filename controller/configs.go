package controller

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
)

// configs is what a look found of the ConfigMaps and Secrets that a workload
// uses. Their content is never part of it.
type configs struct {
	on        bool // they are part of a revision
	all       []workload.Config
	inherited []workload.Config // those whose copy by Flagger has the same content
	versions  map[string]string // at which they were read, by their keys
	missing   bool              // one that the pods need is not there; a note says which
}

// knownConfig is what was found when a ConfigMap or Secret was read last. As long
// as its resourceVersion is the one in the cache of metadata, it is not read again.
type knownConfig struct {
	version  string
	checksum string // none if it is of a type that is not tracked
}

// track finds the configs of the workload. A Canary that is being deleted judges
// no revision, and must not be held by what somebody else has deleted already.
func (r *reconciler) track(ctx context.Context, v *view) error {
	if !r.options.ConfigTracking || v.target == nil || v.canary.DeletionTimestamp != nil {
		return nil
	}
	key := client.ObjectKeyFromObject(v.canary)
	m := r.memory.of(key, v.canary.UID)
	m.recall(&v.canary.Status)
	refs := workload.ConfigRefs(v.target.Template)
	r.consumers.set(key, refs) // before they are read, so that no change falls in between
	v.configs = configs{on: true, versions: map[string]string{}}
	for _, ref := range refs {
		if err := r.trackOne(ctx, v, m, ref); err != nil {
			return err
		}
	}
	return r.inherit(ctx, v, m)
}

func (r *reconciler) trackOne(ctx context.Context, v *view, m *memo, ref workload.Ref) error {
	config := workload.Config{Kind: ref.Kind, Name: ref.Name}
	before := m.configs[config.Key()]
	found, there, err := r.inspect(ctx, m, v.canary.Namespace, ref)
	if err != nil {
		return r.obstructed(ctx, v.canary, m, fmt.Errorf("%s %s.%s cannot be read, and no revision of %s.%s is known without it: %w",
			strings.ToLower(ref.Kind), ref.Name, v.canary.Namespace, v.target.Name, v.target.Namespace, err))
	}
	if !there && !ref.Optional {
		v.configs.missing = true
		v.note("%s %s.%s not found, and the pods of %s.%s do not start without it: create it, or make the reference optional",
			strings.ToLower(ref.Kind), ref.Name, v.canary.Namespace, v.target.Name, v.target.Namespace)
	}
	if found.version != "" {
		v.configs.versions[config.Key()] = found.version
	}
	if found.checksum == "" {
		return nil
	}
	config.Checksum = found.checksum
	v.configs.all = append(v.configs.all, config)
	if before.checksum == "" || before.checksum == found.checksum {
		return nil
	}
	changed := rollout.Report{Level: rollout.Info, Message: fmt.Sprintf("%s %s has changed", strings.ToLower(ref.Kind), ref.Name)}
	err = r.voice.remark(ctx, v.canary, m, []rollout.Report{changed})
	if err != nil {
		m.configs[config.Key()] = before // so that the next look says it
	}
	return err
}

// inspect finds the checksum of one ConfigMap or Secret. It is read from the API
// server only if it changed since it was read last.
func (r *reconciler) inspect(ctx context.Context, m *memo, namespace string, ref workload.Ref) (found knownConfig, there bool, err error) {
	cached, err := read(ctx, r.client, namespace, ref.Name, metadataOf(ref.Kind))
	if err != nil || cached == nil {
		return knownConfig{}, false, err
	}
	if workload.OptedOut(cached.Annotations) {
		return knownConfig{}, true, nil
	}
	key := workload.Config{Kind: ref.Kind, Name: ref.Name}.Key()
	if known, ok := m.configs[key]; ok && known.version == cached.ResourceVersion {
		return known, true, nil
	}
	live, err := read(ctx, r.asker.live, namespace, ref.Name, blank(corev1.SchemeGroupVersion.WithKind(ref.Kind)))
	if err != nil || live == nil {
		return knownConfig{}, false, err
	}
	checksum, err := workload.Content(*live)
	if err != nil {
		return knownConfig{}, false, err
	}
	found = knownConfig{version: live.GetResourceVersion(), checksum: checksum}
	m.configs[key] = found
	return found, true, nil
}

// inherit compares the copies that Flagger made with what they were made from:
// a primary that runs the same content is adopted as it is.
func (r *reconciler) inherit(ctx context.Context, v *view, m *memo) error {
	if v.primary == nil || workload.Noted(v.primary) {
		return nil
	}
	for _, c := range v.configs.all {
		if !workload.Uses(v.primary.Template, c.Kind, c.Inherited()) {
			continue
		}
		twin, _, err := r.inspect(ctx, m, v.canary.Namespace, workload.Ref{Kind: c.Kind, Name: c.Inherited()})
		if err != nil {
			return err
		}
		if twin.checksum == c.Checksum {
			v.configs.inherited = append(v.configs.inherited, c)
		}
	}
	return nil
}

// recall begins with what status remembers, so that a restart reads nothing that
// did not change meanwhile.
func (m *memo) recall(status *v1beta1.CanaryStatus) {
	if m.configs != nil {
		return
	}
	m.configs = map[string]knownConfig{}
	for key, checksum := range status.TrackedConfigs {
		m.configs[key] = knownConfig{checksum: checksum}
	}
	if status.Rollout == nil {
		return
	}
	for key, version := range status.Rollout.Configs {
		m.configs[key] = knownConfig{version: version, checksum: status.TrackedConfigs[key]}
	}
}

// remember puts the configs of the revision acted on into status.
func (v *view) remember(state rollout.State) {
	if state.Revision != v.seen.Target {
		return
	}
	status := &v.canary.Status
	status.TrackedConfigs, status.Rollout.Configs = nil, v.configs.versions
	if !v.configs.on {
		return
	}
	status.TrackedConfigs = map[string]string{}
	for _, c := range v.configs.all {
		status.TrackedConfigs[c.Key()] = c.Checksum
	}
}

// metadataOf is an empty ConfigMap or Secret of which only metadata is cached.
func metadataOf(kind string) *metav1.PartialObjectMetadata {
	meta := &metav1.PartialObjectMetadata{}
	meta.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
	return meta
}
