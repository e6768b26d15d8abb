package fetch

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Tool is a Go program that is built from a module of its own under lab/tools.
type Tool struct {
	Name    string
	Version string
	Module  string   // the folder of its module under lab/tools; empty for its name
	Package string   // what to build; "." is the module's own main package
	Stamps  []string // -X values: the versions the programs tell
	Patches []Patch
	Flags   []string // of the compiler; nil for CompilerFlags
}

// Optimised is the tool as it is shipped to people, for measurements. Its build shares
// nothing with the lab's others and takes minutes.
func (t Tool) Optimised() Tool {
	t.Flags = []string{"-trimpath", "-gcflags=all=-dwarf=false -c=1"}
	return t
}

func (t Tool) flags() []string {
	if t.Flags != nil {
		return t.Flags
	}
	return CompilerFlags()
}

// Tools are all programs that are built. Each has a module of its own because their
// dependencies contradict each other or replace each other; the versions they have in
// common are equal on purpose, so that they share the build cache.
func Tools() []Tool {
	return []Tool{Kubernetes(), Kubectl(), Contour(), Istiod(), Traefik(), EnvoyGateway(), Podinfo(), Pause(), XDSClient(), Identities()}
}

// Kubernetes is the multicall program of all parts of a cluster and etcd.
func Kubernetes() Tool {
	return Tool{Name: "kubernetes", Version: kubernetesVersion, Package: ".", Stamps: kubernetesStamps()}
}

// Kubectl is for people and tests. It is a program of its own because the demo runs
// without it, and its packages would cost a first run half a minute.
func Kubectl() Tool {
	return Tool{Name: "kubectl", Version: kubernetesVersion, Module: "kubernetes", Package: "./kubectl", Stamps: kubernetesStamps()}
}

const kubernetesVersion = "1.36.3"

func kubernetesStamps() []string {
	var stamps []string
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		stamps = append(stamps,
			pkg+".gitVersion=v"+kubernetesVersion, pkg+".gitMajor=1", pkg+".gitMinor=36", pkg+".gitTreeState=clean")
	}
	return stamps
}

// Contour is the gateway's control plane.
func Contour() Tool {
	const version = "1.33.8"
	return Tool{
		Name: "contour", Version: version, Package: "github.com/projectcontour/contour/cmd/contour",
		Stamps:  []string{"github.com/projectcontour/contour/internal/build.Version=v" + version},
		Patches: contourPatches(),
	}
}

// Podinfo is the application that the demo and the tests release.
func Podinfo() Tool {
	return Tool{Name: "podinfo", Version: "6.9.2", Package: "github.com/stefanprodan/podinfo/cmd/podinfo"}
}

// Pause holds the namespaces of a pod.
func Pause() Tool { return Tool{Name: "pause", Version: "1", Package: "."} }

// XDSClient calls podinfo through a mesh, as a program of grpc-go that istiod tells its way.
func XDSClient() Tool { return Tool{Name: "xdsclient", Version: "1", Package: "."} }

// Identities gives the proxies of a mesh their certificates.
func Identities() Tool { return Tool{Name: "identities", Version: "1", Package: "."} }

// FindTool returns the tool with that name.
func FindTool(name string) (Tool, error) {
	i := slices.IndexFunc(Tools(), func(t Tool) bool { return t.Name == name })
	if i < 0 {
		return Tool{}, fmt.Errorf("there is no tool %q to build", name)
	}
	return Tools()[i], nil
}

// source finds the folder of the tool's module: the lab's tools are looked for from the
// working directory upwards, because modules inside a module cannot be embedded.
func (t Tool) source() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the source of %s: %w", t.Name, err)
	}
	module := cmp.Or(t.Module, t.Name)
	for {
		for _, inside := range []string{"tools", filepath.Join("lab", "tools")} {
			candidate := filepath.Join(dir, inside, module)
			if _, err := os.Stat(filepath.Join(candidate, "go.mod")); err == nil {
				return candidate, nil
			}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("the source of the lab's tools was not found: run this inside the Serin repository")
		}
		dir = parent
	}
}

// key is the name of the tool's cache entry.
func (t Tool) key(source string) (string, error) {
	var parts [][]byte
	for _, name := range []string{"go.mod", "go.sum", filepath.Join(t.Package, "main.go")} {
		data, err := os.ReadFile(filepath.Join(source, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("read the source of %s: %w", t.Name, err)
		}
		parts = append(parts, data)
	}
	parts = append(parts, []byte(strings.Join(t.flags(), " ")))
	for _, stamp := range t.Stamps {
		parts = append(parts, []byte(stamp))
	}
	for _, patch := range t.Patches {
		parts = append(parts, patch.text())
	}
	return fmt.Sprintf("%s-%s-%s", t.Name, t.Version, Sum(parts...)), nil
}
