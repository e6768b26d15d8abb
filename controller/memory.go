package controller

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
)

// memory is what the process remembers of each Canary. Losing it costs a few
// requests and never correctness: status is the truth.
type memory struct {
	mu   sync.Mutex
	memo map[types.NamespacedName]*memo
}

// A memo belongs to the worker that holds the key of its Canary, so it needs no
// lock of its own. Its maps are made when they are first written, see put: of a thousand
// Canaries that rest nearly all are empty.
type memo struct {
	uid        types.UID
	replaced   string          // resourceVersion that our last write was based on; the cache may still show it
	transition int64           // written or seen last; -1 for none
	quiet      time.Time       // until when the Canary is left alone, see overtaken
	spoken     int64           // transition whose outbox was said; -1 for none
	said       map[string]bool // messages said in this transition
	unsure     map[string]bool // messages of this transition whose event may have been made
	applied    map[string]applied
	settled    map[string]cause // of objects that were as they should be
	answers    map[string]answer
	template   template
	roll       string                     // of the pods that were put behind the apex last
	known      [parts]known               // what was as it should be
	took       took                       // whether the data plane took the routes
	still      string                     // picture in which nothing was left to do
	routed     bool                       // whether the data plane served the state in it
	heard      map[rollout.Verb]string    // wishes taken up, should an older CRD keep nothing of them
	raised     int64                      // transition whose canary was given its replicas; -1 for none
	unready    map[rollout.Side]time.Time // since when looks have found the pods of a side not as they should be
	waits      waits
	loan       *loan                  // the object that spec.routeRef named; nil without one
	configs    map[string]knownConfig // by their keys; nil until status was recalled
}

// put writes to a map that may be nil yet.
func put[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
}

// took remembers whether the data plane took the routes of a picture.
type took struct {
	routes   uint64
	accepted bool
}

// template remembers the revision of a pod template: canonical JSON costs more than
// all the rest of a look.
type template struct {
	uid        types.UID
	generation int64
	revision   rollout.Revision
}

// revision of the workload's template, which does not change within a generation.
func (m *memo) revision(p *workload.Pods) rollout.Revision {
	if p.UID == "" || m.template.uid != p.UID || m.template.generation != p.Generation {
		m.template = template{p.UID, p.Generation, workload.Revision(p.Template)}
	}
	return m.template.revision
}

// applied remembers an apply whose result the cache has not shown yet.
type applied struct {
	digest string // of what was applied
	before string // resourceVersion in the cache at that time
}

// behind reports whether the cache does not show yet what was sent for an object last.
func (m *memo) behind(name, cached string) bool {
	last, sent := m.applied[name]
	return sent && last.before == cached
}

func newMemory() *memory { return &memory{memo: map[types.NamespacedName]*memo{}} }

// of returns the memo of the Canary, a new one if the object was made anew.
func (m *memory) of(key types.NamespacedName, uid types.UID) *memo {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.memo[key]; ok && known.uid == uid {
		return known
	}
	fresh := &memo{uid: uid, transition: -1, spoken: -1, raised: -1}
	m.memo[key] = fresh
	return fresh
}

// forget drops the memo and reports whether there was one.
func (m *memory) forget(key types.NamespacedName) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.memo[key]
	delete(m.memo, key)
	return ok
}

// hear remembers wishes that were taken up.
func (m *memo) hear(taken []rollout.Wish) {
	for _, wish := range taken {
		put(&m.heard, wish.Verb, wish.Text)
	}
}

// at moves on to a transition: what was said before may be said again.
func (m *memo) at(transition int64) {
	if transition != m.transition {
		m.transition, m.said, m.unsure, m.waits = transition, nil, nil, waits{}
	}
}
