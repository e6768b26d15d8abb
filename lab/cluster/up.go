package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/serinhq/serin/lab/fetch"
	"github.com/serinhq/serin/lab/node"
	"github.com/serinhq/serin/lab/progress"
)

// Options say what lab to start. The zero value is a lab with the default name whose
// progress is shown nowhere.
type Options struct {
	Name     string
	Progress *progress.Board
	Gathered func() // called when all parts are there, before any is started; may be nil
	Kubectl  bool   // have a kubectl, too; it takes a first start half a minute

	// Istio makes the gateway one of Istio: istiod programs its Envoy with the VirtualServices
	// that name it, and no kind of the Gateway API is there. A first start builds istiod.
	Istio bool
	// Traefik is a second gateway, beside Contour's. A first start takes minutes to build it.
	Traefik bool
	// EnvoyGateway is one more, with an Envoy of its own in a pod. A first start takes
	// minutes to build it.
	EnvoyGateway bool
}

// Up starts a lab and returns when the node is ready and the gateway and Prometheus
// answer. What is missing is fetched and built first. The lab goes on when this process
// ends. On error, which is one sentence, nothing runs and nothing is left but the cache.
func Up(ctx context.Context, opts Options) (*Cluster, error) {
	if opts.Name == "" {
		opts.Name = DefaultName
	}
	if opts.Progress == nil {
		opts.Progress = progress.Silent()
	}
	if err := checkName(opts.Name); err != nil {
		return nil, err
	}
	if opts.Istio && (opts.Traefik || opts.EnvoyGateway) {
		return nil, errors.New("a lab with Istio has no kinds of the Gateway API, which Traefik and Envoy Gateway serve: start two labs")
	}
	if err := node.Check(); err != nil {
		return nil, err
	}
	cache, err := fetch.Open()
	if err != nil {
		return nil, err
	}
	if err := preflight(ctx, cache, opts); err != nil {
		return nil, err
	}
	if err := sweep(ctx, cache); err != nil {
		return nil, err
	}
	parts, err := gather(ctx, cache, opts)
	if err != nil {
		return nil, err
	}
	if opts.Gathered != nil {
		opts.Gathered()
	}
	unlock, err := cache.Lock(ctx, "lab-"+opts.Name)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return begin(ctx, cache, opts, parts)
}

// begin starts the node in a fresh state folder.
func begin(ctx context.Context, cache fetch.Cache, opts Options, parts Parts) (*Cluster, error) {
	state := stateDir(cache, opts.Name)
	old, err := read(state)
	if err == nil && old.alive() {
		return nil, fmt.Errorf("a lab named %s runs already: use it, end it with `down`, or choose another name", opts.Name)
	}
	if err := os.MkdirAll(state, 0o755); err != nil {
		return nil, fmt.Errorf("make the state folder: %w", err)
	}
	c := &Cluster{Name: opts.Name, State: state, ID: strings.ToLower(rand.Text()[:8])}
	if err := c.write(); err != nil { // so that what a killed start leaves is found
		return nil, err
	}
	config := parts.config()
	config.Name, config.ID, config.State = c.Name, c.ID, state
	n, err := node.Launch(ctx, config, show(opts.Progress))
	if err != nil && ctx.Err() != nil { // nobody wants it, or its logs, any more
		return nil, errors.Join(err, c.Down(context.WithoutCancel(ctx)))
	}
	if err != nil {
		// The logs stay: the error refers to them. The next start removes them.
		return nil, errors.Join(err, node.RemoveCgroup(c.ID))
	}
	c.fill(n, parts)
	return c, c.write()
}

func (c *Cluster) fill(n *node.Node, parts Parts) {
	c.PID, c.Started = n.PID, node.Started(n.PID)
	c.Kubeconfig, c.AuditLog = n.Config.Kubeconfig(), n.Config.AuditLog()
	c.Kubectl = parts.Kubectl
	c.Gateway = "http://" + n.Config.Gateway
	c.Prometheus = "http://" + n.Config.Prometheus
	if parts.Traefik != "" {
		c.Traefik = "http://" + n.Config.TraefikGateway
	}
	if parts.EnvoyGateway != "" {
		c.EnvoyGateway = "http://" + n.Config.EnvoyGatewayAddress
	}
	c.PrometheusInside, c.GatewayInside = node.PrometheusInside, node.GatewayInside
	c.GatewayNamespace, c.GatewayName = node.GatewayNamespace, node.GatewayName
	c.Tools = Tools{Ctr: parts.Debian.Bin("ctr"), Env: parts.Debian.Env(), Containerd: n.Config.Containerd()}
}

// show turns the node's events into steps on the board.
func show(board *progress.Board) func(node.Event) {
	steps := map[string]*progress.Step{}
	return func(e node.Event) {
		if e.Done {
			steps[e.Step].Done()
			return
		}
		steps[e.Step] = board.Step("start " + e.Step)
	}
}

// step runs work as a step of the board.
func step(board *progress.Board, name string, work func(fetch.Note) error) error {
	s := board.Step(name)
	if err := work(s.Note); err != nil {
		s.Fail()
		return err
	}
	s.Done()
	return nil
}
