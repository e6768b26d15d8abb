package cluster

import (
	"path/filepath"

	"github.com/serinhq/serin/lab/image"
	"github.com/serinhq/serin/lab/node"
)

// EnvoyGatewayName is the Gateway that Envoy Gateway serves, in GatewayNamespace.
const EnvoyGatewayName = node.EnvoyGatewayName

// envoyGatewayImages are those of Envoy Gateway, which deploys the Envoy that it programs.
func (p *Parts) envoyGatewayImages() []image.Spec {
	if p.EnvoyGateway == "" {
		return nil
	}
	return []image.Spec{
		{Name: node.EnvoyGatewayImage, Files: map[string]string{bin + "/envoy-gateway": p.EnvoyGateway}, Env: []string{"PATH=" + bin}},
		p.envoyImage(),
	}
}

// bin is where programs are that are named by their path.
const bin = "/usr/local/bin"

// envoyImage is Envoy.
func (p *Parts) envoyImage() image.Spec {
	return image.Spec{Name: node.EnvoyImage, Files: envoyFiles(bin+"/envoy", p.Envoy), Env: []string{"PATH=" + bin}}
}

// envoyFiles are Envoy and the parts of this machine's C library that it is linked with.
func envoyFiles(program, envoy string) map[string]string {
	const loader, libraries = "/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu"
	files := map[string]string{program: envoy, loader: loader}
	for _, name := range []string{"libc.so.6", "libm.so.6", "librt.so.1", "libdl.so.2", "libpthread.so.0"} {
		file := filepath.Join(libraries, name)
		files[file] = file
	}
	return files
}
