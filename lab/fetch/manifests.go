package fetch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// gatewayAPI is newer than the one Contour is compiled with; the versions of the kinds
// that Contour reads are the same in both.
const gatewayAPI = "sigs.k8s.io/gateway-api@v1.6.3"

// contourKinds are the only ones of its own that Contour insists on.
func contourKinds() []string {
	return []string{"httpproxies.projectcontour.io", "tlscertificatedelegations.projectcontour.io"}
}

// CRDs returns the files of the custom resource definitions of the gateway.
func (c Cache) CRDs(ctx context.Context, note Note) ([]string, error) {
	contour := "github.com/projectcontour/contour@v" + Contour().Version
	key := "crds-" + Sum([]byte(gatewayAPI), []byte(contour), []byte(strings.Join(contourKinds(), " ")))
	dir, err := c.Entry(ctx, key, func(dir string) error {
		if err := gatewayCRDs(ctx, dir, note); err != nil {
			return err
		}
		return contourCRDs(ctx, contour, dir, note)
	})
	if err != nil {
		return nil, err
	}
	return filepath.Glob(filepath.Join(dir, "*.yaml"))
}

// moduleDir is the folder of a module, fetched if need be.
func moduleDir(ctx context.Context, module string, note Note) (string, error) {
	return moduleOf(ctx, os.TempDir(), module, note)
}

// moduleOf is the folder of a module, fetched if need be, with the sum that the go.sum in
// dir has for it.
func moduleOf(ctx context.Context, dir, module string, note Note) (string, error) {
	note("fetching " + module)
	var out bytes.Buffer
	said, err := runGo(ctx, dir, []string{"mod", "download", "-json", module}, &out, func(string) {})
	if err != nil {
		return "", explain("fetch "+module, append(said, out.String()), err)
	}
	var answer struct{ Dir string }
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		return "", fmt.Errorf("fetch %s: read the answer of go: %w", module, err)
	}
	return answer.Dir, nil
}

func gatewayCRDs(ctx context.Context, dir string, note Note) error {
	module, err := moduleDir(ctx, gatewayAPI, note)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(module, "config", "crd", "standard", "gateway.networking.k8s.io_*.yaml"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("%s holds no definitions", gatewayAPI)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read a definition: %w", err)
		}
		if !bytes.Contains(data, []byte("\nkind: CustomResourceDefinition\n")) {
			continue // a policy against downgrades lies beside them
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), data, 0o644); err != nil {
			return fmt.Errorf("keep a definition: %w", err)
		}
	}
	return nil
}

func contourCRDs(ctx context.Context, contour, dir string, note Note) error {
	module, err := moduleDir(ctx, contour, note)
	if err != nil {
		return err
	}
	return keepDefinitions(filepath.Join(module, "examples", "contour", "01-crds.yaml"), contourKinds(), dir)
}

// keepDefinitions writes those of the definitions in a file that have one of the names to
// files of their own.
func keepDefinitions(file string, names []string, dir string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read definitions: %w", err)
	}
	name := regexp.MustCompile(`(?m)^  name: (\S+)$`)
	for document := range bytes.SplitSeq(data, []byte("\n---\n")) {
		found := name.FindSubmatch(document)
		if found == nil || !slices.Contains(names, string(found[1])) {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, string(found[1])+".yaml"), document, 0o644); err != nil {
			return fmt.Errorf("keep a definition: %w", err)
		}
	}
	return nil
}
