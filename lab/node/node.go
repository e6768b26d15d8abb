package node

import (
	"context"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/serinhq/serin/lab/await"
	"github.com/serinhq/serin/lab/kube"
	"github.com/serinhq/serin/lab/process"
)

// theNode is the inside while it runs.
type theNode struct {
	Config
	events *speaker
	creds  credentials
	client *kube.Client
	ended  chan *process.Process // the first one is enough
}

func newNode(config Config, events *speaker) *theNode {
	return &theNode{Config: config, events: events, ended: make(chan *process.Process)}
}

// limit is far more than any part was seen to need, on a busy machine.
const limit = 90 * time.Second

// start starts everything, what does not wait for each other side by side:
//
//	network, certificates
//	├─ etcd ─ kube-apiserver ─┬─ controllers, scheduler ── service account
//	│                         ├─ custom resources ─ Contour or istiod ─ Envoy ─ Traefik
//	│                         ├─ Envoy Gateway ── its pods, on the node that is Ready
//	│                         └─ discovery
//	├─ containerd ─ images    └─┬─ kubelet ─ kube-proxy ── node Ready
//	└─ Prometheus               (needs both)
func (n *theNode) start(ctx context.Context, handed [listeners]net.Listener) error {
	if err := n.prepare(); err != nil {
		return err
	}
	for i, target := range []string{
		net.JoinHostPort(nodeAddress, apiServerPort), "127.0.0.1:" + gatewayPort, "127.0.0.1:" + prometheusPort,
		"127.0.0.1:" + traefikPort, net.JoinHostPort(envoyGatewayAddress, envoyGatewayPort),
	} {
		go n.relay(handed[i], target)
	}
	group, ctx := errgroup.WithContext(ctx)
	engine, api := make(chan struct{}), make(chan struct{})
	group.Go(func() error { return n.step(ctx, "containerd and images", n.startEngine, engine) })
	group.Go(func() error { return n.step(ctx, "etcd and kube-apiserver", n.startAPI, api) })
	group.Go(func() error { return n.step(ctx, "Prometheus", n.startPrometheus, nil) })
	group.Go(func() error {
		if !all(ctx, api, engine) {
			return ctx.Err()
		}
		return n.step(ctx, "kubelet and kube-proxy", n.startKubelet, nil)
	})
	works := map[string]func(context.Context) error{
		"controllers and scheduler": n.startControllers,
		"gateway":                   n.startGateway,
		"discovery and DNS":         n.startDiscovery,
	}
	if n.EnvoyGateway {
		works["Envoy Gateway"] = n.startEnvoyGateway
	}
	for name, work := range works {
		group.Go(func() error {
			if !all(ctx, api) {
				return ctx.Err()
			}
			return n.step(ctx, name, work, nil)
		})
	}
	return group.Wait()
}

// step runs one part of the start and closes done after it.
func (n *theNode) step(ctx context.Context, name string, work func(context.Context) error, done chan<- struct{}) error {
	err := n.events.step(name, func() error { return work(ctx) })
	if err == nil && done != nil {
		close(done)
	}
	return err
}

// all waits for all channels to be closed and tells whether that happened before ctx ended.
func all(ctx context.Context, channels ...<-chan struct{}) bool {
	for _, c := range channels {
		select {
		case <-c:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (n *theNode) prepare() error {
	return n.events.step("network and certificates", func() error {
		if err := setupNetwork(); err != nil {
			return err
		}
		if err := makeCgroup(n.cgroup()); err != nil {
			return err
		}
		creds, err := makeCredentials(n.Config)
		if err != nil {
			return err
		}
		n.creds = creds
		return n.writeFiles()
	})
}

func (n *theNode) relay(listener net.Listener, target string) {
	if err := relay(listener, target); err != nil {
		fmt.Printf("the relay to %s ended: %v\n", target, err)
	}
}

// run starts a program and notes it, so that its end is noticed.
func (n *theNode) run(name, path string, env []string, args ...string) (*process.Process, error) {
	started, err := process.Start(process.Spec{Name: name, Path: path, Args: args, Env: env, Logs: n.path("logs")})
	if err != nil {
		return nil, err
	}
	go func() {
		<-started.Done()
		n.ended <- started
	}()
	return started, nil
}

// kubernetes starts one part of the multicall program.
func (n *theNode) kubernetes(name string, args ...string) (*process.Process, error) {
	return n.run(name, n.Kubernetes, n.DebianEnv, append([]string{name}, args...)...)
}

// until waits for look, but not for a process that has ended.
func until(ctx context.Context, started *process.Process, look func(context.Context) error) error {
	return await.Condition(ctx, limit, "wait for "+started.Name, func(ctx context.Context) error {
		if err := started.Err(); err != nil {
			return await.Final{Err: err}
		}
		return look(ctx)
	})
}

func listening(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// watch returns when a program ends, which it says, or when ctx does. A lab of which a
// part has died would only puzzle; one that is gone is understood.
func (n *theNode) watch(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case ended := <-n.ended:
		return fmt.Errorf("the lab ends: %w", ended.Err())
	}
}
