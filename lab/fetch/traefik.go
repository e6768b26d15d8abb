package fetch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

const traefikVersion = "3.7.12"

// Traefik is a second gateway, for the tests: it serves the Gateway API and its own kinds.
//
// Its go.mod was tidied where its patched dependencies replaced their originals, and where
// go.mod of lego had been tidied before: the originals require modules that cannot be fetched.
func Traefik() Tool {
	return Tool{
		Name: "traefik", Version: traefikVersion, Package: "github.com/traefik/traefik/v3/cmd/traefik",
		Stamps:  []string{"github.com/traefik/traefik/v3/pkg/version.Version=" + traefikVersion},
		Patches: traefikPatches(),
	}
}

// traefikPatches let Traefik do without modules that cannot be fetched, and without the
// programs of some 200 DNS providers, which would prove to a certificate authority whose
// a domain is.
func traefikPatches() []Patch {
	const traefik, lego = "github.com/traefik/traefik/v3", "github.com/go-acme/lego/v5"
	const nested = "the nested module dynamic/ext, of two empty types, is not published"
	const clouds = "the DNS providers need a module that cannot be fetched, and minutes to compile"
	return []Patch{
		{Module: traefik, Why: nested, File: "pkg/config/dynamic/http_config.go", Edits: []Edit{
			{Old: "\t\"github.com/traefik/traefik/dynamic/ext\"\n"},
			{Old: "\text.HTTP `yaml:\",inline\"`\n"},
			{Old: "\text.Router `yaml:\",inline\"`\n"},
		}},
		{Module: traefik, Why: nested, File: "pkg/config/dynamic/zz_generated.deepcopy.go", Edits: []Edit{
			{Old: "\tout.HTTP = in.HTTP\n"},
			{Old: "\tout.Router = in.Router\n"},
		}},
		{Module: lego, Why: clouds, File: "providers/dns/zz_gen_dns_providers.go", Edits: []Edit{{New: `package dns

import (
	"fmt"

	"github.com/go-acme/lego/v5/challenge"
)

func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {
	return nil, fmt.Errorf("there is no DNS provider %q", name)
}
`}}},
	}
}

// traefikKinds are the definitions without which Traefik does not begin to serve routes.
const traefikKinds = "traefik.io_*.yaml"

// TraefikCRDs returns the files of the definitions of Traefik's own kinds.
func (c Cache) TraefikCRDs(ctx context.Context, note Note) ([]string, error) {
	module := "github.com/traefik/traefik/v3@v" + traefikVersion
	dir, err := c.Entry(ctx, "traefik-crds-"+Sum([]byte(module), []byte(traefikKinds)), func(dir string) error {
		source, err := moduleDir(ctx, module, note)
		if err != nil {
			return err
		}
		return keep(filepath.Join(source, "docs", "content", "reference", "dynamic-configuration", traefikKinds), dir)
	})
	if err != nil {
		return nil, err
	}
	return filepath.Glob(filepath.Join(dir, "*.yaml"))
}

// keep copies the files that the pattern finds to dir.
func keep(pattern, dir string) error {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no definition is %s: the module has moved them", pattern)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read a definition: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), data, 0o644); err != nil {
			return fmt.Errorf("keep a definition: %w", err)
		}
	}
	return nil
}
