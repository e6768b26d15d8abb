// Package charts_test renders the chart with Helm itself and keeps what comes
// out in testdata, to be read as a user would read it. It knows what an object
// must not be allowed to do. It refuses to know how the lab renders the chart:
// the lab compares itself with the same files.
package charts_test

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write testdata anew")

// render renders the chart as `helm template serin charts/serin --namespace serin-system` does.
func render(values []byte) ([]unstructured.Unstructured, error) {
	chart, err := loader.LoadDir("serin")
	if err != nil {
		return nil, err
	}
	given, err := chartutil.ReadValues(values)
	if err != nil {
		return nil, err
	}
	release := chartutil.ReleaseOptions{Name: "serin", Namespace: "serin-system", IsInstall: true, Revision: 1}
	all, err := chartutil.ToRenderValues(chart, given, release, nil)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return nil, err
	}
	var objects []unstructured.Unstructured
	for name, text := range files {
		if strings.HasSuffix(name, ".txt") {
			continue
		}
		found, err := parse(text)
		if err != nil {
			return nil, err
		}
		objects = append(objects, found...)
	}
	slices.SortFunc(objects, func(a, b unstructured.Unstructured) int {
		return cmp.Or(strings.Compare(a.GetKind(), b.GetKind()), strings.Compare(a.GetName(), b.GetName()))
	})
	return objects, nil
}

func parse(text string) ([]unstructured.Unstructured, error) {
	var objects []unstructured.Unstructured
	decoder := utilyaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	for {
		var object unstructured.Unstructured
		switch err := decoder.Decode(&object.Object); {
		case errors.Is(err, io.EOF):
			return objects, nil
		case err != nil:
			return nil, err
		case len(object.Object) > 0:
			objects = append(objects, object)
		}
	}
}

func mustRender(t *testing.T, values string) []unstructured.Unstructured {
	t.Helper()
	objects, err := render([]byte(values))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func TestObjects(t *testing.T) {
	folders, err := filepath.Glob("testdata/*")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			values, err := os.ReadFile(filepath.Join(folder, "values.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			for _, object := range mustRender(t, string(values)) {
				text, err := yaml.Marshal(object.Object)
				if err != nil {
					t.Fatal(err)
				}
				got.WriteString("---\n")
				got.Write(text)
			}
			file := filepath.Join(folder, "objects.yaml")
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("%s (-want +got); read it, then run with -update:\n%s", file, diff)
			}
		})
	}
}

// The pod is admitted into a namespace that enforces the restricted standard.
func TestRestricted(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var deployment appsv1.Deployment
	one(t, mustRender(t, "{}"), "Deployment", &deployment)
	pod := deployment.Spec.Template
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, result := range evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec) {
		if !result.Allowed {
			t.Errorf("%s: %s", result.ForbiddenReason, result.ForbiddenDetail)
		}
	}
	root := deployment.Spec.Template.Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem
	if root == nil || !*root {
		t.Error("the root file system can be written")
	}
}

// The operator may do what a release needs and nothing else.
func TestLeastPrivilege(t *testing.T) {
	for _, values := range []string{"{}", "namespace: shop", "configTracking: {enabled: false}"} {
		tracking := !strings.HasPrefix(values, "configTracking")
		for _, object := range mustRender(t, values) {
			if !strings.HasSuffix(object.GetKind(), "Role") {
				continue
			}
			var role rbacv1.ClusterRole
			convert(t, object, &role)
			for _, rule := range role.Rules {
				all := slices.Concat(rule.APIGroups, rule.Resources, rule.Verbs)
				if slices.Contains(all, "*") {
					t.Errorf("%s %s: a wildcard in %v", object.GetKind(), object.GetName(), rule)
				}
				copies := tracking && slices.Equal(rule.Resources, []string{"configmaps", "secrets"})
				if slices.Contains(rule.Verbs, "deletecollection") || slices.Contains(rule.Verbs, "delete") && !copies {
					t.Errorf("%s %s: deletes in %v", object.GetKind(), object.GetName(), rule)
				}
				if slices.Contains(rule.Resources, "secrets") && !copies && !slices.Equal(rule.Verbs, []string{"get"}) {
					t.Errorf("%s %s: more than one secret at a time in %v", object.GetKind(), object.GetName(), rule)
				}
			}
		}
	}
}

