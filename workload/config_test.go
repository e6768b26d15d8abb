package workload

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/serinhq/serin/internal/golden"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// configured is a Deployment with references of every kind, and the configs
// among them that are tracked: out is not.
func configured(t testing.TB) (*appsv1.Deployment, []Config) {
	t.Helper()
	text, err := os.ReadFile("testdata/configured.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var d appsv1.Deployment
	if err := yaml.UnmarshalStrict(text, &d); err != nil {
		t.Fatal(err)
	}
	return &d, []Config{
		{"ConfigMap", "both", "aaaaaaaa00000000"}, {"ConfigMap", "from", "bbbbbbbb00000000"},
		{"Secret", "both", "cccccccc00000000"}, {"Secret", "volume", "dddddddd00000000"},
	}
}

// changed is a set of configs of which one has another content.
func changed(configs []Config) []Config {
	other := append([]Config(nil), configs...)
	other[1].Checksum = "eeeeeeee00000000"
	return other
}

func TestConfigRefsOfEphemeralContainers(t *testing.T) {
	got := ConfigRefs(template(t, `
spec:
  ephemeralContainers:
  - name: debug
    env: [{name: A, valueFrom: {configMapKeyRef: {name: a, key: a}}}]
    envFrom: [{secretRef: {name: b, optional: true}}]`))
	want := []Ref{{"ConfigMap", "a", false}, {"Secret", "b", true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestContent(t *testing.T) {
	sum := func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:16] }
	for _, tc := range []struct{ name, object, want string }{
		{"a ConfigMap, as Flagger hashes it", `{kind: ConfigMap, data: {b: "2", a: "<1>"}}`, sum(`{"a":"\u003c1\u003e","b":"2"}`)},
		{"an empty one", `{kind: ConfigMap}`, sum(`null`)},
		{"binary files count", `{kind: ConfigMap, data: {a: "1"}, binaryData: {b: AA==}}`, sum(`{"a":"1"}` + "\n" + `{"b":"AA=="}`)},
		{"metadata does not count", `{kind: ConfigMap, metadata: {labels: {a: b}}, immutable: true, data: {a: "1"}}`, sum(`{"a":"1"}`)},
		{"a Secret", `{kind: Secret, type: Opaque, data: {a: MQ==}}`, sum(`{"a":"MQ=="}`)},
		{"a certificate", `{kind: Secret, type: kubernetes.io/tls, data: {a: MQ==}}`, sum(`{"a":"MQ=="}`)},
		{"a login", `{kind: Secret, type: kubernetes.io/basic-auth, data: {a: MQ==}}`, sum(`{"a":"MQ=="}`)},
		{"a key", `{kind: Secret, type: kubernetes.io/ssh-auth, data: {a: MQ==}}`, sum(`{"a":"MQ=="}`)},
		{"a token of the platform", `{kind: Secret, type: kubernetes.io/service-account-token, data: {a: MQ==}}`, ""},
		{"credentials of a registry", `{kind: Secret, type: kubernetes.io/dockerconfigjson, data: {a: MQ==}}`, ""},
		{"a type of somebody else", `{kind: Secret, type: helm.sh/release.v1, data: {a: MQ==}}`, ""},
	} {
		if got, err := Content(object(t, tc.object)); err != nil || got != tc.want {
			t.Errorf("%s: %q, %v; want %q", tc.name, got, err, tc.want)
		}
	}
}

func object(t testing.TB, text string) Object {
	t.Helper()
	var o Object
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOptedOut(t *testing.T) {
	for _, tc := range []struct {
		annotations map[string]string
		want        bool
	}{
		{nil, false}, {map[string]string{TrackingAnnotation: "enabled"}, false}, {map[string]string{"tracking": "disabled"}, false},
		{map[string]string{TrackingAnnotation: "disabled"}, true}, {map[string]string{TrackingAnnotation: "disable"}, true},
	} {
		if got := OptedOut(tc.annotations); got != tc.want {
			t.Errorf("%v: %v", tc.annotations, got)
		}
	}
}

// TestRevisionsWithConfigsArePinned: see TestRevisionsArePinned.
func TestRevisionsWithConfigsArePinned(t *testing.T) {
	target, configs := configured(t)
	template := target.Spec.Template
	if got := RevisionWith(template, nil); got != Revision(template) {
		t.Errorf("without configs it is %s, and the template's is %s", got, Revision(template))
	}
	backwards := append([]Config(nil), configs...)
	backwards[0], backwards[3] = backwards[3], backwards[0]
	if RevisionWith(template, backwards) != RevisionWith(template, configs) {
		t.Error("the order of configs counts")
	}
	renamed := append([]Config(nil), configs...)
	renamed[1].Kind = "Secret"
	var text bytes.Buffer
	for _, pinned := range []struct {
		name    string
		configs []Config
	}{
		{"testdata/configured.yaml", configs}, {"another content", changed(configs)},
		{"one less", configs[:3]}, {"the other kind", renamed}, {"tracking is off", nil},
	} {
		fmt.Fprintf(&text, "%s  %s\n", RevisionWith(template, pinned.configs), pinned.name)
	}
	golden.Equal(t, "testdata/revisions-with-configs.txt", text.Bytes())
}

// TestPrimaryWithConfigs: tracked references lead to copies, in every place, and
// nothing else does.
func TestPrimaryWithConfigs(t *testing.T) {
	target, configs := configured(t)
	o := options()
	o.Configs = configs
	created, err := Primary(pods(t, target), o)
	if err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, filepath.Join("testdata/primary", "configured.yaml"),
		document(t, "every tracked reference leads to a copy; out, the pull secret and the driver's secret stay", created))
	if diff := cmp.Diff(configs, Copies(pods(t, target), o)); diff != "" {
		t.Errorf("copies (-want +got)\n%s", diff)
	}

	o.Live = pods(t, applied(t, created))
	o.Configs = changed(configs)
	if got := Copied(pods(t, target), o); got != RevisionWith(target.Spec.Template, configs) {
		t.Errorf("another content: the primary is made from %s", got)
	}
	promoted, err := Primary(pods(t, target), o)
	if err != nil {
		t.Fatal(err)
	}
	if got := applied(t, promoted).Spec.Template.Spec.Containers[0].EnvFrom[0].ConfigMapRef.Name; got != "from-primary-eeeeeeee" {
		t.Errorf("after the promotion it reads %s", got)
	}
}

// TestOtherKindsReadTheirCopies: which kind a template belongs to is all the same.
func TestOtherKindsReadTheirCopies(t *testing.T) {
	source, configs := configured(t)
	for _, tc := range []struct {
		name   string
		target *Pods
	}{
		{"a DaemonSet", func() *Pods { d := agent(t); d.Spec.Template = source.Spec.Template; return pods(t, d) }()},
		{"a StatefulSet", func() *Pods { s := store(t); s.Spec.Template = source.Spec.Template; return pods(t, s) }()},
	} {
		o := options()
		o.Configs = configs
		object, err := Primary(tc.target, o)
		if err != nil {
			t.Fatal(err)
		}
		template := object.Object["spec"].(map[string]any)["template"].(map[string]any)
		text := fmt.Sprint(template)
		for _, c := range configs {
			if !strings.Contains(text, c.Copy()) {
				t.Errorf("%s: the primary does not read %s", tc.name, c.Copy())
			}
		}
		if diff := cmp.Diff(configs, Copies(tc.target, o)); diff != "" {
			t.Errorf("%s: copies (-want +got)\n%s", tc.name, diff)
		}
	}
}

// TestPrimaryOfFlaggerKeepsItsConfigs: its pods are not restarted as long as they
// run what the target would, also after the revision was noted.
func TestPrimaryOfFlaggerKeepsItsConfigs(t *testing.T) {
	target, configs := configured(t)
	o := options()
	o.Configs = configs
	live := flaggerMade(t, target)
	rename(&live.Spec.Template, configs, Config.Inherited)
	o.Live = pods(t, live)
	revision := RevisionWith(target.Spec.Template, configs)
	if got := Copied(pods(t, target), o); got == revision {
		t.Error("nobody looked into its copies, and it is adopted")
	}
	o.Inherited = configs[:3]
	if got := Copied(pods(t, target), o); got == revision {
		t.Error("one copy is another one, and it is adopted")
	}
	if len(Copies(pods(t, target), o)) != len(configs) {
		t.Error("a primary that is replaced needs its copies")
	}
	o.Inherited = configs
	if got := Copied(pods(t, target), o); got != revision {
		t.Errorf("all copies are the same, and it counts as %s", got)
	}
	adopted, err := Primary(pods(t, target), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, look := range []string{"first", "second"} {
		if diff := cmp.Diff(live.Spec, applied(t, adopted).Spec); diff != "" {
			t.Errorf("the %s look changed it (-live +applied)\n%s", look, diff)
		}
		if left := Copies(pods(t, target), o); len(left) != 0 {
			t.Errorf("the %s look wants copies of %v", look, left)
		}
		o.Live, o.Inherited = pods(t, applied(t, adopted)), nil
		if adopted, err = Primary(pods(t, target), o); err != nil {
			t.Fatal(err)
		}
	}
	o.Configs = changed(configs)
	promoted, err := Primary(pods(t, target), o)
	if err != nil {
		t.Fatal(err)
	}
	if got := applied(t, promoted).Spec.Template.Spec.Volumes[1].Secret.SecretName; got != "volume-primary-dddddddd" {
		t.Errorf("after the next promotion it reads %s", got)
	}
}

func TestPrimaryReadsOnlyWithConfigs(t *testing.T) {
	target, configs := configured(t)
	before := target.DeepCopy()
	o := options()
	o.Configs = configs
	if _, err := Primary(pods(t, target), o); err != nil {
		t.Fatal(err)
	}
	ConfigRefs(target.Spec.Template)
	if diff := cmp.Diff(before, target); diff != "" {
		t.Errorf("the target was changed\n%s", diff)
	}
}

func TestCopyOf(t *testing.T) {
	for _, tc := range []struct{ name, reason, source string }{
		{"configmap", "data, binaryData and immutable are copied; labels by the flag, no annotations", `
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
  namespace: shop
  uid: "1"
  resourceVersion: "7"
  labels: {team: storefront, tier: front, kustomize.toolkit.fluxcd.io/name: apps}
  annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}
immutable: true
data: {a: "1"}
binaryData: {b: AA==}`},
		{"secret", "its type is copied", `
apiVersion: v1
kind: Secret
metadata: {name: web, namespace: shop}
type: kubernetes.io/tls
data: {tls.crt: MQ==, tls.key: Mg==}`},
	} {
		source := object(t, tc.source)
		o := options()
		o.Include = []string{"te"}
		twin := CopyOf(source, Config{Kind: source.GetKind(), Name: "web", Checksum: "0123456789abcdef"}, o, nil)
		golden.Equal(t, filepath.Join("testdata/copy", tc.name+".yaml"), document(t, tc.reason, twin))
	}
}

func TestNamesOfCopies(t *testing.T) {
	long := strings.Repeat("a", 240)
	for _, tc := range []struct{ name, want string }{
		{"web", "web-primary-01234567"},
		{long, long[:236] + "-primary-01234567"},
		{strings.Repeat("a", 235) + ".bcd", strings.Repeat("a", 235) + "-primary-01234567"},
	} {
		if got := (Config{Name: tc.name, Checksum: "0123456789abcdef"}).Copy(); got != tc.want || len(got) > longest {
			t.Errorf("%s: %s", tc.name, got)
		}
	}
}

// TestSharedCopies: two Canaries may use one ConfigMap.
func TestSharedCopies(t *testing.T) {
	mine, other := Owner{"web", "1"}, Owner{"shop", "2"}
	user := metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: "web", UID: "3"}
	beside := other.Beside(mine.References())
	want := append(mine.References(), other.References()...)
	want[1].Controller = new(false)
	if diff := cmp.Diff(want, beside); diff != "" {
		t.Errorf("both own it and one controls it (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(beside, other.Beside(beside[:1])); diff != "" {
		t.Errorf("a second time (-want +got)\n%s", diff)
	}
	again := Owner{"web", "9"}
	if diff := cmp.Diff(append([]metav1.OwnerReference{user}, again.References()...), again.Beside(append(mine.References(), user))); diff != "" {
		t.Errorf("a Canary that was made anew (-want +got)\n%s", diff)
	}
	if rest, was := mine.Without(beside); !was || len(rest) != 1 || rest[0].Name != "shop" {
		t.Errorf("without the first: %v, %v", rest, was)
	}
	if rest, was := again.Without(beside); was || len(rest) != 2 {
		t.Errorf("without one that is not there: %v, %v", rest, was)
	}
	names := OwnersOf(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{OwnerReferences: append(beside, user)}})
	if diff := cmp.Diff([]string{"web", "shop"}, names); diff != "" {
		t.Errorf("owners (-want +got)\n%s", diff)
	}
}
