package control

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/serinhq/serin/lab/await"
	"github.com/serinhq/serin/lab/certs"
	"github.com/serinhq/serin/lab/kube"
	"github.com/serinhq/serin/lab/process"
)

// Options say what to start.
type Options struct {
	// Binary is the multicall program that holds all parts of Kubernetes and etcd.
	Binary string
	// Dir holds everything; empty means a new temporary folder, removed by Stop.
	Dir string
	// WithoutControllers leaves kube-controller-manager out: Deployments then make no
	// pods and nothing is garbage-collected, but two seconds are saved.
	WithoutControllers bool
	// APIServer are further flags of kube-apiserver.
	APIServer []string
}

// Plane is a running control plane.
type Plane struct {
	Host       string // https://127.0.0.1:port
	Token      string // of a user in system:masters
	CAFile     string
	Kubeconfig string // path, same rights as Token
	AuditLog   string // path; level Metadata, JSON lines
	Dir        string

	binary    string
	authority *certs.Authority
	client    *kube.Client
	etcd      string
	ownDir    bool
	processes []*process.Process
}

// startLimit is far more than a busy two-core machine was seen to need (7 s).
const startLimit = 60 * time.Second

// Start starts the control plane and returns when its API server is ready. On error
// nothing is left running.
func Start(ctx context.Context, opts Options) (*Plane, error) {
	p := &Plane{Dir: opts.Dir, binary: opts.Binary}
	if err := p.start(ctx, opts); err != nil {
		return nil, errors.Join(fmt.Errorf("start a control plane: %w", err), p.Stop())
	}
	return p, nil
}

func (p *Plane) start(ctx context.Context, opts Options) error {
	if err := p.prepare(); err != nil {
		return err
	}
	if err := p.startEtcd(ctx); err != nil {
		return err
	}
	if err := p.startAPIServer(ctx, opts.APIServer); err != nil {
		return err
	}
	if opts.WithoutControllers {
		return nil
	}
	return p.startControllers()
}

// Stop ends all processes, newest first, and removes the folder if Start made it.
func (p *Plane) Stop() error {
	const grace = 5 * time.Second
	var errs []error
	for i := len(p.processes) - 1; i >= 0; i-- {
		errs = append(errs, p.processes[i].Stop(grace))
	}
	p.processes = nil
	if p.ownDir {
		errs = append(errs, os.RemoveAll(p.Dir))
	}
	return errors.Join(errs...)
}

func (p *Plane) prepare() error {
	if p.Dir == "" {
		dir, err := os.MkdirTemp("", "serin-control-")
		if err != nil {
			return fmt.Errorf("make a folder: %w", err)
		}
		p.Dir, p.ownDir = dir, true
	}
	if err := os.MkdirAll(p.Dir, 0o700); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	authority, err := certs.NewAuthority(p.Dir, "ca")
	if err != nil {
		return err
	}
	p.authority, p.CAFile = authority, authority.CertFile()
	p.Token = rand.Text()
	// The form of the file is Kubernetes': token, user, user id, groups.
	line := p.Token + `,lab-admin,lab-admin,"system:masters"` + "\n"
	if err := os.WriteFile(p.path("tokens.csv"), []byte(line), 0o600); err != nil {
		return fmt.Errorf("write the tokens: %w", err)
	}
	if err := os.WriteFile(p.path("audit.yaml"), []byte(auditPolicy), 0o600); err != nil {
		return fmt.Errorf("write the audit policy: %w", err)
	}
	p.AuditLog = p.path("audit.log")
	return nil
}

// auditPolicy notes who asked for what, once per request and not at all for the long
// middle of watches.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`

func (p *Plane) path(name string) string { return filepath.Join(p.Dir, name) }

func (p *Plane) run(name string, args ...string) (*process.Process, error) {
	started, err := process.Start(process.Spec{
		Name: name, Path: p.binary, Args: append([]string{name}, args...), Logs: p.Dir,
	})
	if err != nil {
		return nil, err
	}
	p.processes = append(p.processes, started)
	return started, nil
}

// freeAddress finds a loopback port that nobody listens on. Somebody else may take it
// before the program does; the program then ends at once and Start says so.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return address, nil
}

// until waits for look, but not for a process that has ended.
func until(ctx context.Context, started *process.Process, look func(context.Context) error) error {
	return await.Condition(ctx, startLimit, "wait for "+started.Name, func(ctx context.Context) error {
		if err := started.Err(); err != nil {
			return await.Final{Err: err}
		}
		return look(ctx)
	})
}
