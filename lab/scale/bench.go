package main

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/serinhq/serin/lab/await"
	"github.com/serinhq/serin/lab/control"
	"github.com/serinhq/serin/lab/fetch"
	"github.com/serinhq/serin/lab/kube"
)

// writers is how many requests of the load are under way at once.
const writers = 8

// bench is one run.
type bench struct {
	settings settings
	dir      string
	plane    *control.Plane
	client   *kube.Client
	metrics  *httptest.Server
	record   *record
	program  string
	operator *operator
	subjects []subject // that are released; the last one goes first, see restart
	first    subject
	stop     func()

	result measured
	window struct{ from, to time.Time } // of the releases
	began  time.Time                    // of the measured operator
}

// newBench starts all that is not measured.
func newBench(ctx context.Context, s settings) (*bench, error) {
	b := &bench{settings: s, record: newRecord(s.interval), metrics: httptest.NewServer(backend{}), stop: func() {}}
	if err := b.start(ctx); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *bench) start(ctx context.Context) error {
	var err error
	if b.dir, err = os.MkdirTemp("", "serin-scale-"); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	b.say("build the operator and Kubernetes")
	if b.program, err = build(ctx, b.settings, b.dir); err != nil {
		return err
	}
	cache, err := fetch.Open()
	if err != nil {
		return err
	}
	binary, err := cache.Build(ctx, fetch.Kubernetes().Optimised(), func(string) {})
	if err != nil {
		return err
	}
	b.plane, err = control.Start(ctx, control.Options{Binary: binary, Dir: filepath.Join(b.dir, "plane"), WithoutControllers: true,
		APIServer: []string{"--audit-log-maxsize=8192"}})
	if err != nil {
		return err
	}
	authority, err := os.ReadFile(b.plane.CAFile)
	if err != nil {
		return fmt.Errorf("read the CA of the control plane: %w", err)
	}
	if b.client, err = kube.New(kube.Access{Host: b.plane.Host, CA: authority, Token: b.plane.Token}); err != nil {
		return err
	}
	definitions, err := cache.CRDs(ctx, func(string) {})
	if err != nil {
		return err
	}
	own, err := filepath.Glob(filepath.Join(b.settings.source, "config", "crd", "*.yaml"))
	if err != nil || len(own) == 0 {
		return fmt.Errorf("no definitions in %s (flag -source): %w", b.settings.source, err)
	}
	if err := define(ctx, b.client, append(definitions, own...)); err != nil {
		return err
	}
	b.attend(ctx)
	return nil
}

// attend starts what watches and answers.
func (b *bench) attend(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	pods, gateway := newHands(ctx, &running), newHands(ctx, &running)
	running.Go(func() { kube.Follow(ctx, b.client, deploymentsPath, &kubelet{b.client, pods}) })
	running.Go(func() { kube.Follow(ctx, b.client, routesPath, &acceptor{b.client, gateway}) })
	running.Go(func() { kube.Follow(ctx, b.client, canariesPath, b.record) })
	b.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
}

func (b *bench) close() error {
	b.stop()
	b.metrics.Close()
	var errs []error
	if b.operator != nil {
		errs = append(errs, b.operator.end())
	}
	if b.plane != nil {
		errs = append(errs, b.plane.Stop())
	}
	if b.settings.keep {
		b.say("the logs are in " + b.dir)
		return errors.Join(errs...)
	}
	return errors.Join(append(errs, os.RemoveAll(b.dir))...)
}

func (b *bench) say(text string) {
	fmt.Fprintln(os.Stderr, time.Now().Format(time.TimeOnly), text)
}

// furnish makes the namespaces, the workloads and their Canaries.
func (b *bench) furnish(ctx context.Context) error {
	total := b.settings.busy + b.settings.idle
	b.say(fmt.Sprintf("make %d canaries in %d namespaces", total+1, b.settings.namespaces))
	for i := range b.settings.namespaces {
		if err := b.client.Create(ctx, "/api/v1/namespaces", namespaceOf(i)); err != nil {
			return err
		}
	}
	b.first = subject{namespace: namespaceName(0), name: "first"}
	all := []subject{b.first}
	for i := range total {
		s := numbered(i, b.settings.namespaces)
		if i < b.settings.busy {
			b.subjects = append(b.subjects, s)
		}
		all = append(all, s)
	}
	b.record.expect(len(all))
	return each(ctx, all, func(ctx context.Context, s subject) error {
		if err := b.client.Create(ctx, s.collection("apps/v1", "deployments"), s.deployment()); err != nil {
			return err
		}
		return b.client.Create(ctx, s.collection("flagger.app/v1beta1", "canaries"), s.canary(b.settings.interval))
	})
}

