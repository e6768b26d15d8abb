package dns

import (
	"context"
	"net/netip"
	"strings"
	"sync"

	"github.com/serinhq/serin/lab/kube"
)

// Names are the names of all Services.
type Names struct {
	client *kube.Client

	mu        sync.RWMutex
	addresses map[string]netip.Addr
}

// New makes a list of names that is empty until Watch runs.
func New(client *kube.Client) *Names {
	return &Names{client: client, addresses: map[string]netip.Addr{}}
}

// Watch follows the Services until ctx ends.
func (n *Names) Watch(ctx context.Context) {
	kube.Follow(ctx, n.client, "/api/v1/services", follower{n})
}

// service is what is read of a Service.
type service struct {
	Metadata struct{ Name, Namespace string }
	Spec     struct{ ClusterIP string }
}

func (s service) name() string {
	return s.Metadata.Name + "." + s.Metadata.Namespace + ".svc.cluster.local."
}

// follower keeps the methods that change the list out of what others see of it.
type follower struct{ *Names }

// Replace takes the whole list.
func (n follower) Replace(all []service) {
	n.mu.Lock()
	clear(n.addresses)
	n.mu.Unlock()
	for _, s := range all {
		n.Change("ADDED", s)
	}
}

// Change takes one Service.
func (n follower) Change(kind string, s service) {
	n.mu.Lock()
	defer n.mu.Unlock()
	address, err := netip.ParseAddr(s.Spec.ClusterIP) // "None" and "" are no addresses
	if kind == "DELETED" || err != nil {
		delete(n.addresses, s.name())
		return
	}
	n.addresses[s.name()] = address
}

// find returns the address of a name, which ends with a dot.
func (n *Names) find(name string) (netip.Addr, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	address, ok := n.addresses[strings.ToLower(name)]
	return address, ok
}
