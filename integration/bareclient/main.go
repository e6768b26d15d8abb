// Program bareclient makes the requests of releases and follows the objects that they are
// about, as an operator does, and decides nothing. What it costs is the least that any
// operator built of the same libraries costs on a machine: `make bench-scale` shows it
// beside what Serin costs.
//
// It knows how many requests of which kind a release takes. It refuses to know why.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "bareclient:", err)
		os.Exit(1)
	}
}

var (
	canaryKind = schema.GroupVersionKind{Group: "flagger.app", Version: "v1beta1", Kind: "Canary"}
	routeKind  = schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"}
)

func blank(gvk schema.GroupVersionKind) *unstructured.Unstructured {
	u := new(unstructured.Unstructured)
	u.SetGroupVersionKind(gvk)
	return u
}

func run(ctx context.Context) error {
	kubeconfig := flag.String("kubeconfig", "", "of the API server, which holds canaries with their workloads and routes")
	metrics := flag.String("metrics-server", "", "URL of a Prometheus")
	releases := flag.Int("releases", 100, "how many, of so many canaries")
	pace := flag.Duration("pace", 400*time.Millisecond, "time from one to the next")
	flag.Parse()
	ctrllog.SetLogger(logr.Discard())
	debug.SetGCPercent(50) // as the operator does
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return fmt.Errorf("read -kubeconfig: %w", err)
	}
	config.QPS, config.Burst = 1000, 2000
	r := &releaser{metrics: *metrics}
	all, err := r.follow(ctx, config)
	if err != nil {
		return err
	}
	if len(all) < *releases {
		return fmt.Errorf("-releases %d: there are %d canaries", *releases, len(all))
	}
	before, err := spent()
	if err != nil {
		return err
	}
	if err := r.all(ctx, all[:*releases], *pace); err != nil {
		return err
	}
	after, err := spent()
	if err != nil {
		return err
	}
	_, err = fmt.Printf("%d %d %d\n", *releases, r.requests.Load(), (after - before).Microseconds())
	return err
}

// spent is the processor time of this process so far.
func spent() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("read the processor time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// A releaser makes the requests.
type releaser struct {
	client   client.Client
	metrics  string
	requests atomic.Int64 // to the API server
}

// follow keeps copies of all that releases are about, and returns the canaries.
func (r *releaser) follow(ctx context.Context, config *rest.Config) ([]unstructured.Unstructured, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), appsv1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	copies, err := cache.New(config, cache.Options{Scheme: scheme, DefaultTransform: cache.TransformStripManagedFields()})
	if err != nil {
		return nil, fmt.Errorf("make the cache: %w", err)
	}
	for _, object := range []client.Object{blank(canaryKind), blank(routeKind), &appsv1.Deployment{}, &corev1.Service{}} {
		if _, err := copies.GetInformer(ctx, object); err != nil {
			return nil, fmt.Errorf("follow %T: %w", object, err)
		}
	}
	go func() { _ = copies.Start(ctx) }() // its end is that of the process
	if !copies.WaitForCacheSync(ctx) {
		return nil, errors.New("the cache was not filled")
	}
	if r.client, err = client.New(config, client.Options{Scheme: scheme, Cache: &client.CacheOptions{Reader: copies, Unstructured: true}}); err != nil {
		return nil, fmt.Errorf("make the client: %w", err)
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(canaryKind.GroupVersion().WithKind("CanaryList"))
	if err := r.client.List(ctx, list); err != nil {
		return nil, fmt.Errorf("list the canaries: %w", err)
	}
	return list.Items, nil
}
