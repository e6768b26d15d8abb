package integration

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/yaml"
)

// patience is how long anything may take on a busy machine before a test says
// that it does not happen.
const patience = 3 * time.Minute

// A controlPlane is an API server with what stands behind it.
type controlPlane struct {
	config   *rest.Config
	client   client.WithWatch
	auditLog string
}

// plane is the one that nearly all tests of the package share; each test has a namespace
// of its own.
var plane controlPlane

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	ctrllog.SetLogger(logr.Discard()) // each operator has a logger of its own
	dir, err := os.MkdirTemp("", "serin-integration-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if lab, err = buildLab(ctx, dir); err != nil {
		return 0, err
	}
	var stop func() error
	if plane, stop, err = startPlane(); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, aside.stop(), stop()) }()
	network := httptest.NewServer(services)
	defer network.Close()
	// Before anything is asked: the answer is kept for all of the process.
	if err := os.Setenv("HTTP_PROXY", network.URL); err != nil {
		return 0, err
	}
	if err := define(ctx); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// lab is the lab's program.
var lab string

func buildLab(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "lab")
	// With the flags of the Makefile, so that it is compiled already.
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-gcflags=all=-dwarf=false -l -c=1", "-gcflags=std=-dwarf=false -c=1", "-o", program, ".")
	build.Dir, build.Env = filepath.Join("..", "lab"), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the lab: %w\n%s", err, out)
	}
	return program, nil
}

// startPlane lets the lab run a control plane. It dies with this process, whatever
// happens to it.
func startPlane() (p controlPlane, stop func() error, err error) {
	process := exec.Command(lab, "control-plane")
	process.Stderr = os.Stderr
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	out, err := process.StdoutPipe()
	if err != nil {
		return p, nil, err
	}
	if err := process.Start(); err != nil {
		return p, nil, fmt.Errorf("start the control plane: %w", err)
	}
	stop = func() error {
		if err := process.Process.Signal(syscall.SIGTERM); err != nil {
			return fmt.Errorf("stop the control plane: %w", err)
		}
		return process.Wait()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return p, nil, errors.Join(fmt.Errorf("the control plane did not start: %w", err), stop())
	}
	if p, err = connect(strings.TrimSpace(line)); err != nil {
		return p, nil, errors.Join(err, stop())
	}
	return p, stop, nil
}

func connect(kubeconfig string) (controlPlane, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return controlPlane{}, err
	}
	config.QPS, config.Burst = 500, 1000
	config.UserAgent = "integration-test"
	c, err := client.NewWithWatch(config, client.Options{})
	return controlPlane{config, c, filepath.Join(filepath.Dir(kubeconfig), "audit.log")}, err
}

// define installs the kinds that nearly all tests need.
func define(ctx context.Context) error {
	gateway, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	if err != nil {
		return fmt.Errorf("find the Gateway API module: %w", err)
	}
	for _, dir := range []string{"../config/crd", filepath.Join(strings.TrimSpace(string(gateway)), "config/crd/standard")} {
		if err := applyCRDs(ctx, plane.client, dir); err != nil {
			return err
		}
	}
	return nil
}

// applyCRDs installs every CustomResourceDefinition of a folder and waits until
// it is served.
func applyCRDs(ctx context.Context, c client.WithWatch, dir string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(paths) == 0 {
		return fmt.Errorf("no CRDs in %s: %w", dir, err)
	}
	for _, path := range paths {
		object, err := readYAML(path)
		if err != nil {
			return err
		}
		if object.GetKind() != "CustomResourceDefinition" {
			continue
		}
		if err := apply(ctx, c, object); err != nil {
			return fmt.Errorf("apply %s: %w", path, err)
		}
		if err := established(ctx, c, object.GetName()); err != nil {
			return err
		}
	}
	return nil
}

func established(ctx context.Context, c client.WithWatch, name string) error {
	crd := blank(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return follow(ctx, c, crd, "", name, func(u *unstructured.Unstructured) bool {
		conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
		for _, c := range conditions {
			if c, ok := c.(map[string]any); ok && c["type"] == "Established" && c["status"] == "True" {
				return true
			}
		}
		return false
	})
}

func readYAML(path string) (*unstructured.Unstructured, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(text, &object.Object); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return object, nil
}

func apply(ctx context.Context, c client.Client, object *unstructured.Unstructured) error {
	return c.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), client.FieldOwner("test"), client.ForceOwnership)
}

func blank(gvk schema.GroupVersionKind) *unstructured.Unstructured {
	u := new(unstructured.Unstructured)
	u.SetGroupVersionKind(gvk)
	return u
}

// follow watches one object until the condition holds; it never polls.
func follow(ctx context.Context, c client.WithWatch, like *unstructured.Unstructured, namespace, name string, until func(*unstructured.Unstructured) bool) error {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(like.GroupVersionKind())
	list.SetKind(like.GetKind() + "List")
	for {
		w, err := c.Watch(ctx, list, client.InNamespace(namespace), client.MatchingFields{"metadata.name": name})
		if err != nil {
			return fmt.Errorf("watch %s %s: %w", like.GetKind(), name, err)
		}
		for event := range w.ResultChan() {
			u, ok := event.Object.(*unstructured.Unstructured)
			if ok && until(u) {
				w.Stop()
				return nil
			}
		}
		w.Stop()
		if ctx.Err() != nil {
			return fmt.Errorf("wait for %s %s: %w", like.GetKind(), name, ctx.Err())
		}
	}
}

// vanish waits until an object is gone.
func vanish(ctx context.Context, c client.WithWatch, object *unstructured.Unstructured) error {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(object.GroupVersionKind())
	list.SetKind(object.GetKind() + "List")
	for ctx.Err() == nil {
		w, err := c.Watch(ctx, list, client.InNamespace(object.GetNamespace()), client.MatchingFields{"metadata.name": object.GetName()})
		if err != nil {
			return fmt.Errorf("watch %s %s: %w", object.GetKind(), object.GetName(), err)
		}
		// Only behind the start of the watch: what goes in between is seen by one of the two.
		if err := c.Get(ctx, client.ObjectKeyFromObject(object), object.DeepCopy()); apierrors.IsNotFound(err) {
			w.Stop()
			return nil
		}
		for event := range w.ResultChan() {
			if event.Type == watch.Deleted {
				w.Stop()
				return nil
			}
		}
		w.Stop()
	}
	return fmt.Errorf("wait for %s %s to go: %w", object.GetKind(), object.GetName(), ctx.Err())
}
