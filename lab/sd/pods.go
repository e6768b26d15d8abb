package sd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// Watch follows the pods until ctx ends. After an error it begins again with a list.
func (p *Pods) Watch(ctx context.Context) {
	for ctx.Err() == nil {
		if err := p.follow(ctx); err != nil && ctx.Err() == nil {
			slog.Warn("watching pods begins again", "err", err)
			pause(ctx)
		}
	}
}

// pause keeps a broken API server from being asked without end.
func pause(ctx context.Context) {
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func (p *Pods) follow(ctx context.Context) error {
	var list struct {
		Metadata struct{ ResourceVersion string }
		Items    []pod
	}
	if err := p.client.Read(ctx, "/api/v1/pods", &list); err != nil {
		return err
	}
	p.replace(list.Items)
	body, err := p.client.Stream(ctx, "/api/v1/pods?watch=1&resourceVersion="+list.Metadata.ResourceVersion)
	if err != nil {
		return err
	}
	defer body.Close()
	decoder := json.NewDecoder(body)
	for {
		var event struct {
			Type   string
			Object pod
		}
		if err := decoder.Decode(&event); errors.Is(err, io.EOF) {
			return nil // watches end after some minutes
		} else if err != nil {
			return fmt.Errorf("read the watch: %w", err)
		}
		if event.Type == "ERROR" {
			return errors.New("the watch is too old")
		}
		p.change(event.Type, event.Object)
	}
}

func (p *Pods) replace(items []pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.pods)
	for _, item := range items {
		p.pods[item.Metadata.UID] = item
	}
}

func (p *Pods) change(kind string, item pod) {
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
