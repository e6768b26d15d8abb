package controller

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
)

// afterOthers is for how long an operator leaves a Canary alone that somebody else moved
// on. By then it has noticed that it lost its lease, which takes two seconds and a half.
const afterOthers = 5 * time.Second

// overtaken takes note of the transition that status is at, and says for how long not to
// look any further: another operator made it, or this one and the answer was lost. An
// operator that is connected again may see that status before it sees the pods that it
// is about, and the commit cannot know that the decision was about others.
func (r *reconciler) overtaken(canary *v1beta1.Canary, m *memo) time.Duration {
	now, pace, newest := r.options.clock(), time.Duration(max(r.options.Pace, 1)), canary.Status.Transition()
	if r.options.LeaderElection && m.transition >= 0 && newest > m.transition {
		m.quiet = now.Add(afterOthers * pace)
	}
	m.at(newest)
	return m.quiet.Sub(now) / pace
}

// fence lets a look act only if the status it is about is still the newest. A commit
// has just shown that. Without one, an operator that lost its lease and has not noticed
// yet would set right a route that the next one has moved already: its caches may show
// it the route before they show it the status. So it asks, once in a look that writes
// without a commit; those are drift and what a failure interrupted.
func (r *reconciler) fence(ctx context.Context, v *view) error {
	if v.told || v.fenced {
		return nil
	}
	newest := &metav1.PartialObjectMetadata{}
	newest.SetGroupVersionKind(kind("Canary"))
	err := r.asker.live.Get(ctx, client.ObjectKeyFromObject(v.canary), newest)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("read Canary %s.%s before acting on it: %w", v.canary.Name, v.canary.Namespace, err)
	}
	if newest.ResourceVersion != v.canary.ResourceVersion {
		return apierrors.NewConflict(schema.GroupResource{Group: newest.GroupVersionKind().Group, Resource: "canaries"}, v.canary.Name,
			fmt.Errorf("resourceVersion %s was looked at, %s is the newest", v.canary.ResourceVersion, newest.ResourceVersion))
	}
	v.fenced = true
	return nil
}
