package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// What a release of three steps takes, as bench-scale counts it: each round has a status, an
// event and a query, some have more.
const (
	rounds      = 8
	routes      = 4 // weights 20, 40, 60 and home
	deployments = 3 // the canary up, the primary, the canary down

	between = 4 * time.Second // 32 s in all
	owner   = "bareclient"
)

// all releases begin one after another.
func (r *releaser) all(ctx context.Context, canaries []unstructured.Unstructured, pace time.Duration) error {
	ends := make(chan error, len(canaries))
	for i := range canaries {
		go func() { ends <- r.release(ctx, &canaries[i]) }()
		<-time.After(pace)
	}
	var errs []error
	for range canaries {
		errs = append(errs, <-ends)
	}
	return errors.Join(errs...)
}

func (r *releaser) release(ctx context.Context, canary *unstructured.Unstructured) error {
	for round := range rounds {
		if err := errors.Join(r.status(ctx, canary, round), r.event(ctx, canary, round), r.query(ctx)); err != nil {
			return fmt.Errorf("release %s: %w", canary.GetName(), err)
		}
		if round < routes {
			if err := r.patch(ctx, canary, routeKind, route(canary.GetName(), round)); err != nil {
				return err
			}
		}
		if round < deployments {
			change := fmt.Sprintf(`{"metadata":{"annotations":{"round":"%d"}}}`, round)
			if err := r.patch(ctx, canary, appsv1.SchemeGroupVersion.WithKind("Deployment"), change); err != nil {
				return err
			}
		}
		<-time.After(between)
	}
	return nil
}

// named is what a request is about; answers are metadata only.
func named(canary *unstructured.Unstructured, gvk schema.GroupVersionKind) *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: canary.GetNamespace(), Name: canary.GetName()}}
	object.SetGroupVersionKind(gvk)
	return object
}

func (r *releaser) status(ctx context.Context, canary *unstructured.Unstructured, round int) error {
	status, _, err := unstructured.NestedMap(canary.Object, "status")
	if err != nil {
		return fmt.Errorf("read the status: %w", err)
	}
	status["iterations"] = round
	change, err := json.Marshal([]map[string]any{{"op": "add", "path": "/status", "value": status}})
	if err != nil {
		return fmt.Errorf("encode the status: %w", err)
	}
	r.requests.Add(1)
	return r.client.Status().Patch(ctx, named(canary, canaryKind), client.RawPatch(types.JSONPatchType, change), client.FieldOwner(owner))
}

func (r *releaser) event(ctx context.Context, canary *unstructured.Unstructured, round int) error {
	r.requests.Add(1)
	return r.client.Create(ctx, &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: canary.GetNamespace(), Name: fmt.Sprintf("%s.%s%d.%d", canary.GetName(), owner, os.Getpid(), round)},
		InvolvedObject: corev1.ObjectReference{APIVersion: canary.GetAPIVersion(), Kind: canary.GetKind(), Namespace: canary.GetNamespace(),
			Name: canary.GetName(), UID: canary.GetUID()},
		Reason: "Synced", Type: corev1.EventTypeNormal, Count: 1,
		Message: fmt.Sprintf("Advance %s.%s canary weight %d", canary.GetName(), canary.GetNamespace(), round),
	})
}

func (r *releaser) patch(ctx context.Context, canary *unstructured.Unstructured, gvk schema.GroupVersionKind, change string) error {
	r.requests.Add(1)
	err := r.client.Patch(ctx, named(canary, gvk), client.RawPatch(types.MergePatchType, []byte(change)), client.FieldOwner(owner))
	if err != nil {
		return fmt.Errorf("patch %s %s: %w", gvk.Kind, canary.GetName(), err)
	}
	return nil
}

// route has other weights in each round.
func route(name string, round int) string {
	weight := 20 * (round + 1)
	return fmt.Sprintf(`{"spec":{"rules":[{"matches":[{"path":{"type":"PathPrefix","value":"/"}}],"backendRefs":[`+
		`{"name":"%[1]s-primary","port":80,"weight":%[2]d},{"name":"%[1]s-canary","port":80,"weight":%[3]d}]}]}}`, name, 100-weight, weight)
}

// query asks as the built-in checks do.
func (r *releaser) query(ctx context.Context) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.metrics+"/api/v1/query?query="+url.QueryEscape("up"), nil)
	if err != nil {
		return fmt.Errorf("ask for a metric: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask for a metric: %w", err)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}
