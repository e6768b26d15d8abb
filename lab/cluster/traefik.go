package cluster

import (
	"context"

	"github.com/serinhq/serin/lab/fetch"
	"github.com/serinhq/serin/lab/node"
	"github.com/serinhq/serin/lab/progress"
)

// TraefikName is the Gateway that Traefik serves, in GatewayNamespace.
const TraefikName = node.TraefikName

// addTraefik builds Traefik, and fetches the definitions of its kinds.
func (p *Parts) addTraefik(ctx context.Context, cache fetch.Cache, board *progress.Board) error {
	if err := buildOne(ctx, cache, board, fetch.Traefik(), &p.Traefik); err != nil {
		return err
	}
	definitions, err := cache.TraefikCRDs(ctx, func(string) {})
	p.CRDs = append(p.CRDs, definitions...)
	return err
}
