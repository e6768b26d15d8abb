package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"

	"github.com/serinhq/serin/lab/fetch"
	"github.com/serinhq/serin/lab/node"
)

// Cluster is a running lab. Its fields are what its users need, as the host sees it.
type Cluster struct {
	Name       string `json:"name"`
	State      string `json:"state"`      // folder: logs, keys, audit log
	Kubeconfig string `json:"kubeconfig"` // path
	Kubectl    string `json:"kubectl"`    // path of a kubectl of the same version; empty without Options.Kubectl
	Gateway    string `json:"gateway"`    // URL
	Prometheus string `json:"prometheus"` // URL
	Traefik    string `json:"traefik"`    // URL; empty without Options.Traefik
	AuditLog   string `json:"auditLog"`   // path, JSON lines

	EnvoyGateway string `json:"envoyGateway"` // URL; empty without Options.EnvoyGateway

	PrometheusInside string `json:"prometheusInside"` // URL that pods use
	GatewayInside    string `json:"gatewayInside"`    // URL that pods use
	GatewayNamespace string `json:"gatewayNamespace"` // of the Gateway that routes refer to
	GatewayName      string `json:"gatewayName"`

	// PID is the first process of the lab; Started tells it from a later one with that number.
	PID     int    `json:"pid"`
	Started string `json:"started"`
	ID      string `json:"id"`

	Tools Tools `json:"tools"`
}

// Tools are programs of the lab that its functions run on the host.
type Tools struct {
	Ctr        string   `json:"ctr"`
	Env        []string `json:"env"`
	Containerd string   `json:"containerd"` // address
}

// DefaultName is the name of the lab when nobody chose one.
const DefaultName = "serin"

// Enter must be called first in the main function of each program that calls Up, and in
// TestMain of tests that do. It returns at once, unless the process is the inside of a lab.
func Enter() { node.Enter() }

// Find returns the running lab with that name.
func Find(name string) (*Cluster, error) {
	cache, err := fetch.Open()
	if err != nil {
		return nil, err
	}
	c, err := read(stateDir(cache, name))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !c.alive() {
		return nil, fmt.Errorf("no lab named %s is running: start it with `up`", name)
	}
	return c, err
}

// Down ends the lab and removes all it has left. It is no error if it has ended already.
func (c *Cluster) Down(_ context.Context) error {
	var errs []error
	if c.alive() {
		errs = append(errs, node.End(c.PID))
	}
	if c.ID != "" {
		errs = append(errs, node.RemoveCgroup(c.ID))
	}
	if err := os.RemoveAll(c.State); err != nil {
		errs = append(errs, fmt.Errorf("remove the state of lab %s: %w", c.Name, err))
	}
	return errors.Join(errs...)
}

// Down ends the lab with that name, running or dead, and removes what other dead ones have
// left. It is no error if there is none.
func Down(ctx context.Context, name string) error {
	cache, err := fetch.Open()
	if err != nil {
		return err
	}
	if err := sweep(ctx, cache); err != nil {
		return err
	}
	c, err := read(stateDir(cache, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.Down(ctx)
}

// checkName keeps names usable as names of folders.
func checkName(name string) error {
	if !regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`).MatchString(name) {
		return fmt.Errorf("the name %q cannot be a lab's: use up to 32 small letters, digits and dashes", name)
	}
	return nil
}

func stateDir(cache fetch.Cache, name string) string { return filepath.Join(cache.Dir, "labs", name) }

const recordFile = "lab.json"

func read(state string) (*Cluster, error) {
	data, err := os.ReadFile(filepath.Join(state, recordFile))
	if err != nil {
		return nil, fmt.Errorf("read the record of a lab: %w", err)
	}
	c := &Cluster{}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("parse the record of a lab (%s): %w", state, err)
	}
	return c, nil
}

// write puts the record in place whole, so that nobody reads half of it.
func (c *Cluster) write() error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the record of lab %s: %w", c.Name, err)
	}
	temp := filepath.Join(c.State, "."+recordFile)
	if err := os.WriteFile(temp, data, 0o600); err != nil {
		return fmt.Errorf("write the record of lab %s: %w", c.Name, err)
	}
	if err := os.Rename(temp, filepath.Join(c.State, recordFile)); err != nil {
		return fmt.Errorf("write the record of lab %s: %w", c.Name, err)
	}
	return nil
}

// Dial connects to an IP address and port from the lab's own network, in which Services and
// pods have theirs. It is what an http.Transport wants.
func (c *Cluster) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if !c.alive() {
		return nil, fmt.Errorf("lab %s does not run: start it with `up`", c.Name)
	}
	return node.Dial(ctx, c.PID, network, address)
}

func (c *Cluster) alive() bool {
	return c.PID > 0 && node.Started(c.PID) == c.Started && c.Started != ""
}
