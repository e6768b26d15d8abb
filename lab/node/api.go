package node

import (
	"context"
	"fmt"
	"time"

	"github.com/serinhq/serin/lab/await"
	"github.com/serinhq/serin/lab/kube"
)

func (n *theNode) startAPI(ctx context.Context) error {
	const client, peer = "127.0.0.1:" + etcdPort, "http://127.0.0.1:2380"
	etcd, err := n.kubernetes("etcd",
		"--data-dir="+n.path("etcd"),
		"--listen-client-urls=http://"+client, "--advertise-client-urls=http://"+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer,
		"--unsafe-no-fsync", // the data is thrown away anyway
		"--log-level=warn",
	)
	if err != nil {
		return err
	}
	if err := until(ctx, etcd, listening(client)); err != nil {
		return err
	}
	server, err := n.kubernetes("kube-apiserver", n.apiServerArgs("http://"+client)...)
	if err != nil {
		return err
	}
	if n.client, err = kube.New(n.creds.own); err != nil {
		return err
	}
	return until(ctx, server, n.client.Ready)
}

func (n *theNode) apiServerArgs(etcd string) []string {
	creds := n.creds
	return []string{
		"--etcd-servers=" + etcd,
		// Pods reach it through the kubernetes Service, whose endpoint is this address.
		"--bind-address=" + nodeAddress, "--advertise-address=" + nodeAddress, "--secure-port=" + apiServerPort,
		"--service-cluster-ip-range=" + services,
		"--client-ca-file=" + creds.ca.CertFile(),
		"--tls-cert-file=" + creds.apiServer.CertFile, "--tls-private-key-file=" + creds.apiServer.KeyFile,
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + creds.accountPublic,
		"--service-account-signing-key-file=" + creds.accountKey,
		// exec and logs: the API server asks the kubelet, by address because no name resolves.
		"--kubelet-preferred-address-types=InternalIP",
		"--kubelet-certificate-authority=" + creds.ca.CertFile(),
		"--kubelet-client-certificate=" + creds.toKubelet.CertFile, "--kubelet-client-key=" + creds.toKubelet.KeyFile,
		"--requestheader-client-ca-file=" + creds.front.CertFile(),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + creds.frontProxy.CertFile, "--proxy-client-key-file=" + creds.frontProxy.KeyFile,
		"--audit-policy-file=" + n.path("audit.yaml"), "--audit-log-path=" + n.AuditLog(),
	}
}

func (n *theNode) startControllers(ctx context.Context) error {
	creds := n.creds
	_, err := n.kubernetes("kube-controller-manager",
		"--kubeconfig="+creds.kubeconfigs["kube-controller-manager"],
		"--bind-address=127.0.0.1",
		"--cert-dir="+n.path("controllers"),
		"--leader-elect=false", // there is nobody to lead, and waiting for a lease takes seconds
		"--use-service-account-credentials",
		"--service-account-private-key-file="+creds.accountKey,
		"--root-ca-file="+creds.ca.CertFile(),
		"--cluster-signing-cert-file="+creds.ca.CertFile(), "--cluster-signing-key-file="+creds.ca.KeyFile(),
		// The default of 20 requests a second delays the first service account, and so the
		// first pod, by 5 s.
		"--kube-api-qps=300", "--kube-api-burst=400",
	)
	if err != nil {
		return err
	}
	_, err = n.kubernetes("kube-scheduler",
		"--kubeconfig="+creds.kubeconfigs["kube-scheduler"],
		"--bind-address=127.0.0.1", "--cert-dir="+n.path("scheduler"),
		"--leader-elect=false",
	)
	if err != nil {
		return err
	}
	return n.exists(ctx, "the default service account", "/api/v1/namespaces/default/serviceaccounts/default")
}

// exists waits until an object is there.
func (n *theNode) exists(ctx context.Context, what, path string) error {
	return await.Condition(ctx, limit, "wait for "+what, func(ctx context.Context) error {
		var object struct{}
		return n.client.Read(ctx, path, &object)
	})
}

// condition waits until the object at path has the condition, at its own generation.
func (n *theNode) condition(ctx context.Context, what, path, kind string) error {
	return await.Condition(ctx, limit, "wait for "+what, func(ctx context.Context) error {
		var object struct {
			Status struct {
				Conditions []struct {
					Type, Status, Message string
				}
			}
		}
		if err := n.client.Read(ctx, path, &object); err != nil {
			return err
		}
		for _, c := range object.Status.Conditions {
			if c.Type == kind && c.Status == "True" {
				return nil
			}
			if c.Type == kind {
				return fmt.Errorf("%s is %s: %s", kind, c.Status, c.Message)
			}
		}
		return fmt.Errorf("it has no condition %s", kind)
	})
}

// applyLimit is how long one object may take to be accepted: a custom resource only is
// once its definition is served, which follows the definition by a moment.
const applyLimit = 20 * time.Second

func (n *theNode) apply(ctx context.Context, path, object string) error {
	return await.Condition(ctx, applyLimit, "apply an object", func(ctx context.Context) error {
		return n.client.Apply(ctx, path, []byte(object))
	})
}
