package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
)

// copyConfigs makes the copies that the primary of a state refers to. They have
// names of their own for each content: those that running pods use stay as they are.
func (r *reconciler) copyConfigs(ctx context.Context, v *view, m *memo, want rollout.Desired) error {
	var errs []error
	for _, c := range v.configCopies(want) {
		errs = append(errs, r.copyConfig(ctx, v, m, c))
	}
	return errors.Join(errs...)
}

// configCopies lists the configs whose copies the primary needs when it is rendered.
func (v *view) configCopies(want rollout.Desired) []workload.Config {
	if len(v.options.Configs) == 0 || want.Primary == "" || want.Primary != v.seen.Target {
		return nil
	}
	return workload.Copies(v.target, v.options)
}

// copyConfig makes one copy, unless the cache shows it. Its content follows from
// its name, so metadata is enough to know that it is right.
func (r *reconciler) copyConfig(ctx context.Context, v *view, m *memo, c workload.Config) error {
	live, err := read(ctx, r.client, v.canary.Namespace, c.Copy(), metadataOf(c.Kind))
	if err != nil {
		return err
	}
	name, sending := c.Kind+" "+c.Copy(), applied{digest: c.Checksum}
	var owners []metav1.OwnerReference
	if live != nil {
		owners, sending.before = live.OwnerReferences, live.ResourceVersion
		_, ours := v.options.Owner.Without(owners)
		switch {
		case live.Labels[workload.CopyLabel] == "":
			return fmt.Errorf("%s.%s is in the way of a copy of %s: it has no label %s; rename or delete it",
				name, v.canary.Namespace, c.Name, workload.CopyLabel)
		case ours:
			delete(m.applied, name) // arrived: should it be deleted, it is made again
			return nil
		}
	}
	if m.applied[name] == sending {
		return nil
	}
	if err := r.applyCopy(ctx, v, c, owners); err != nil {
		return err
	}
	put(&m.applied, name, sending)
	synced := rollout.Report{Level: rollout.Info, Message: name + " synced"}
	return r.voice.remark(ctx, v.canary, m, []rollout.Report{synced})
}

// applyCopy reads the content and applies it under the name of the copy. Content
// that moved on since the decision is another revision: a conflict, so that
// everything is looked at again.
func (r *reconciler) applyCopy(ctx context.Context, v *view, c workload.Config, owners []metav1.OwnerReference) error {
	source, err := read(ctx, r.asker.live, v.canary.Namespace, c.Name, blank(corev1.SchemeGroupVersion.WithKind(c.Kind)))
	if err != nil {
		return err
	}
	checksum := ""
	if source != nil {
		if checksum, err = workload.Content(*source); err != nil {
			return err
		}
	}
	if checksum != c.Checksum {
		return apierrors.NewConflict(schema.GroupResource{Resource: c.Kind}, c.Name, errors.New("it changed while it was copied"))
	}
	twin := workload.CopyOf(*source, c, v.options, owners)
	if err := r.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(&twin), client.FieldOwner(manager), client.ForceOwnership); err != nil {
		return fmt.Errorf("apply %s %s.%s: %w", c.Kind, c.Copy(), v.canary.Namespace, err)
	}
	return nil
}

// dropCopies deletes what the primary used before, once nothing can need it any more.
func (r *reconciler) dropCopies(ctx context.Context, v *view, want rollout.Desired, state rollout.State) error {
	if !r.options.ConfigTracking || v.primary == nil || !v.settled(state) {
		return nil
	}
	for _, kind := range configKinds() {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind + "List"))
		err := r.client.List(ctx, list, client.InNamespace(v.canary.Namespace), client.HasLabels{workload.CopyLabel})
		if err != nil {
			return fmt.Errorf("list the copies of %ss in %s: %w", kind, v.canary.Namespace, err)
		}
		for i := range list.Items {
			item := &list.Items[i]
			if v.needs(kind, item.Name, want) {
				continue
			}
			item.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
			if err := r.drop(ctx, v, item); err != nil {
				return fmt.Errorf("drop %s %s.%s: %w", kind, item.Name, item.Namespace, err)
			}
		}
	}
	return nil
}

// settled reports whether the primary runs what was promoted and nothing else.
func (v *view) settled(state rollout.State) bool {
	switch state.Phase {
	case rollout.Initialized, rollout.Succeeded, rollout.Failed:
		return state.Pending == 0 && state.Serving == rollout.OnPrimary && v.seen.Primary.Ready && v.seen.Copied == state.Promoted
	case rollout.New, rollout.Initializing, rollout.Waiting, rollout.Progressing, rollout.WaitingPromotion,
		rollout.Promoting, rollout.Finalising, rollout.Terminating:
		return false
	}
	return false
}

// needs reports whether the primary refers to a copy, as it is or as it will be.
func (v *view) needs(kind, name string, want rollout.Desired) bool {
	return workload.Uses(v.primary.Template, kind, name) || slices.ContainsFunc(v.configCopies(want), func(c workload.Config) bool {
		return c.Kind == kind && c.Copy() == name
	})
}

// drop deletes a copy of this Canary, exactly as the cache has it. One that
// another Canary uses, too, is left to that one.
func (r *reconciler) drop(ctx context.Context, v *view, item *metav1.PartialObjectMetadata) error {
	rest, mine := v.options.Owner.Without(item.OwnerReferences)
	if !mine || item.DeletionTimestamp != nil {
		return nil
	}
	err := r.fence(ctx, v)
	switch {
	case err != nil:
	case len(rest) == 0:
		err = r.client.Delete(ctx, item, client.Preconditions{UID: new(item.UID), ResourceVersion: new(item.ResourceVersion)})
	default:
		body, encoding := json.Marshal(map[string]any{"metadata": map[string]any{
			"resourceVersion": item.ResourceVersion, "ownerReferences": rest}})
		if encoding != nil {
			return encoding
		}
		err = r.client.Patch(ctx, item, client.RawPatch(types.MergePatchType, body), client.FieldOwner(manager))
	}
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // it changed meanwhile, which wakes the Canary again
	}
	return err
}
