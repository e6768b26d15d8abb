package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/serinhq/serin/lab/cluster"
	"github.com/serinhq/serin/lab/control"
	"github.com/serinhq/serin/lab/demo"
	"github.com/serinhq/serin/lab/fetch"
	"github.com/serinhq/serin/lab/progress"
)

func main() {
	cluster.Enter()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

const usage = `The lab is a real single-node Kubernetes for Serin's demo and tests.

  demo                          release three versions of an application and show what
                                comes of them; see demo --help
  up   [--name N] [--json] [--istio] [--traefik] [--envoy-gateway]
                                start a lab, with a gateway of Istio, or further ones of
                                Traefik and Envoy Gateway, if so
  down [--name N]               end it and remove what it left
  env  [--name N]               print its addresses as shell exports
  build TOOL... [--print]       build kubernetes, kubectl, contour, istiod, traefik,
                                envoy-gateway, podinfo, xdsclient or pause
  image load [--name N] --image REF --binary FILE
                                make an image of a static program and load it
  control-plane                 run etcd, kube-apiserver and controllers, without root,
                                until interrupted; prints the kubeconfig's path

The name of a lab is serin unless given.
`

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("what to do?\n\n%s", usage)
	}
	rest := args[1:]
	switch args[0] {
	case "demo":
		if code := demo.Main(ctx, rest); code != 0 {
			os.Exit(code)
		}
		return nil
	case "up":
		return up(ctx, rest, out)
	case "down":
		return down(ctx, rest)
	case "env":
		return env(rest, out)
	case "build":
		return build(ctx, rest, out)
	case "image":
		return loadImage(ctx, rest)
	case "control-plane":
		return controlPlane(ctx, out)
	case "help", "-h", "--help":
		_, err := io.WriteString(out, usage)
		return err
	default:
		return fmt.Errorf("there is no command %q\n\n%s", args[0], usage)
	}
}

func flags(command string) (*flag.FlagSet, *string) {
	set := flag.NewFlagSet("lab "+command, flag.ContinueOnError)
	return set, set.String("name", cluster.DefaultName, "name of the lab")
}

func up(ctx context.Context, args []string, out io.Writer) error {
	set, name := flags("up")
	asJSON := set.Bool("json", false, "print the lab as JSON")
	istio := set.Bool("istio", false, "make the gateway one of Istio, for VirtualServices")
	traefik := set.Bool("traefik", false, "have Traefik as a second gateway")
	envoyGateway := set.Bool("envoy-gateway", false, "have Envoy Gateway as one more gateway")
	if err := set.Parse(args); err != nil {
		return err
	}
	board := progress.New(os.Stderr)
	c, err := cluster.Up(ctx, cluster.Options{
		Name: *name, Progress: board, Kubectl: true, Istio: *istio, Traefik: *traefik, EnvoyGateway: *envoyGateway,
	})
	board.Close()
	if err != nil {
		return err
	}
	if *asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(c)
	}
	_, err = fmt.Fprintf(out, "\nlab %s is up. To use it: eval \"$(go run . env --name %s)\"\n", c.Name, c.Name)
	return err
}

func down(ctx context.Context, args []string) error {
	set, name := flags("down")
	if err := set.Parse(args); err != nil {
		return err
	}
	return cluster.Down(ctx, *name)
}

func env(args []string, out io.Writer) error {
	set, name := flags("env")
	if err := set.Parse(args); err != nil {
		return err
	}
	c, err := cluster.Find(*name)
	if err != nil {
		return err
	}
	for _, v := range []struct{ name, value string }{
		{"KUBECONFIG", c.Kubeconfig},
		{"SERIN_LAB_STATE", c.State},
		{"SERIN_LAB_GATEWAY", c.Gateway},
		{"SERIN_LAB_GATEWAY_INSIDE", c.GatewayInside},
		{"SERIN_LAB_TRAEFIK", c.Traefik},
		{"SERIN_LAB_ENVOY_GATEWAY", c.EnvoyGateway},
		{"SERIN_LAB_PROMETHEUS", c.Prometheus},
		{"SERIN_LAB_PROMETHEUS_INSIDE", c.PrometheusInside},
		{"SERIN_LAB_AUDIT_LOG", c.AuditLog},
		{"SERIN_LAB_KUBECTL", c.Kubectl},
	} {
		if _, err := fmt.Fprintf(out, "export %s='%s'\n", v.name, strings.ReplaceAll(v.value, "'", `'\''`)); err != nil {
			return err
		}
	}
	if c.Kubectl == "" {
		return nil
	}
	_, err = fmt.Fprintf(out, "export PATH='%s':\"$PATH\"\n", filepath.Dir(c.Kubectl))
	return err
}

func build(ctx context.Context, args []string, out io.Writer) error {
	set := flag.NewFlagSet("lab build", flag.ContinueOnError)
	path := set.Bool("print", false, "print the paths of the programs")
	names := []string{}
	for len(args) > 0 { // flags may stand before and after the names
		if err := set.Parse(args); err != nil {
			return err
		}
		if args = set.Args(); len(args) > 0 {
			names, args = append(names, args[0]), args[1:]
		}
	}
	if len(names) == 0 {
		return errors.New("say what to build: kubernetes, kubectl, contour, istiod, traefik, envoy-gateway, podinfo, xdsclient or pause")
	}
	cache, err := fetch.Open()
	if err != nil {
		return err
	}
	board := progress.New(os.Stderr)
	defer board.Close()
	for _, name := range names {
		program, err := buildTool(ctx, cache, board, name)
		if err != nil {
			return err
		}
		if *path {
			fmt.Fprintln(out, program)
		}
	}
	return nil
}

func buildTool(ctx context.Context, cache fetch.Cache, board *progress.Board, name string) (string, error) {
	tool, err := fetch.FindTool(name)
	if err != nil {
		return "", err
	}
	if cache.Built(tool) {
		return cache.Build(ctx, tool, func(string) {})
	}
	step := board.Step(fmt.Sprintf("build %s %s", tool.Name, tool.Version))
	program, err := cache.Build(ctx, tool, step.Note)
	if err != nil {
		step.Fail()
		return "", err
	}
	step.Done()
	return program, nil
}

func loadImage(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] != "load" {
		return errors.New("say: image load --image REF --binary FILE")
	}
	set, name := flags("image load")
	ref := set.String("image", "", "name of the image, such as serin:dev")
	binary := set.String("binary", "", "static program to put into it")
	if err := set.Parse(args[1:]); err != nil {
		return err
	}
	if *ref == "" || *binary == "" {
		return errors.New("say: image load --image REF --binary FILE")
	}
	c, err := cluster.Find(*name)
	if err != nil {
		return err
	}
	return c.LoadImage(ctx, *ref, *binary, cluster.ImageOptions{})
}

func controlPlane(ctx context.Context, out io.Writer) error {
	cache, err := fetch.Open()
	if err != nil {
		return err
	}
	board := progress.New(os.Stderr)
	binary, err := buildTool(ctx, cache, board, fetch.Kubernetes().Name)
	board.Close()
	if err != nil {
		return err
	}
	plane, err := control.Start(ctx, control.Options{Binary: binary})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, plane.Kubeconfig); err != nil {
		return errors.Join(err, plane.Stop())
	}
	<-ctx.Done()
	return plane.Stop()
}
