package integration

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
)

// configured is a workload that reads one ConfigMap and one Secret, and a
// ConfigMap that opted out.
const configured = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: podinfo}
spec:
  progressDeadlineSeconds: 20
  selector: {matchLabels: {app: podinfo}}
  template:
    metadata: {labels: {app: podinfo}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: app
        image: app:1
        ports: [{name: http, containerPort: 9898}]
        env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: login, key: password}}}]
        envFrom: [{configMapRef: {name: shared}}, {configMapRef: {name: absent, optional: true}}]
        volumeMounts: [{name: settings, mountPath: /settings}]
      volumes: [{name: settings, configMap: {name: settings}}]
`

// configure applies the ConfigMap and the Secret of the workload.
func (w *world) configure(color, password string) {
	w.t.Helper()
	for _, text := range []string{
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {color: " + color + "}, binaryData: {logo: AAEC/w==}}",
		"{apiVersion: v1, kind: Secret, metadata: {name: login}, stringData: {password: " + password + "}}",
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: shared, annotations: {flagger.app/config-tracking: disabled}}, data: {color: " + color + "}}",
	} {
		w.must(apply(w.ctx, plane.client, w.parse(text)))
	}
}

// beginConfigured starts with a primary that runs blue and one.
func (w *world) beginConfigured() {
	w.t.Helper()
	w.operate()
	w.configure("blue", "one")
	w.must(apply(w.ctx, plane.client, w.parse(configured)))
	w.canary(weighted)
	w.phase("Initialized")
}

// running is what the pod template of a Deployment refers to.
func (w *world) running(name string) (settings, login, shared string) {
	w.t.Helper()
	spec := w.deployment(name).Spec.Template.Spec
	app := spec.Containers[0]
	return spec.Volumes[0].ConfigMap.Name, app.Env[0].ValueFrom.SecretKeyRef.Name, app.EnvFrom[0].ConfigMapRef.Name
}

// content of what the primary refers to.
func (w *world) content() (color string, logo []byte, password string) {
	w.t.Helper()
	settings, login, _ := w.running("podinfo-primary")
	var config corev1.ConfigMap
	w.must(plane.client.Get(w.ctx, types.NamespacedName{Namespace: w.namespace, Name: settings}, &config))
	var secret corev1.Secret
	w.must(plane.client.Get(w.ctx, types.NamespacedName{Namespace: w.namespace, Name: login}, &secret))
	return config.Data["color"], config.BinaryData["logo"], string(secret.Data["password"])
}

// expect fails unless the primary runs this configuration.
func (w *world) expect(color, password string) {
	w.t.Helper()
	gotColor, logo, gotPassword := w.content()
	if gotColor != color || gotPassword != password {
		w.t.Errorf("the primary runs with %s and %s, want %s and %s", gotColor, gotPassword, color, password)
	}
	if diff := cmp.Diff([]byte{0, 1, 2, 0xff}, logo); diff != "" {
		w.t.Errorf("the binary file (-want +got)\n%s", diff)
	}
	if _, _, shared := w.running("podinfo-primary"); shared != "shared" {
		w.t.Errorf("the ConfigMap that opted out became %s", shared)
	}
}

// copies lists the names of all copies in the namespace.
func (w *world) copies() []string {
	w.t.Helper()
	var names []string
	configs := &corev1.ConfigMapList{}
	w.must(plane.client.List(w.ctx, configs, client.InNamespace(w.namespace), client.HasLabels{"serin.dev/config-copy"}))
	for _, c := range configs.Items {
		names = append(names, c.Name)
	}
	secrets := &corev1.SecretList{}
	w.must(plane.client.List(w.ctx, secrets, client.InNamespace(w.namespace), client.HasLabels{"serin.dev/config-copy"}))
	for _, s := range secrets.Items {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return names
}

// deleted waits until an object is gone.
func (w *world) deleted(kind, name string) {
	w.t.Helper()
	key := types.NamespacedName{Namespace: w.namespace, Name: name}
	object := blank(corev1.SchemeGroupVersion.WithKind(kind))
	if err := plane.client.Get(w.ctx, key, object); apierrors.IsNotFound(err) {
		return
	}
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind + "List"))
	watch, err := plane.client.Watch(ctx, list, client.InNamespace(w.namespace),
		&client.ListOptions{Raw: &metav1.ListOptions{FieldSelector: "metadata.name=" + name, ResourceVersion: object.GetResourceVersion()}})
	w.must(err)
	defer watch.Stop()
	for event := range watch.ResultChan() {
		if event.Type == "DELETED" {
			return
		}
	}
	w.t.Errorf("%s %s is still there: %v", kind, name, w.copies())
}

func TestConfigChangesAreReleasedLikeImages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ color, password, event, gone, kind string }{
		"ConfigMap": {"green", "one", "configmap settings has changed", "settings-primary-", "ConfigMap"},
		"Secret":    {"blue", "two", "secret login has changed", "login-primary-", "Secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.beginConfigured()
			w.expect("blue", "one")
			status, before := w.status().Status, w.copies()
			if len(status.TrackedConfigs) != 2 || len(status.Rollout.Configs) != 2 || len(before) != 2 {
				t.Errorf("tracked %v at %v, copies %v", status.TrackedConfigs, status.Rollout.Configs, before)
			}
			if target, _, _ := w.running("podinfo"); target != "settings" {
				t.Errorf("the user's own Deployment refers to %s", target)
			}

			w.metrics.set(50, 20)
			w.configure(c.color, c.password)
			w.phase("Failed")
			w.expect("blue", "one")
			if diff := cmp.Diff(before, w.copies()); diff != "" {
				t.Errorf("a release that was undone changed the copies (-before +after)\n%s", diff)
			}

			w.metrics.set(100, 20)
			w.configure("blue", "one") // back on good ground
			w.until("the promoted revision", func(c *v1beta1.Canary) bool {
				return c.Status.LastAppliedSpec == c.Status.LastPromotedSpec
			})
			w.configure(c.color, c.password)
			w.phase("Succeeded")
			w.expect(c.color, c.password)
			i := slices.IndexFunc(before, func(n string) bool { return strings.HasPrefix(n, c.gone) })
			w.deleted(c.kind, before[i])
			if after := w.copies(); len(after) != 2 {
				t.Errorf("copies at the end: %v", after)
			}
			events := strings.Join(w.events(), "\n")
			for _, want := range []string{c.event, "New revision detected! Scaling up podinfo.NS", c.kind + " " + c.gone} {
				if !strings.Contains(events, want) {
					t.Errorf("no event %q in\n%s", want, events)
				}
			}
			if strings.Contains(w.log.String(), "password=") || strings.Contains(w.log.String(), "green") {
				t.Error("content of the configuration is in the log")
			}
		})
	}
}

// Old copies stay until the primary runs without them, and one that somebody
// deletes comes back.
func TestCopiesUnderRunningPodsStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.beginConfigured()
	before := w.copies()
	key := types.NamespacedName{Namespace: w.namespace, Name: before[1]}
	var config corev1.ConfigMap
	w.must(plane.client.Get(w.ctx, key, &config))
	gone := config.UID
	w.must(plane.client.Delete(w.ctx, &config))
	kind := corev1.SchemeGroupVersion.WithKind("ConfigMap")
	w.must(follow(w.ctx, plane.client, blank(kind), w.namespace, before[1], func(u *unstructured.Unstructured) bool { return u.GetUID() != gone }))
	w.expect("blue", "one")

	gate := weighted + "webhooks:\n- {name: gate, type: confirm-promotion, url: " + w.hooks.URL + "/gate}\n"
	w.hooks.refuse("gate", true)
	w.canary(gate)
	w.configure("green", "two")
	w.until("the promotion to wait for approval", func(c *v1beta1.Canary) bool { return c.Status.Phase == "WaitingPromotion" })
	w.expect("blue", "one")
	if diff := cmp.Diff(before, w.copies()); diff != "" {
		t.Errorf("before the promotion the copies changed (-before +after)\n%s", diff)
	}
	w.hooks.refuse("gate", false)
	w.phase("Succeeded")
	w.expect("green", "two")
	w.deleted("Secret", before[0])
	w.deleted("ConfigMap", before[1])
}

// A ConfigMap that pods need and that is not there yet holds the beginning, with
// a note, and its arrival wakes the Canary.
func TestMissingConfigHoldsAndIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate()
	w.must(apply(w.ctx, plane.client, w.parse(configured)))
	w.canary(weighted)
	const note = "configmap settings.NS not found, and the pods of podinfo.NS do not start without it: create it, or make the reference optional"
	w.told(note)
	w.configure("blue", "one")
	w.phase("Initialized")
	w.expect("blue", "one")
}

// told waits for an event of the Canary.
func (w *world) told(text string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	for ctx.Err() == nil {
		watch, err := plane.client.Watch(ctx, &corev1.EventList{}, client.InNamespace(w.namespace))
		w.must(err)
		for event := range watch.ResultChan() {
			if e, ok := event.Object.(*corev1.Event); ok && strings.ReplaceAll(e.Message, w.namespace, "NS") == text {
				watch.Stop()
				return
			}
		}
	}
	w.t.Fatalf("no event %q in\n%s", text, strings.Join(w.events(), "\n"))
}

// A primary that Flagger made keeps its pods and its copies until the next promotion.
func TestPrimaryOfFlaggerIsAdoptedWithItsConfigs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure("blue", "one")
	w.must(apply(w.ctx, plane.client, w.parse(configured)))
	primary := w.parse(strings.NewReplacer("podinfo", "podinfo-primary", "name: settings}", "name: settings-primary}",
		"name: login", "name: login-primary").Replace(configured))
	w.must(unstructured.SetNestedField(primary.Object, "an-id", "spec", "template", "metadata", "annotations", "flagger-id"))
	for _, text := range []string{
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: settings-primary}, data: {color: blue}, binaryData: {logo: AAEC/w==}}",
		"{apiVersion: v1, kind: Secret, metadata: {name: login-primary}, stringData: {password: one}}",
	} {
		w.must(apply(w.ctx, plane.client, w.parse(text)))
	}
	w.must(apply(w.ctx, plane.client, primary))
	before := w.deployment("podinfo-primary").Generation
	w.operate()
	w.canary(weighted)
	w.phase("Initialized")
	if after := w.deployment("podinfo-primary"); after.Spec.Template.Annotations["flagger-id"] != "an-id" || len(w.copies()) != 0 {
		t.Errorf("adopting restarted the pods: generation %d to %d, %v, copies %v", before, after.Generation, after.Spec.Template.Annotations, w.copies())
	}
	w.expect("blue", "one")
	w.configure("green", "one")
	w.phase("Succeeded")
	w.expect("green", "one")
	if len(w.copies()) != 2 {
		t.Errorf("after the promotion there are the copies %v", w.copies())
	}
}

// Configuration costs no request while it does not change, nor does a restart:
// status remembers at which versions it was read.
func TestIdleConfigsCostNoRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.beginConfigured()
	w.configure("green", "two")
	w.phase("Succeeded")
	w.stop()
	from := time.Now()
	w.operate()
	annotate := func(value string) {
		w.must(plane.client.Patch(w.ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "settings"}},
			client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"`+value+`"}}}`))))
	}
	const settle = 20 * time.Second
	w.wait(settle)
	if reads := contents(t, w, from); len(reads) > 0 {
		t.Errorf("the restart read configuration that had not changed:\n%s", strings.Join(reads, "\n"))
	}
	from = time.Now()
	annotate("1") // another resourceVersion, the same content
	w.wait(settle)
	if requests := audited(t, w.agent, from); len(requests) != 1 || !strings.Contains(requests[0], "/configmaps/settings") {
		t.Errorf("a label on a ConfigMap should cost one read and cost:\n%s", strings.Join(requests, "\n"))
	}
	from = time.Now()
	w.wait(settle)
	if requests := audited(t, w.agent, from); len(requests) > 0 {
		t.Errorf("with nothing to do the operator asked:\n%s", strings.Join(requests, "\n"))
	}
}

// wait lets time pass: what does not happen cannot be waited for.
func (w *world) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-w.ctx.Done():
	}
}

// contents are the reads of single ConfigMaps and Secrets.
func contents(t *testing.T, w *world, from time.Time) []string {
	t.Helper()
	return slices.DeleteFunc(audited(t, w.agent, from), func(line string) bool {
		one := strings.Contains(line, "/configmaps/") || strings.Contains(line, "/secrets/")
		return !one || !strings.Contains(line, " get ")
	})
}
