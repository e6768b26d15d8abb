package controller

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
)

func TestConsumers(t *testing.T) {
	var index consumers
	web := types.NamespacedName{Namespace: "shop", Name: "web"}
	api := types.NamespacedName{Namespace: "shop", Name: "api"}
	settings, logins := workload.Ref{Kind: "ConfigMap", Name: "settings"}, workload.Ref{Kind: "Secret", Name: "logins"}
	index.set(web, []workload.Ref{settings, logins})
	index.set(api, []workload.Ref{settings})
	woken := func(kind, namespace, name string, owners ...metav1.OwnerReference) []string {
		object := metadataOf(kind)
		object.Namespace, object.Name, object.OwnerReferences = namespace, name, owners
		var names []string
		for _, request := range index.wakes(kind, client.Object(object)) {
			names = append(names, request.String())
		}
		slices.Sort(names)
		return names
	}
	check := func(reason string, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: woke %q, want %q", reason, got, want)
		}
	}
	check("both use it", woken("ConfigMap", "shop", "settings"), "shop/api", "shop/web")
	check("one uses it", woken("Secret", "shop", "logins"), "shop/web")
	check("another kind", woken("Secret", "shop", "settings"))
	check("another namespace", woken("ConfigMap", "test", "settings"))
	check("a copy", woken("ConfigMap", "shop", "a-copy", workload.Owner{Name: "web", UID: "1"}.References()...), "shop/web")
	check("somebody else's", woken("ConfigMap", "shop", "a-copy", metav1.OwnerReference{APIVersion: "v1", Kind: "Canary", Name: "web"}))
	index.set(web, []workload.Ref{logins})
	check("no longer used by one", woken("ConfigMap", "shop", "settings"), "shop/api")
	index.set(web, nil)
	index.set(api, nil)
	if len(index.of)+len(index.uses) != 0 {
		t.Errorf("what is forgotten stays: %v %v", index.of, index.uses)
	}
}

// TestConfigsInStatus: what a revision was made of is written with it, and read
// back by the next process.
func TestConfigsInStatus(t *testing.T) {
	found := configs{
		on: true, all: []workload.Config{{Kind: "ConfigMap", Name: "a", Checksum: "1"}},
		versions: map[string]string{"configmap/a": "7", "secret/token": "8"},
	}
	for _, c := range []struct {
		reason  string
		configs configs
		acted   rollout.Revision
		tracked map[string]string
		known   map[string]knownConfig
	}{
		{"tracked, and one of a foreign type", found, "new", map[string]string{"configmap/a": "1"},
			map[string]knownConfig{"configmap/a": {"7", "1"}, "secret/token": {"8", ""}}},
		{"nothing to track", configs{on: true}, "new", map[string]string{}, map[string]knownConfig{}},
		{"tracking is off", configs{}, "new", nil, map[string]knownConfig{}},
		{"another revision than the one acted on", found, "old", map[string]string{"configmap/a": "0"},
			map[string]knownConfig{"configmap/a": {"6", "0"}}},
	} {
		canary := &v1beta1.Canary{}
		canary.Status.TrackedConfigs = map[string]string{"configmap/a": "0"}
		canary.Status.Rollout = &v1beta1.Rollout{Configs: map[string]string{"configmap/a": "6"}}
		v := &view{canary: canary, configs: c.configs}
		v.seen.Target = "new"
		v.remember(rollout.State{Revision: c.acted})
		if diff := cmp.Diff(c.tracked, canary.Status.TrackedConfigs); diff != "" {
			t.Errorf("%s: status (-want +got)\n%s", c.reason, diff)
		}
		var m memo
		m.recall(&canary.Status)
		if diff := cmp.Diff(c.known, m.configs, cmp.AllowUnexported(knownConfig{})); diff != "" {
			t.Errorf("%s: known (-want +got)\n%s", c.reason, diff)
		}
	}
	var m memo
	m.recall(&v1beta1.CanaryStatus{TrackedConfigs: map[string]string{"configmap/a": "1"}})
	if diff := cmp.Diff(map[string]knownConfig{"configmap/a": {"", "1"}}, m.configs, cmp.AllowUnexported(knownConfig{})); diff != "" {
		t.Errorf("a status of Flagger's says the checksum and not the version (-want +got)\n%s", diff)
	}
}

// TestCopiesAreDroppedAtRest: as long as anything may need them they stay.
func TestCopiesAreDroppedAtRest(t *testing.T) {
	at := func(phase rollout.Phase) rollout.State {
		return rollout.State{Phase: phase, Revision: "new", Promoted: "new"}
	}
	failed := at(rollout.Succeeded)
	failed.Pending = rollout.Draining
	serving := at(rollout.Failed)
	serving.Serving = rollout.OnCanary
	for _, c := range []struct {
		reason string
		state  rollout.State
		copied rollout.Revision
		ready  bool
		want   bool
	}{
		{"at rest", at(rollout.Succeeded), "new", true, true},
		{"after a bad release", at(rollout.Failed), "new", true, true},
		{"the primary still rolls", at(rollout.Succeeded), "new", false, false},
		{"the primary is another one", at(rollout.Succeeded), "old", true, false},
		{"requests still end", failed, "new", true, false},
		{"the canary serves", serving, "new", true, false},
		{"a release is under way", at(rollout.Progressing), "new", true, false},
		{"the primary takes over", at(rollout.Promoting), "new", true, false},
	} {
		v := &view{}
		v.seen.Copied, v.seen.Primary.Ready = c.copied, c.ready
		if got := v.settled(c.state); got != c.want {
			t.Errorf("%s: %v", c.reason, got)
		}
	}
}
