package main

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"

	"github.com/serinhq/serin/lab/kube"
)

const (
	deploymentsPath = "/apis/apps/v1/deployments"
	routesPath      = "/apis/gateway.networking.k8s.io/v1/httproutes"
	canariesPath    = "/apis/flagger.app/v1beta1/canaries"
)

// meta is what is read of all objects.
type meta struct {
	Namespace, Name string
	Generation      int64
}

// hands do small works in the background, those of one object one after the other.
type hands []chan func()

func newHands(ctx context.Context, running *sync.WaitGroup) hands {
	const count, room = 8, 4096
	h := make(hands, count)
	for i := range h {
		h[i] = make(chan func(), room)
		running.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case work := <-h[i]:
					work()
				}
			}
		})
	}
	return h
}

// do has a change of status written.
func (h hands) do(client *kube.Client, of meta, path string, patch []byte) {
	sum := fnv.New32a()
	fmt.Fprint(sum, of.Namespace, "/", of.Name)
	h[sum.Sum32()%uint32(len(h))] <- func() {
		if err := client.Merge(context.Background(), path, patch); err != nil {
			slog.Warn("a stand-in is stuck", "err", err)
		}
	}
}

// deployment is what the stand-in for pods reads of one.
type deployment struct {
	Metadata meta
	Spec     struct{ Replicas *int }
	Status   struct {
		ObservedGeneration          int64
		Replicas, AvailableReplicas int
	}
}

// kubelet makes Deployments ready at once: it stands in for the controllers, the
// scheduler and the nodes.
type kubelet struct {
	client *kube.Client
	hands  hands
}

// Replace implements kube.Follower.
func (k *kubelet) Replace(all []deployment) {
	for _, d := range all {
		k.Change("ADDED", d)
	}
}

// Change implements kube.Follower.
func (k *kubelet) Change(kind string, d deployment) {
	want := 1
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	settled := d.Status.ObservedGeneration == d.Metadata.Generation && d.Status.Replicas == want && d.Status.AvailableReplicas == want
	if kind == "DELETED" || settled {
		return
	}
	path := fmt.Sprintf("/apis/apps/v1/namespaces/%s/deployments/%s/status", d.Metadata.Namespace, d.Metadata.Name)
	k.hands.do(k.client, d.Metadata, path, encode(map[string]any{"status": map[string]any{
		"observedGeneration": d.Metadata.Generation,
		"replicas":           want, "updatedReplicas": want, "readyReplicas": want, "availableReplicas": want,
		"conditions": []any{condition("Available", "MinimumReplicasAvailable"), condition("Progressing", "NewReplicaSetAvailable")},
	}}))
}

func condition(kind, reason string) map[string]any {
	const then = "2026-01-01T00:00:00Z"
	return map[string]any{"type": kind, "status": "True", "reason": reason, "message": "", "lastTransitionTime": then}
}

// httpRoute is what the stand-in for a gateway reads of one.
type httpRoute struct {
	Metadata meta
	Spec     struct{ ParentRefs []json.RawMessage }
	Status   struct {
		Parents []struct {
			Conditions []struct{ ObservedGeneration int64 }
		}
	}
}

// acceptor takes every route as it is: it stands in for a gateway controller.
type acceptor struct {
	client *kube.Client
	hands  hands
}

// Replace implements kube.Follower.
func (a *acceptor) Replace(all []httpRoute) {
	for _, r := range all {
		a.Change("ADDED", r)
	}
}

// Change implements kube.Follower.
func (a *acceptor) Change(kind string, r httpRoute) {
	if kind == "DELETED" || r.settled() {
		return
	}
	var parents []any
	for _, ref := range r.Spec.ParentRefs {
		conditions := []any{condition("Accepted", "Accepted"), condition("ResolvedRefs", "ResolvedRefs")}
		for _, c := range conditions {
			c.(map[string]any)["observedGeneration"] = r.Metadata.Generation
		}
		parents = append(parents, map[string]any{"parentRef": ref, "controllerName": "example.com/gateway", "conditions": conditions})
	}
	path := fmt.Sprintf("/apis/gateway.networking.k8s.io/v1/namespaces/%s/httproutes/%s/status", r.Metadata.Namespace, r.Metadata.Name)
	a.hands.do(a.client, r.Metadata, path, encode(map[string]any{"status": map[string]any{"parents": parents}}))
}

func (r httpRoute) settled() bool {
	if len(r.Status.Parents) != len(r.Spec.ParentRefs) {
		return false
	}
	for _, parent := range r.Status.Parents {
		for _, c := range parent.Conditions {
			if c.ObservedGeneration != r.Metadata.Generation {
				return false
			}
		}
	}
	return true
}
