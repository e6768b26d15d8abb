//go:build !linux

package demo

import "errors"

// Lab says that there is none here.
func Lab(string, bool) (Stage, error) {
	return nil, errors.New("the lab needs Linux; on another system say CLUSTER=existing to use the cluster of KUBECONFIG")
}

// Enter does nothing where there is no lab.
func Enter() {}
