package controller

import (
	"fmt"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// turnstile lets only so many releases run at once, in the order in which they
// asked. It remembers who is inside and who waits; after a restart those inside
// are learnt from status, and those outside ask again.
type turnstile struct {
	most int                                  // at once in all namespaces; 0 for any number
	each func(namespace string) int           // at once in one namespace; 0 for any number
	wake func(types.NamespacedName)           // calls a Canary whose turn may have come
	seed func() map[types.NamespacedName]bool // who is inside when the process starts

	mu     sync.Mutex
	inside map[types.NamespacedName]bool
	queue  []types.NamespacedName
}

// enter asks for a place. It returns why there is none, or "" and keeps the place
// until leave is called.
func (t *turnstile) enter(key types.NamespacedName) (wait string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.start()
	if t.inside[key] {
		return ""
	}
	if !slices.Contains(t.queue, key) {
		t.queue = append(t.queue, key)
	}
	if wait = t.full(key); wait != "" {
		return wait
	}
	t.inside[key] = true
	t.queue = slices.DeleteFunc(t.queue, func(k types.NamespacedName) bool { return k == key })
	return ""
}

// start learns who is inside, once.
func (t *turnstile) start() {
	if t.inside == nil {
		t.inside = t.seed()
	}
}

// full says why the Canary must wait. Only those before it that could go through
// themselves stand in its way: a namespace that is full holds up no other.
func (t *turnstile) full(key types.NamespacedName) string {
	all, here := len(t.inside), t.within(key.Namespace)
	before := 0
	for _, other := range t.queue {
		if other == key {
			break
		}
		if most := t.each(other.Namespace); most > 0 && t.within(other.Namespace) >= most {
			continue
		}
		before++
		if other.Namespace == key.Namespace {
			here++
		}
	}
	if most := t.each(key.Namespace); most > 0 && here >= most {
		return fmt.Sprintf("at most %d at once in namespace %s", most, key.Namespace)
	}
	if t.most > 0 && all+before >= t.most {
		return fmt.Sprintf("at most %d at once in the cluster", t.most)
	}
	return ""
}

// within counts the releases of a namespace that run.
func (t *turnstile) within(namespace string) int {
	n := 0
	for key := range t.inside {
		if key.Namespace == namespace {
			n++
		}
	}
	return n
}

// note keeps or frees the place of a Canary: running says whether a release of it
// is under way, waiting whether it still asks for one.
func (t *turnstile) note(key types.NamespacedName, running, waiting bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.start()
	had := t.inside[key]
	if running {
		t.inside[key] = true
	} else {
		delete(t.inside, key)
	}
	if !waiting {
		t.queue = slices.DeleteFunc(t.queue, func(k types.NamespacedName) bool { return k == key })
	}
	if had && !running {
		for _, next := range t.queue {
			if t.full(next) == "" {
				go t.wake(next) // it may wait for a worker, which may wait for this lock
			}
		}
	}
}
