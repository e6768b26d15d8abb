package cluster

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/serinhq/serin/lab/fetch"
	"github.com/serinhq/serin/lab/image"
	"github.com/serinhq/serin/lab/node"
	"github.com/serinhq/serin/lab/progress"
)

// PodinfoImage is the image of the application that every lab holds.
const PodinfoImage = "lab.local/podinfo:6.9.2"

// Parts are the fetched and built programs of a lab.
type Parts struct {
	Kubernetes, Contour, Podinfo, Pause, Envoy string
	Kubectl, Istiod, XDSClient, Identities     string // empty without the Options
	Traefik, EnvoyGateway                      string // likewise
	Debian                                     fetch.Debian
	CRDs, Images                               []string
}

func (p Parts) config() node.Config {
	return node.Config{
		Kubernetes: p.Kubernetes, Contour: p.Contour, Istiod: p.Istiod, Identities: p.Identities, Envoy: p.Envoy,
		DebianBin: filepath.Join(p.Debian.Root, "usr", "bin"), CNI: p.Debian.CNI(), DebianEnv: p.Debian.Env(),
		CRDs: p.CRDs, Images: p.Images, Traefik: p.Traefik, EnvoyGateway: p.EnvoyGateway != "",
	}
}

// gather fetches what is not yet there. Downloads run beside the builds, which run one
// after another because each uses all processors.
func gather(ctx context.Context, cache fetch.Cache, opts Options) (Parts, error) {
	board := opts.Progress
	var p Parts
	group, ctx := errgroup.WithContext(ctx)
	fetches := func(name string, has bool, work func(fetch.Note) error) {
		group.Go(func() error {
			if has {
				return work(func(string) {})
			}
			return step(board, name, work)
		})
	}
	fetches("fetch Debian packages", cache.HasDebian(), func(note fetch.Note) (err error) {
		p.Debian, err = cache.Debian(ctx, note)
		return err
	})
	fetches("fetch Envoy", cache.HasEnvoy(), func(note fetch.Note) (err error) {
		p.Envoy, err = cache.Envoy(ctx, note)
		return err
	})
	group.Go(func() error {
		if err := p.build(ctx, cache, opts); err != nil {
			return err
		}
		return p.addGateways(ctx, cache, opts)
	})
	if err := group.Wait(); err != nil {
		return Parts{}, err
	}
	return p, p.pack(ctx, cache)
}

// build builds the Go programs, and downloads the modules of later ones while the first,
// by far the longest, is being built.
func (p *Parts) build(ctx context.Context, cache fetch.Cache, opts Options) error {
	type target struct {
		tool fetch.Tool
		path *string
	}
	targets := []target{
		{fetch.Pause(), &p.Pause}, {fetch.Kubernetes(), &p.Kubernetes},
		{fetch.Contour(), &p.Contour}, {fetch.Podinfo(), &p.Podinfo},
	}
	definitions := cache.CRDs
	if opts.Istio {
		targets[2], definitions = target{fetch.Istiod(), &p.Istiod}, cache.IstioCRDs
		targets = append(targets, target{fetch.XDSClient(), &p.XDSClient}, target{fetch.Identities(), &p.Identities})
	}
	if opts.Kubectl {
		targets = append(targets, target{fetch.Kubectl(), &p.Kubectl})
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		for _, target := range targets[2:] {
			// Its build would say the same again, and better.
			if err := cache.Download(ctx, target.tool, func(string) {}); err != nil {
				return err
			}
		}
		var err error
		p.CRDs, err = definitions(ctx, func(string) {})
		return err
	})
	group.Go(func() error {
		for _, target := range targets {
			if err := buildOne(ctx, cache, opts.Progress, target.tool, target.path); err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait()
}

// addGateways builds the gateways that are asked for beside the first.
func (p *Parts) addGateways(ctx context.Context, cache fetch.Cache, opts Options) error {
	if opts.Traefik {
		if err := p.addTraefik(ctx, cache, opts.Progress); err != nil {
			return err
		}
	}
	if opts.EnvoyGateway {
		return buildOne(ctx, cache, opts.Progress, fetch.EnvoyGateway(), &p.EnvoyGateway)
	}
	return nil
}

func buildOne(ctx context.Context, cache fetch.Cache, board *progress.Board, tool fetch.Tool, path *string) error {
	work := func(note fetch.Note) (err error) {
		*path, err = cache.Build(ctx, tool, note)
		return err
	}
	if cache.Built(tool) {
		return work(func(string) {})
	}
	return step(board, fmt.Sprintf("build %s %s", tool.Name, tool.Version), work)
}

// pack makes the images.
func (p *Parts) pack(ctx context.Context, cache fetch.Cache) error {
	podinfo := image.Program(PodinfoImage, "podinfo", p.Podinfo)
	// It writes its cache here and reads its page from ./ui.
	podinfo.Dir = "/tmp"
	specs := slices.Concat([]image.Spec{image.Program(node.PauseImage, "pause", p.Pause), podinfo}, p.envoyGatewayImages(), p.istioImages())
	for _, spec := range specs {
		file, err := packOne(ctx, cache, spec)
		if err != nil {
			return err
		}
		p.Images = append(p.Images, file)
	}
	return nil
}

// packOne makes an image once for each version of its files, whose paths in the cache
// are their versions.
func packOne(ctx context.Context, cache fetch.Cache, spec image.Spec) (string, error) {
	dir, err := cache.Entry(ctx, "image-"+fetch.Sum(fmt.Appendf(nil, "%v", spec)), func(dir string) error {
		return image.Write(spec, filepath.Join(dir, "image.tar"))
	})
	return filepath.Join(dir, "image.tar"), err
}