// each calls do for all subjects, several at once.
func each(ctx context.Context, subjects []subject, do func(context.Context, subject) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for _, s := range subjects {
		group.Go(func() error { return do(ctx, s) })
	}
	return group.Wait()
}

// bootstrap lets an operator in a hurry bring all Canaries to rest, so that what is
// measured later begins with a cluster that is in order.
func (b *bench) bootstrap(ctx context.Context) error {
	began := time.Now()
	hurry := []string{"-kubeconfig-qps=5000", "-kubeconfig-burst=5000", "-threadiness=16"}
	if err := b.operate(hurry, ""); err != nil {
		return err
	}
	if err := b.until(ctx, "all Canaries to be initialized", b.record.rested); err != nil {
		return err
	}
	b.say(fmt.Sprintf("all initialized after %s", time.Since(began).Round(time.Second)))
	return b.operator.end()
}

// restart starts the operator that is measured, with one release waiting for it.
func (b *bench) restart(ctx context.Context) error {
	if err := b.push(ctx, b.first); err != nil {
		return err
	}
	b.began = time.Now()
	if err := b.operate(flagsOf(b.settings.operator), b.settings.profile); err != nil {
		return err
	}
	if err := b.until(ctx, "the first release to end", func() error { return b.record.ended(1) }); err != nil {
		return err
	}
	b.result.start = b.record.of(b.first).noticed.Sub(b.began)
	b.say(fmt.Sprintf("first decision after %s", b.result.start.Round(time.Millisecond)))
	return nil
}

// rest watches the operator having nothing to do.
func (b *bench) rest(ctx context.Context) error {
	b.say(fmt.Sprintf("watch it idle for %s", b.settings.quiet))
	const settle = 3 * time.Second
	if err := pause(ctx, settle); err != nil {
		return err
	}
	b.result.idleFrom = time.Now()
	if err := pause(ctx, b.settings.quiet); err != nil {
		return err
	}
	b.result.idleTo = time.Now()
	return nil
}

// release pushes a new revision to every busy subject and waits for their ends.
func (b *bench) release(ctx context.Context) error {
	b.say(fmt.Sprintf("release %d revisions", len(b.subjects)))
	before, err := b.operator.used(ctx)
	if err != nil {
		return err
	}
	if b.result.before, err = everybody(); err != nil {
		return err
	}
	b.window.from = time.Now()
	err = each(ctx, b.subjects, func(ctx context.Context, s subject) error {
		if err := pause(ctx, time.Until(b.window.from.Add(b.settings.pace*time.Duration(s.number)))); err != nil {
			return err
		}
		return b.push(ctx, s)
	})
	if err != nil {
		return err
	}
	b.result.pushes = time.Since(b.window.from)
	waited := b.until(ctx, "all releases to end", func() error { return b.record.ended(len(b.subjects) + 1) })
	b.window.to = time.Now()
	if ctx.Err() != nil {
		return waited
	}
	if waited != nil {
		b.say(waited.Error()) // counted as wrong verdicts
	}
	after, err := b.operator.used(ctx)
	if err != nil {
		return err
	}
	b.result.cpu, b.result.peak, b.result.looks = after.cpu-before.cpu, after.peak, after.looks-before.looks
	if b.result.after, err = everybody(); err != nil {
		return err
	}
	const settle = 3 * time.Second // events and the last writes
	if err := pause(ctx, settle); err != nil {
		return err
	}
	return b.operator.end()
}

// push gives a subject its next revision.
func (b *bench) push(ctx context.Context, s subject) error {
	b.record.push(s)
	if err := b.client.Merge(ctx, s.path("apps/v1", "deployments"), nextRevision); err != nil {
		return err
	}
	b.record.pushed(s, time.Now())
	return nil
}

// until waits for what the record shows; to bring five thousand canaries to rest takes the
// API server of a small machine half an hour.
func (b *bench) until(ctx context.Context, what string, look func() error) error {
	const limit = time.Hour
	return await.Condition(ctx, limit, "wait for "+what, func(context.Context) error {
		if err := b.operator.process.Err(); err != nil {
			return await.Final{Err: err}
		}
		return look()
	})
}

// pause waits, unless the run ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
