package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/serinhq/serin/lab/chart"
	lab "github.com/serinhq/serin/lab/cluster"
	"github.com/serinhq/serin/lab/fetch"
	"github.com/serinhq/serin/lab/progress"
)

// serinImage is the image that the chart is told to use.
const serinImage = "lab.local/serin:dev"

// namespace is where the chart goes; it admits only pods without privileges.
const namespace = `apiVersion: v1
kind: Namespace
metadata:
  name: ` + operatorNamespace + `
  labels: {pod-security.kubernetes.io/enforce: restricted}
`

// ownLab is a lab of the demo's own, with Serin built from this repository.
type ownLab struct {
	options lab.Options
	root    string // of the repository
	cluster *lab.Cluster
}

// Lab is the stage of a lab with that name, and Serin built from this repository. One
// that is kept for people to look at has a kubectl.
func Lab(name string, kept bool) (Stage, error) {
	return LabOf(lab.Options{Name: name, Kubectl: kept})
}

// LabOf is the stage of a lab as the options describe it, but for its progress, and Serin
// built from this repository.
func LabOf(options lab.Options) (Stage, error) {
	root, err := repository()
	if err != nil {
		return nil, err
	}
	return &ownLab{options: options, root: root}, nil
}

// repository finds its root from the working directory upwards.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "config", "crd")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("config/crd was not found here or above: run the demo inside the Serin repository")
		}
		dir = parent
	}
}

// Raise starts the lab and gives it Serin's image. What it has started when it fails is
// ended again.
func (o *ownLab) Raise(ctx context.Context) (Site, error) {
	board := progress.New(os.Stderr)
	defer board.Close()
	// Serin shares what was compiled for the lab, and the node's parts mostly wait for each
	// other: so it is built once they are, beside their start.
	dir, err := os.MkdirTemp("", "serin-build-")
	if err != nil {
		return Site{}, fmt.Errorf("make a folder to build serin in: %w", err)
	}
	defer os.RemoveAll(dir)
	var building errgroup.Group
	program := filepath.Join(dir, "serin")
	built := func() {
		building.Go(func() error { return o.build(ctx, board, program) })
	}
	options := o.options
	options.Progress, options.Gathered = board, built
	cluster, err := lab.Up(ctx, options)
	if err != nil {
		return Site{}, errors.Join(err, building.Wait())
	}
	o.cluster = cluster
	site := Site{
		Kubeconfig: cluster.Kubeconfig, Kubectl: cluster.Kubectl, Gateway: cluster.Gateway,
		GatewayName: cluster.GatewayName, GatewayNamespace: cluster.GatewayNamespace,
		Traefik: cluster.Traefik, EnvoyGateway: cluster.EnvoyGateway,
		AuditLog: cluster.AuditLog, PrometheusInside: cluster.PrometheusInside, Podinfo: lab.PodinfoImage,
		Serin: Operator{Namespace: operatorNamespace, Selector: operatorSelector},
	}
	if err = building.Wait(); err == nil {
		site.Serin.Objects, err = o.serin(ctx, program)
	}
	if err != nil {
		return Site{}, errors.Join(err, o.Strike(context.WithoutCancel(ctx)))
	}
	return site, nil
}

// build builds the operator. The flags are those of the lab's other programs: they share
// what is compiled.
func (o *ownLab) build(ctx context.Context, board *progress.Board, program string) error {
	step := board.Step("build serin")
	args := slices.Concat([]string{"build"}, fetch.CompilerFlags(), []string{"-ldflags", "-s -w", "-o", program, "./cmd/serin"})
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = o.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-buildvcs=false", "GOOS=linux")
	if said, err := cmd.CombinedOutput(); err != nil {
		step.Fail()
		return fmt.Errorf("build serin: %w\n%s", err, strings.TrimSpace(string(said)))
	}
	step.Done()
	return nil
}

// serin loads the operator's image, and returns what has to be applied.
func (o *ownLab) serin(ctx context.Context, program string) ([]unstructured.Unstructured, error) {
	if err := o.cluster.LoadImage(ctx, serinImage, program, lab.ImageOptions{}); err != nil {
		return nil, err
	}
	return objects(o.root, o.cluster.PrometheusInside)
}

// objects are what `helm install` would bring: the namespace, the definitions, the chart.
func objects(root, prometheus string) ([]unstructured.Unstructured, error) {
	dir := filepath.Join(root, "charts", "serin")
	all, err := parse([]byte(namespace))
	if err != nil {
		return nil, err
	}
	definitions, err := chart.CRDs(dir)
	if err != nil {
		return nil, err
	}
	repository, tag, _ := strings.Cut(serinImage, ":")
	rendered, err := chart.Render(dir, map[string]any{
		"image":         map[string]any{"repository": repository, "tag": tag},
		"metricsServer": prometheus, // for Canaries that name none
	}, operatorNamespace)
	if err != nil {
		return nil, err
	}
	return slices.Concat(all, definitions, rendered), nil
}

// Strike ends the lab.
func (o *ownLab) Strike(ctx context.Context) error {
	if o.cluster == nil {
		return nil
	}
	return o.cluster.Down(ctx)
}

// Enter must be called first in the main function of each program that plays on a lab of
// its own: the lab runs the program again, inside.
func Enter() { lab.Enter() }
