package sd

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/serinhq/serin/lab/kube"
)

// Pods follows all pods of a cluster.
type Pods struct {
	client *kube.Client

	mu   sync.Mutex
	pods map[string]pod // by UID
}

// New makes a list of pods that is empty until Watch runs.
func New(client *kube.Client) *Pods {
	return &Pods{client: client, pods: map[string]pod{}}
}

// Watch follows the pods until ctx ends.
func (p *Pods) Watch(ctx context.Context) { kube.Follow(ctx, p.client, "/api/v1/pods", follower{p}) }

// follower keeps the methods that change the list out of what others see of it.
type follower struct{ *Pods }

// Replace takes the whole list.
func (p follower) Replace(items []pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.pods)
	for _, item := range items {
		p.pods[item.Metadata.UID] = item
	}
}

// Change takes one pod.
func (p follower) Change(kind string, item pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if kind == "DELETED" {
		delete(p.pods, item.Metadata.UID)
		return
	}
	p.pods[item.Metadata.UID] = item
}

// targets are all pods to scrape, always in the same order.
func (p *Pods) targets() []target {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := []target{} // an empty list, not null, is what Prometheus wants
	for _, item := range p.pods {
		if t, ok := item.asTarget(); ok {
			found = append(found, t)
		}
	}
	slices.SortFunc(found, func(a, b target) int { return strings.Compare(a.Targets[0], b.Targets[0]) })
	return found
}

// ServeHTTP answers with the targets.
func (p *Pods) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(p.targets()); err != nil {
		slog.Debug("Prometheus hung up", "err", err)
	}
}

// Serve answers Prometheus at listener until that is closed.
func (p *Pods) Serve(listener net.Listener) error {
	server := &http.Server{Handler: p, ReadHeaderTimeout: time.Second}
	return server.Serve(listener)
}
