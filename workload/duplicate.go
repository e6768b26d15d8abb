package workload

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// duplicate explains why a template cannot be applied. Server-side apply merges
// these lists by key, so it refuses an entry that is there twice, which an
// update lets pass. Which of two entries is meant is not ours to guess.
func duplicate(spec corev1.PodSpec) error {
	type key struct{ list, entry string }
	seen := map[key]bool{}
	note := func(list, entry string) error {
		k := key{list, entry}
		if seen[k] {
			return fmt.Errorf("its pod template lists %s twice in %s: remove one", entry, list)
		}
		seen[k] = true
		return nil
	}
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for _, c := range containers {
			for _, env := range c.Env {
				if err := note("the env of container "+c.Name, env.Name); err != nil {
					return err
				}
			}
			for _, port := range c.Ports {
				if err := note("the ports of container "+c.Name, fmt.Sprintf("%d/%s", port.ContainerPort, port.Protocol)); err != nil {
					return err
				}
			}
		}
	}
	for _, secret := range spec.ImagePullSecrets {
		if err := note("imagePullSecrets", secret.Name); err != nil {
			return err
		}
	}
	for _, alias := range spec.HostAliases {
		if err := note("hostAliases", alias.IP); err != nil {
			return err
		}
	}
	return nil
}
