package fetch

import (
	"context"
	"path/filepath"
	"strings"
)

// istioVersion is a commit of the main branch: the module has no tags, and its release
// branches cannot be fetched.
const istioVersion = "0.0.0-20260827124520-eed52ebb66ad"

// Istiod is the control plane of Istio.
func Istiod() Tool {
	return Tool{Name: "istiod", Version: istioVersion, Package: "istio.io/istio/pilot/cmd/pilot-discovery"}
}

// istioKinds are those that Serin and the lab write. Istiod does without the others, and
// all of them would double what the API server weighs.
func istioKinds() []string {
	return []string{
		"destinationrules.networking.istio.io", "gateways.networking.istio.io",
		"virtualservices.networking.istio.io", "telemetries.telemetry.istio.io",
	}
}

// IstioCRDs returns the files of the custom resource definitions of a gateway of Istio.
func (c Cache) IstioCRDs(ctx context.Context, note Note) ([]string, error) {
	const istio = "istio.io/istio@v" + istioVersion
	key := "crds-istio-" + Sum([]byte(istio), []byte(strings.Join(istioKinds(), " ")))
	dir, err := c.Entry(ctx, key, func(dir string) error {
		module, err := moduleDir(ctx, istio, note)
		if err != nil {
			return err
		}
		all := filepath.Join(module, "manifests", "charts", "base", "files", "crd-all.gen.yaml")
		return keepDefinitions(all, istioKinds(), dir)
	})
	if err != nil {
		return nil, err
	}
	return filepath.Glob(filepath.Join(dir, "*.yaml"))
}
