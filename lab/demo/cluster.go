package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

// manager owns the fields that the demo applies.
const manager = "serin-demo"

func deployments() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
}

func canaries() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "flagger.app", Version: "v1beta1", Resource: "canaries"}
}

func core(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: resource}
}

// A cluster is the API server of a site.
type cluster struct {
	config  *rest.Config
	http    *http.Client
	dynamic dynamic.Interface
	mapper  *restmapper.DeferredDiscoveryRESTMapper
}

func connect(kubeconfig string) (*cluster, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	// The default of 5 requests a second would make the manifest take half a minute.
	config.QPS, config.Burst, config.UserAgent = 100, 200, manager
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("make a client of %s: %w", config.Host, err)
	}
	objects, err := dynamic.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, fmt.Errorf("make a client of %s: %w", config.Host, err)
	}
	kinds, err := discovery.NewDiscoveryClientForConfigAndClient(config, client)
	if err != nil {
		return nil, fmt.Errorf("make a client of %s: %w", config.Host, err)
	}
	return &cluster{
		config: config, http: client, dynamic: objects,
		mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(kinds)),
	}, nil
}

// parse reads the objects of a manifest.
func parse(manifest []byte) ([]unstructured.Unstructured, error) {
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), len(manifest)+1)
	var objects []unstructured.Unstructured
	for {
		var obj unstructured.Unstructured
		err := decoder.Decode(&obj)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read a manifest: %w", err)
		}
		objects = append(objects, obj)
	}
}

// apply applies objects in their order, and waits behind each definition until its kind
// is served.
func (c *cluster) apply(ctx context.Context, objects []unstructured.Unstructured) error {
	for i := range objects {
		if err := c.applyOne(ctx, &objects[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) applyOne(ctx context.Context, obj *unstructured.Unstructured) error {
	name := obj.GetKind() + " " + obj.GetName()
	mapping, err := c.mapper.RESTMapping(obj.GroupVersionKind().GroupKind(), obj.GroupVersionKind().Version)
	if err != nil {
		return fmt.Errorf("apply %s: %w", name, err)
	}
	var target dynamic.ResourceInterface = c.dynamic.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		target = c.dynamic.Resource(mapping.Resource).Namespace(obj.GetNamespace())
	}
	if _, err := target.Apply(ctx, obj.GetName(), obj, metav1.ApplyOptions{FieldManager: manager, Force: true}); err != nil {
		return fmt.Errorf("apply %s: %w", name, err)
	}
	if obj.GetKind() != "CustomResourceDefinition" {
		return nil
	}
	if err := until(ctx, target, obj.GetName(), established); err != nil {
		return fmt.Errorf("wait for %s to be served: %w", name, err)
	}
	c.mapper.Reset()
	return nil
}

func established(obj *unstructured.Unstructured) bool {
	conditions, _, err := unstructured.NestedSlice(obj.Object, "status", "conditions")
	if err != nil {
		return false
	}
	for _, entry := range conditions {
		condition, ok := entry.(map[string]any)
		if ok && condition["type"] == "Established" && condition["status"] == "True" {
			return true
		}
	}
	return false
}

// until watches one object until it is so, half a minute at most.
func until(ctx context.Context, target dynamic.ResourceInterface, name string, so func(*unstructured.Unstructured) bool) error {
	const limit = 30 * time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	// Without a resourceVersion a watch begins with the object as it is.
	watch, err := target.Watch(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("metadata.name", name).String(),
	})
	if err != nil {
		return err
	}
	defer watch.Stop()
	for event := range watch.ResultChan() {
		if obj, ok := event.Object.(*unstructured.Unstructured); ok && so(obj) {
			return nil
		}
	}
	return fmt.Errorf("not within %s", limit)
}

// release changes the Deployment as kubectl patch would.
func (c *cluster) release(ctx context.Context, r Release) error {
	patch, err := r.patch()
	if err != nil {
		return err
	}
	_, err = c.dynamic.Resource(deployments()).Namespace(Namespace).
		Patch(ctx, appName, types.StrategicMergePatchType, patch, metav1.PatchOptions{FieldManager: manager})
	if err != nil {
		return fmt.Errorf("release %s: %w", r.Version, err)
	}
	return nil
}

// logs are the last lines of each of the operator's pods.
func (c *cluster) logs(ctx context.Context, operator Operator, lines int) (string, error) {
	pods, err := c.dynamic.Resource(core("pods")).Namespace(operator.Namespace).
		List(ctx, metav1.ListOptions{LabelSelector: operator.Selector})
	if err != nil {
		return "", fmt.Errorf("list the operator's pods: %w", err)
	}
	var all strings.Builder
	for _, pod := range pods.Items {
		status, err := json.Marshal(pod.Object["status"])
		if err != nil {
			return "", fmt.Errorf("read the status of pod %s: %w", pod.GetName(), err)
		}
		text, err := c.log(ctx, operator.Namespace, pod.GetName(), lines)
		if err != nil {
			text = err.Error() + "\n" + string(status) + "\n"
		}
		fmt.Fprintf(&all, "pod %s:\n%s", pod.GetName(), text)
	}
	if len(pods.Items) == 0 {
		fmt.Fprintf(&all, "no pod %s in namespace %s\n", operator.Selector, operator.Namespace)
	}
	return all.String(), nil
}

func (c *cluster) log(ctx context.Context, namespace, pod string, lines int) (string, error) {
	path, err := url.JoinPath(c.config.Host, "api/v1/namespaces", namespace, "pods", pod, "log")
	if err != nil {
		return "", fmt.Errorf("address of the log of pod %s: %w", pod, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, path+"?tailLines="+strconv.Itoa(lines), nil)
	if err != nil {
		return "", fmt.Errorf("read the log of pod %s: %w", pod, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return "", fmt.Errorf("read the log of pod %s: %w", pod, err)
	}
	defer resp.Body.Close()
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil || resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("read the log of pod %s: %s: %w", pod, resp.Status, errors.Join(err, errors.New(string(text))))
	}
	return string(text), nil
}
