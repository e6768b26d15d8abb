package node

import (
	"context"
	"fmt"
)

func (n *theNode) startKubelet(ctx context.Context) error {
	kubelet, err := n.kubernetes("kubelet",
		"--config="+n.path("kubelet.yaml"),
		"--kubeconfig="+n.creds.kubeconfigs["kubelet"],
		"--hostname-override="+nodeName, "--node-ip="+nodeAddress,
		"--root-dir="+n.path("kubelet"), "--cert-dir="+n.path("kubelet", "pki"),
		// Without it, and without a word, container metrics have no pod names.
		"--containerd="+n.Containerd(),
	)
	if err != nil {
		return err
	}
	if _, err := n.kubernetes("kube-proxy", "--config="+n.path("proxy.yaml"), "--hostname-override="+nodeName); err != nil {
		return err
	}
	return until(ctx, kubelet, func(ctx context.Context) error {
		return n.condition(ctx, "the node to be ready", "/api/v1/nodes/"+nodeName, "Ready")
	})
}

func (n *theNode) kubeletConfig() string {
	return fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: %[1]s
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: false}
  x509: {clientCAFile: %[2]s}
authorization: {mode: AlwaysAllow}
tlsCertFile: %[3]s
tlsPrivateKeyFile: %[4]s
containerRuntimeEndpoint: unix://%[5]s
cgroupDriver: cgroupfs
cgroupRoot: /%[6]s
cgroupsPerQOS: true
enforceNodeAllocatable: [pods]
failCgroupV1: false
failSwapOn: false
clusterDNS: [%[1]s]
clusterDomain: cluster.local
resolvConf: %[7]s
podLogsDir: %[8]s
volumePluginDir: %[9]s
registerNode: true
# Images come from files and can never be pulled again, so they are never collected.
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 50Mi, nodefs.available: 1%%, nodefs.inodesFree: 1%%, imagefs.available: 1%%}
serializeImagePulls: false
logging: {verbosity: 1}
`, nodeAddress, n.creds.ca.CertFile(), n.creds.kubelet.CertFile, n.creds.kubelet.KeyFile, n.Containerd(),
		n.cgroup(), n.path("resolv.conf"), n.path("pods"), n.path("volume-plugins"))
}

func (n *theNode) proxyConfig() string {
	return fmt.Sprintf(`apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: %s}
mode: nftables
nftables: {minSyncPeriod: 100ms}
# Zero means: leave the kernel's settings alone.
conntrack: {maxPerCore: 0, min: 0}
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
nodePortAddresses: [primary]
`, n.creds.kubeconfigs["kube-proxy"])
}