// In namespaced mode nothing is granted outside the two namespaces.
func TestNamespaced(t *testing.T) {
	for _, object := range mustRender(t, "namespace: shop") {
		switch {
		case strings.HasPrefix(object.GetKind(), "Cluster"):
			t.Errorf("%s %s is cluster-wide", object.GetKind(), object.GetName())
		case strings.HasPrefix(object.GetKind(), "Role") && object.GetNamespace() != "shop":
			t.Errorf("%s %s is in namespace %s", object.GetKind(), object.GetName(), object.GetNamespace())
		}
	}
}

// Routes of Kuma are of the cluster: only who asks for Kuma gets rights to them, and
// to nothing else there.
func TestNamespacedKuma(t *testing.T) {
	var role rbacv1.ClusterRole
	one(t, mustRender(t, "{namespace: shop, meshProvider: kuma}"), "ClusterRole", &role)
	if len(role.Rules) != 1 || !slices.Equal(role.Rules[0].Resources, []string{"trafficroutes"}) {
		t.Errorf("in the cluster it may %v", role.Rules)
	}
	var binding rbacv1.ClusterRoleBinding
	one(t, mustRender(t, "{namespace: shop, meshProvider: kuma}"), "ClusterRoleBinding", &binding)
	if binding.RoleRef.Name != role.Name {
		t.Errorf("the role %s is not bound, %s is", role.Name, binding.RoleRef.Name)
	}
}

// The tutorials select the operator by this label and this container.
func TestTutorials(t *testing.T) {
	var deployment appsv1.Deployment
	one(t, mustRender(t, "{}"), "Deployment", &deployment)
	pod := deployment.Spec.Template
	if got := pod.Labels["app.kubernetes.io/name"]; got != "flagger" {
		t.Errorf("label app.kubernetes.io/name is %q", got)
	}
	if got := pod.Spec.Containers[0].Name; got != "flagger" {
		t.Errorf("the container is named %q", got)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, values, why string }{
		{"a misspelt value", "metricServer: http://prometheus:9090", "metricServer"},
		{"a URL without a scheme", "metricsServer: prometheus:9090", "metricsServer"},
		{"a level that nobody knows", "logLevel: warning", "logLevel"},
		{"two operators without election", "leaderElection: {enabled: false, replicaCount: 2}", "replicaCount"},
		{"a Prometheus that is not there", "prometheus: {install: true}", "set metricsServer"},
		{"a chat that is not there", "slack: {url: https://chat.test/in}", "no chat messages"},
		{"a second cluster", "controlplane: {kubeconfig: {secretName: mesh}}", "its own cluster only"},
		{"a policy that Kubernetes dropped", "rbac: {pspEnabled: true}", "restricted Pod Security Standard"},
		{"CRDs as templates", "crd: {create: true}", "kubectl apply"},
		{"a provider that is not there", "linkerdAuthPolicy: {create: true}", "linkerd is not offered yet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := render([]byte(c.values)); err == nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("got error %v, want one about %s", err, c.why)
			}
		})
	}
}

// The operator takes every flag that the chart gives it.
func TestFlags(t *testing.T) {
	program := filepath.Join(t.TempDir(), "serin")
	// As the lab builds it, so that both share the build cache.
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "..", "-trimpath", "-gcflags=all=-dwarf=false -l -c=1", "-gcflags=std=-dwarf=false -c=1",
		"-ldflags", "-s -w", "-o", program, "./cmd/serin")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the operator: %v\n%s", err, out)
	}
	for _, name := range []string{"default", "namespaced", "everything"} {
		t.Run(name, func(t *testing.T) {
			values, err := os.ReadFile(filepath.Join("testdata", name, "values.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			var deployment appsv1.Deployment
			one(t, mustRender(t, string(values)), "Deployment", &deployment)
			args := append(deployment.Spec.Template.Spec.Containers[0].Args, "-version")
			if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
				t.Errorf("serin %s: %v\n%s", strings.Join(args, " "), err, out)
			}
		})
	}
}

// one converts the only object of the given kind.
func one(t *testing.T, objects []unstructured.Unstructured, kind string, into any) {
	t.Helper()
	for _, object := range objects {
		if object.GetKind() == kind {
			convert(t, object, into)
			return
		}
	}
	t.Fatalf("no %s", kind)
}

// convert is strict: a misspelt field is an error.
func convert(t *testing.T, object unstructured.Unstructured, into any) {
	t.Helper()
	err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, into, true)
	if err != nil {
		t.Fatalf("%s %s: %v", object.GetKind(), object.GetName(), err)
	}
}
