package kube

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"
)

// WriteKubeconfig writes access as a kubeconfig file with one context.
func WriteKubeconfig(path string, access Access) error {
	if err := os.WriteFile(path, []byte(kubeconfig(access)), 0o600); err != nil {
		return fmt.Errorf("write a kubeconfig: %w", err)
	}
	return nil
}

func kubeconfig(access Access) string {
	b64 := base64.StdEncoding.EncodeToString
	var user strings.Builder
	if access.Token != "" {
		fmt.Fprintf(&user, "    token: %s\n", access.Token)
	}
	if len(access.Cert) > 0 {
		fmt.Fprintf(&user, "    client-certificate-data: %s\n    client-key-data: %s\n", b64(access.Cert), b64(access.Key))
	}
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: lab
  cluster:
    server: %s
    certificate-authority-data: %s
users:
- name: lab
  user:
%scontexts:
- name: lab
  context:
    cluster: lab
    user: lab
current-context: lab
`, access.Host, b64(access.CA), user.String())
}
