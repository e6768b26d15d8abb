// Package crds finds the definitions of other people's kinds, for tests that check
// rendered objects against what a real API server would say.
//
// It knows where they lie: in a Go module of a pinned version, fetched by the go
// command, or in testdata where no module carries them. It refuses to know what a
// provider does with them, and nothing of it is shipped.
package crds

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

//go:embed testdata
var stored embed.FS

// A source is files of a module, or of testdata if there is none.
type source struct {
	module string
	files  []string // patterns
}

// sources by name. Two that define one kind in different ways cannot be installed at once.
var sources = map[string]source{
	"gatewayapi": {"sigs.k8s.io/gateway-api@v1.6.3", []string{"config/crd/standard/gateway.networking.k8s.io_*.yaml"}},
	"istio":      {"istio.io/api@v1.31.1", []string{"kubernetes/customresourcedefinitions.gen.yaml"}},
	"contour":    {"github.com/projectcontour/contour@v1.33.8", []string{"examples/contour/01-crds.yaml"}},
	"traefik": {"github.com/traefik/traefik/v3@v3.7.13",
		[]string{"docs/content/reference/dynamic-configuration/traefik.io_traefikservices.yaml"}},
	"knative": {"knative.dev/serving@v0.51.0", []string{"config/core/300-resources/service.yaml",
		"config/core/300-resources/revision.yaml", "config/core/300-resources/route.yaml", "config/core/300-resources/configuration.yaml"}},
	"keda":           {"github.com/kedacore/keda/v2@v2.21.0", []string{"config/crd/bases/keda.sh_scaledobjects.yaml"}},
	"gloo":           {"", []string{"testdata/gloo/*.yaml"}},
	"kuma":           {"", []string{"testdata/kuma/*.yaml"}},
	"apisix":         {"", []string{"testdata/apisix/apisix.apache.org_apisixroutes.yaml"}},
	"apisix-legacy":  {"", []string{"testdata/apisix/apisix.apache.org_apisixroutes.legacy-1.8.yaml"}},
	"appmesh":        {"", []string{"testdata/appmesh/appmesh.k8s.aws_meshes.yaml", "testdata/appmesh/appmesh.k8s.aws_virtual*.yaml"}},
	"appmesh-legacy": {"", []string{"testdata/appmesh/appmesh.k8s.aws_v1beta1-legacy.yaml"}},
	"smi":            {"", []string{"testdata/smi/*.yaml"}},
	"linkerd":        {"", []string{"testdata/linkerd/*.yaml"}},
	"osm":            {"", []string{"testdata/osm/*.yaml"}},
}

// Names of all sources, sorted.
func Names() []string { return slices.Sorted(maps.Keys(sources)) }

// Load returns the definitions of a source. It runs the go command if they are in a
// module, which fetches the module the first time.
func Load(ctx context.Context, name string) ([]apiextensionsv1.CustomResourceDefinition, error) {
	s, ok := sources[name]
	if !ok {
		return nil, fmt.Errorf("definitions of %q: choose one of %s", name, strings.Join(Names(), ", "))
	}
	folder, err := s.folder(ctx)
	if err != nil {
		return nil, fmt.Errorf("definitions of %s: %w", name, err)
	}
	var all []apiextensionsv1.CustomResourceDefinition
	for _, pattern := range s.files {
		found, err := read(folder, pattern)
		if err != nil {
			return nil, fmt.Errorf("definitions of %s: %w", name, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

// folder of the files.
func (s source) folder(ctx context.Context) (fs.FS, error) {
	if s.module == "" {
		return stored, nil
	}
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", s.module)
	cmd.Dir = os.TempDir() // of no module, so that it changes none
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("fetch %s: %w\n%s%s", s.module, err, said.String(), out.String())
	}
	var answer struct{ Dir string }
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		return nil, fmt.Errorf("fetch %s: read the answer of go: %w", s.module, err)
	}
	return os.DirFS(filepath.Clean(answer.Dir)), nil
}

// read returns the definitions of the files of a pattern.
func read(folder fs.FS, pattern string) ([]apiextensionsv1.CustomResourceDefinition, error) {
	files, err := fs.Glob(folder, pattern)
	if err != nil {
		return nil, fmt.Errorf("look for %s: %w", pattern, err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no file is called %s", pattern)
	}
	var all []apiextensionsv1.CustomResourceDefinition
	for _, file := range files {
		text, err := fs.ReadFile(folder, file)
		if err != nil {
			return nil, err
		}
		documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
		for {
			document, err := documents.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", file, err)
			}
			crd, err := modern(document)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", file, err)
			}
			if crd.Kind == "CustomResourceDefinition" {
				all = append(all, crd)
			}
		}
	}
	return all, nil
}
