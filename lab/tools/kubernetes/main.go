// Program kubernetes is every Kubernetes program the lab runs, and etcd, in one
// file: linked once instead of seven times, which is most of the price of a build.
//
// The part is chosen by the name it is called under, or by its first argument:
//
//	kubernetes kube-apiserver --etcd-servers=...
//	ln -s kubernetes etcd; ./etcd --data-dir=...
//
// kubectl is a program of its own, see its folder.
//
// Only the chosen command is constructed. Their feature gates and metric registries
// are package globals, so two of them in one process would collide.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/client-go/plugin/pkg/client/auth"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	name, args := part(os.Args)
	if name == "etcd" {
		etcdmain.Main(append([]string{"etcd"}, args...))
		return
	}
	// cobra reads the process's own arguments.
	os.Args = append([]string{name}, args...)
	command, err := construct(name)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(cli.Run(command))
}

// part takes the name of the part, and what is left of the arguments for it.
func part(args []string) (string, []string) {
	name := filepath.Base(args[0])
	if slices.Contains(names(), name) {
		return name, args[1:]
	}
	if len(args) > 1 {
		return args[1], args[2:]
	}
	return "", nil
}

func names() []string {
	return []string{
		"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler",
		"kubelet", "kube-proxy",
	}
}

func construct(name string) (*cobra.Command, error) {
	switch name {
	case "kube-apiserver":
		return apiserver.NewAPIServerCommand(), nil
	case "kube-controller-manager":
		return controllermanager.NewControllerManagerCommand(), nil
	case "kube-scheduler":
		return scheduler.NewSchedulerCommand(), nil
	case "kubelet":
		return kubelet.NewKubeletCommand(context.Background()), nil
	case "kube-proxy":
		return proxy.NewProxyCommand(), nil
	default:
		return nil, fmt.Errorf("%q is no part of this program; one of %v is", name, names())
	}
}
