package integration

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/controller"
)

// haste is how many times faster than the machine's the clock of these tests goes:
// the shortest interval, ten seconds, then takes half a second.
const haste = 20

// leases is what the namespace with the lease of a world's operators ends in. It is
// another one, so that what they ask about it is told from what they ask of the world.
const leases = "-leases"

// robbed takes the lease behind the n-th commit in each phase: the operator that made
// it gets no answer, the other one goes on, and then the first is back and has not
// noticed yet. Each costs seconds, until the caches of both have recovered.
func robbed(n int) script {
	return script{name: fmt.Sprintf("loses its lease behind commit %d of each phase", n), loses: inEach(n), robs: true}
}

// cutOff is what a broken network does in every phase: the operator gives up by
// itself, and its lease has to run out.
func cutOff() script {
	return script{name: "is cut off in every phase", loses: inEach(1)}
}

// inEach is true for the n-th time of each phase.
func inEach(n int) func(phase string) bool {
	seen := map[string]int{}
	return func(phase string) bool {
		seen[phase]++
		return seen[phase] == n
	}
}

// supervise runs operators one after the other, as a kubelet does: one that died or
// gave up is followed by the next. If they lose leases, two run at once. Their clock
// hurries, and begins at the given time.
func (w *world) supervise(i *injector, start time.Time) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	began := time.Now()
	pace := time.Duration(w.paces())
	now := func() time.Time { return start.Add(pace * time.Since(began)) }
	seats := 1
	if i.script.loses != nil {
		seats = 2
		w.makeLeases()
		i.rob = func() error { return w.rob(ctx) }
	}
	var running sync.WaitGroup
	for range seats {
		running.Go(func() {
			for ctx.Err() == nil {
				w.live(ctx, i, now)
			}
		})
	}
	w.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	w.t.Cleanup(w.stop)
}

// paces is how fast the clock of this world goes.
func (w *world) paces() int { return cmp.Or(w.pace, haste) }

// live runs one operator until it dies.
func (w *world) live(ctx context.Context, i *injector, now func() time.Time) {
	o := &operator{injector: i}
	o.over, o.end = context.WithCancel(ctx)
	defer o.end()
	o.join()
	options := w.options()
	options.Now, options.Pace = now, w.paces()
	options.LeaderElection, options.LeaderElectionNamespace = i.script.loses != nil, w.namespace+leases
	options.Config.WrapTransport = func(next http.RoundTripper) http.RoundTripper { return &life{o, next} }
	if err := controller.Run(o.over, options); err != nil && o.over.Err() == nil {
		options.Log.Warn("the operator gave up and is started again", "err", err)
	}
}

func (w *world) makeLeases() {
	w.t.Helper()
	ns := &corev1.Namespace{}
	ns.Name = w.namespace + leases
	w.must(w.plane.client.Create(w.ctx, ns))
	w.t.Cleanup(func() {
		if err := w.plane.client.Delete(context.Background(), ns); err != nil {
			w.t.Logf("delete the namespace of the lease: %v", err)
		}
	})
}

// rob takes the lease from whoever has it, so that the next one may have it at once.
func (w *world) rob(ctx context.Context) error {
	lease := blank(schema.GroupVersionKind{Group: "coordination.k8s.io", Version: "v1", Kind: "Lease"})
	lease.SetNamespace(w.namespace + leases)
	lease.SetName("flagger-leader-election")
	return w.plane.client.Patch(ctx, lease, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"holderIdentity":""}}`)))
}
