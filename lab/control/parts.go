package control

import (
	"context"
	"fmt"
	"net"

	"github.com/serinhq/serin/lab/certs"
	"github.com/serinhq/serin/lab/kube"
)

func (p *Plane) startEtcd(ctx context.Context) error {
	client, err := freeAddress()
	if err != nil {
		return err
	}
	peer, err := freeAddress()
	if err != nil {
		return err
	}
	p.etcd = "http://" + client
	started, err := p.run("etcd",
		"--data-dir="+p.path("etcd"),
		"--listen-client-urls="+p.etcd, "--advertise-client-urls="+p.etcd,
		"--listen-peer-urls=http://"+peer, "--initial-advertise-peer-urls=http://"+peer,
		"--initial-cluster=default=http://"+peer,
		"--unsafe-no-fsync", // the data is thrown away anyway
		"--log-level=warn",
	)
	if err != nil {
		return err
	}
	return until(ctx, started, func(ctx context.Context) error { return dial(ctx, client) })
}

func dial(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

func (p *Plane) startAPIServer(ctx context.Context, more []string) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	args, err := p.apiServerArgs(address)
	if err != nil {
		return err
	}
	started, err := p.run("kube-apiserver", append(args, more...)...)
	if err != nil {
		return err
	}
	p.Host, p.Kubeconfig = "https://"+address, p.path("kubeconfig")
	access := kube.Access{Host: p.Host, CA: p.authority.PEM(), Token: p.Token}
	if err := kube.WriteKubeconfig(p.Kubeconfig, access); err != nil {
		return err
	}
	if p.client, err = kube.New(access); err != nil {
		return err
	}
	return until(ctx, started, p.client.Ready)
}

func (p *Plane) apiServerArgs(address string) ([]string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("split the address of the API server: %w", err)
	}
	serving, err := p.authority.Server("apiserver", host, "localhost")
	if err != nil {
		return nil, err
	}
	public, private, err := certs.KeyPair(p.Dir, "service-accounts")
	if err != nil {
		return nil, err
	}
	return []string{
		"--etcd-servers=" + p.etcd,
		"--bind-address=" + host, "--secure-port=" + port,
		"--tls-cert-file=" + serving.CertFile, "--tls-private-key-file=" + serving.KeyFile,
		"--client-ca-file=" + p.CAFile,
		"--token-auth-file=" + p.path("tokens.csv"),
		"--authorization-mode=RBAC",
		"--service-cluster-ip-range=10.96.0.0/16",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + public,
		"--service-account-signing-key-file=" + private,
		// Nothing routes to a loopback address from a pod, and the reconciler refuses one.
		"--endpoint-reconciler-type=none",
		// There are no pods to give tokens to, and waiting for accounts would slow tests.
		"--disable-admission-plugins=ServiceAccount",
		"--audit-policy-file=" + p.path("audit.yaml"),
		"--audit-log-path=" + p.AuditLog,
	}, nil
}

func (p *Plane) startControllers() error {
	health, err := freeAddress()
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(health)
	if err != nil {
		return fmt.Errorf("split the address of the controllers: %w", err)
	}
	_, err = p.run("kube-controller-manager",
		"--kubeconfig="+p.Kubeconfig,
		"--bind-address="+host, "--secure-port="+port,
		"--cert-dir="+p.path("controllers"),
		"--leader-elect=false",
		// The defaults (20 requests a second) make the first objects wait for seconds.
		"--kube-api-qps=300", "--kube-api-burst=400",
		"--controllers=deployment-controller,replicaset-controller,endpointslice-controller,"+
			"daemonset-controller,statefulset-controller,garbage-collector-controller,namespace-controller,job-controller",
	)
	return err
}
