package node

import (
	"fmt"
	"net"
	"os"

	"github.com/serinhq/serin/lab/certs"
	"github.com/serinhq/serin/lab/kube"
)

// credentials are the keys of all parts. Every part has a user of its own, so that the
// audit log tells them apart.
type credentials struct {
	ca, front                 *certs.Authority
	apiServer, kubelet        certs.Pair // serving
	toKubelet, frontProxy     certs.Pair // of the API server as a client
	accountPublic, accountKey string
	kubeconfigs               map[string]string // part: file
	own                       kube.Access       // the lab's
}

// insideHost is the API server as the parts inside see it.
const insideHost = "https://" + nodeAddress + ":" + apiServerPort

func makeCredentials(c Config) (credentials, error) {
	dir := c.path("pki")
	for _, folder := range []string{dir, c.path("kubeconfigs"), c.path("logs")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return credentials{}, fmt.Errorf("make a folder: %w", err)
		}
	}
	var creds credentials
	var err error
	if creds.ca, err = certs.NewAuthority(dir, "ca"); err != nil {
		return credentials{}, err
	}
	if creds.front, err = certs.NewAuthority(dir, "front-proxy-ca"); err != nil {
		return credentials{}, err
	}
	if err := creds.serving(); err != nil {
		return credentials{}, err
	}
	if creds.accountPublic, creds.accountKey, err = certs.KeyPair(dir, "service-accounts"); err != nil {
		return credentials{}, err
	}
	if err := creds.users(c); err != nil {
		return credentials{}, err
	}
	return creds, nil
}

func (creds *credentials) serving() error {
	var err error
	creds.apiServer, err = creds.ca.Server("apiserver", nodeAddress, "127.0.0.1", firstService,
		"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
	if err != nil {
		return err
	}
	if creds.kubelet, err = creds.ca.Server("kubelet-serving", nodeAddress, nodeName); err != nil {
		return err
	}
	if creds.toKubelet, err = creds.ca.Client("apiserver-kubelet", "lab:apiserver", admins); err != nil {
		return err
	}
	creds.frontProxy, err = creds.front.Client("front-proxy", "front-proxy-client")
	return err
}

const admins = "system:masters"

// users makes a kubeconfig for each part inside and the one for the host.
func (creds *credentials) users(c Config) error {
	creds.kubeconfigs = map[string]string{}
	for _, user := range []struct{ part, name, group string }{
		{"kubelet", "system:node:" + nodeName, "system:nodes"},
		{"kube-proxy", "system:kube-proxy", ""},
		{"kube-scheduler", "system:kube-scheduler", ""},
		{"kube-controller-manager", "system:kube-controller-manager", ""},
		{"contour", "lab:contour", admins},
		{"istiod", "lab:istiod", admins},
		{"traefik", "lab:traefik", admins},
		{"node", "lab:node", admins},
	} {
		access, err := creds.access(insideHost, user.part, user.name, user.group)
		if err != nil {
			return err
		}
		file := c.path("kubeconfigs", user.part)
		if err := kube.WriteKubeconfig(file, access); err != nil {
			return err
		}
		creds.kubeconfigs[user.part] = file
		creds.own = access // the last one
	}
	if _, _, err := net.SplitHostPort(c.APIServer); err != nil {
		return fmt.Errorf("the address of the relay to the API server: %w", err)
	}
	admin, err := creds.access("https://"+c.APIServer, "admin", "lab:admin", admins)
	if err != nil {
		return err
	}
	return kube.WriteKubeconfig(c.Kubeconfig(), admin)
}

func (creds *credentials) access(host, part, user, group string) (kube.Access, error) {
	var groups []string
	if group != "" {
		groups = append(groups, group)
	}
	pair, err := creds.ca.Client(part, user, groups...)
	if err != nil {
		return kube.Access{}, err
	}
	return kube.Access{Host: host, CA: creds.ca.PEM(), Cert: pair.Cert, Key: pair.Key}, nil
}
