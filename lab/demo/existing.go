package demo

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// existing is a cluster of the user's, on which Serin, a Gateway and a Prometheus are.
// The demo makes one namespace in it and removes it again.
type existing struct{ site Site }

// Raise refuses a namespace that is there already: it would be removed in the end.
func (e *existing) Raise(ctx context.Context) (Site, error) {
	c, err := connect(e.site.Kubeconfig)
	if err != nil {
		return Site{}, err
	}
	_, err = c.dynamic.Resource(core("namespaces")).Get(ctx, Namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return e.site, nil
	case err != nil:
		return Site{}, fmt.Errorf("look at the cluster of %s: %w", e.site.Kubeconfig, err)
	}
	return Site{}, fmt.Errorf("the cluster has a namespace %s already: the demo needs it for itself, remove or rename it", Namespace)
}

// Strike removes the namespace.
func (e *existing) Strike(ctx context.Context) error {
	c, err := connect(e.site.Kubeconfig)
	if err != nil {
		return err
	}
	err = c.dynamic.Resource(core("namespaces")).Delete(ctx, Namespace, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return errors.Join(fmt.Errorf("remove namespace %s", Namespace), err)
	}
	return nil
}
