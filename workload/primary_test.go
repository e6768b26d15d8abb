package workload

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/serinhq/serin/internal/golden"
	"github.com/serinhq/serin/rollout"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// flaggerMade is a primary of target as Flagger leaves it: a random id, no note
// of the revision, and affinity rewritten by the name of the Deployment only.
func flaggerMade(t *testing.T, target *appsv1.Deployment) *appsv1.Deployment {
	t.Helper()
	object, err := Primary(pods(t, target), options())
	if err != nil {
		t.Fatal(err)
	}
	live := applied(t, object)
	delete(live.Annotations, RevisionAnnotation)
	live.Spec.Template = twin(pods(t, target), options(), rewriteName)
	live.Spec.Template.Annotations[flaggerID] = "a-random-id"
	return live
}

// TestPrimary renders the twin through a life: made, kept, promoted, adopted.
// The golden files are whole objects: what is not in them is not ours.
func TestPrimary(t *testing.T) {
	target := web(t)
	next := web(t)
	next.Spec.Replicas = new(int32(7))
	next.Spec.Template.Spec.Containers[0].Image = "registry.example.com/web:1.0.2"
	created, err := Primary(pods(t, target), options())
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, reason string
		target       *appsv1.Deployment
		change       func(o *Options)
	}{
		{"created", "all annotations but those of tools, no labels but the selector's, affinity among primaries", target, func(*Options) {}},
		{"promoted", "a new id and image, the target's replicas, and only metadata that the flags include", next, func(o *Options) {
			o.Live = pods(t, applied(t, created))
			o.Include = []string{"team"}
		}},
		{"adopted", "Flagger's pods are not restarted: id and affinity stay, only the note of the revision is new", target, func(o *Options) {
			o.Live = pods(t, flaggerMade(t, target))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := options()
			tc.change(&o)
			object, err := Primary(pods(t, tc.target), o)
			if err != nil {
				t.Fatal(err)
			}
			golden.Equal(t, filepath.Join("testdata/primary", tc.name+".yaml"), document(t, tc.reason, object))
			o.Live = pods(t, applied(t, object))
			again, err := Primary(pods(t, tc.target), o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(object.Object, again.Object); diff != "" {
				t.Errorf("applied and rendered again, it changed (-first +again)\n%s", diff)
			}
		})
	}
}

// TestPrimaryAdoptsWithoutRestart compares pod templates, not golden files: any
// difference here restarts the pods of everybody who upgrades.
func TestPrimaryAdoptsWithoutRestart(t *testing.T) {
	target := web(t)
	live := flaggerMade(t, target)
	o := options()
	o.Live = pods(t, live)
	object, err := Primary(pods(t, target), o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(live.Spec, applied(t, object).Spec); diff != "" {
		t.Errorf("adopting changed the primary (-live +applied)\n%s", diff)
	}
	live.Annotations[RevisionAnnotation] = string(Revision(target.Spec.Template))
	o.Live = pods(t, live)
	object, err = Primary(pods(t, target), o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(live.Spec, applied(t, object).Spec); diff != "" {
		t.Errorf("the second look changed the primary (-live +applied)\n%s", diff)
	}
}

func TestCopied(t *testing.T) {
	target := web(t)
	revision := Revision(target.Spec.Template)
	next := web(t)
	next.Spec.Template.Spec.Containers[0].Image = "registry.example.com/web:1.0.2"
	for _, tc := range []struct {
		name   string
		target *appsv1.Deployment
		change func(live *appsv1.Deployment)
		want   rollout.Revision
	}{
		{"no primary", target, nil, ""},
		{"noted", next, func(live *appsv1.Deployment) { live.Annotations[RevisionAnnotation] = string(revision) }, revision},
		{"made by Flagger from this target", target, func(*appsv1.Deployment) {}, revision},
		{"restarted by hand since", target, func(live *appsv1.Deployment) { live.Spec.Template.Annotations[restartedAt] = "2026-01-01" }, revision},
		{"its affinity already in our form", target, func(live *appsv1.Deployment) { live.Spec.Template = twin(pods(t, target), options(), rewriteBoth) }, revision},
		{"noted by another version of the rule", target, func(live *appsv1.Deployment) { live.Annotations[RevisionAnnotation] = "s2-00" }, revision},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := options()
			if tc.change != nil {
				live := flaggerMade(t, target)
				tc.change(live)
				o.Live = pods(t, live)
			}
			if got := Copied(pods(t, tc.target), o); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	t.Run("made by Flagger from an older target", func(t *testing.T) {
		o := options()
		o.Live = pods(t, flaggerMade(t, target))
		if got := Copied(pods(t, next), o); got == "" || got == Revision(next.Spec.Template) {
			t.Errorf("got %q: a primary of another release passes for a copy of this one", got)
		}
	})
}

func TestPrimaryReplicas(t *testing.T) {
	for _, tc := range []struct {
		name            string
		target, primary *int32 // primary nil for none
		exists, scaled  bool
		want            int64
	}{
		{"a new primary is as large as its target", new(int32(3)), nil, false, false, 3},
		{"a new primary of a parked target has one pod", new(int32(0)), nil, false, false, 1},
		{"nothing asked is one", nil, nil, false, true, 1},
		{"a promotion resizes", new(int32(5)), new(int32(3)), true, false, 5},
		{"a parked target says nothing", new(int32(0)), new(int32(3)), true, false, 3},
		{"an autoscaler is left alone", new(int32(1)), new(int32(9)), true, true, 9},
	} {
		t.Run(tc.name, func(t *testing.T) {
			target, o := web(t), options()
			target.Spec.Replicas, o.Autoscaled = tc.target, tc.scaled
			if tc.exists {
				live := flaggerMade(t, target)
				live.Spec.Replicas = tc.primary
				o.Live = pods(t, live)
			}
			object, err := Primary(pods(t, target), o)
			if err != nil {
				t.Fatal(err)
			}
			if got := object.Object["spec"].(map[string]any)["replicas"]; got != tc.want {
				t.Errorf("got %v, want %d", got, tc.want)
			}
		})
	}
}

func TestPrimaryRefuses(t *testing.T) {
	owned := flaggerMade(t, web(t))
	owned.OwnerReferences = Owner{Name: "shop", UID: "x"}.References()
	other := flaggerMade(t, web(t))
	other.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web-primary"}}
	twice := func(add func(spec *corev1.PodSpec)) *appsv1.Deployment {
		d := web(t)
		add(&d.Spec.Template.Spec)
		add(&d.Spec.Template.Spec)
		return d
	}
	for _, tc := range []struct {
		name   string
		target *appsv1.Deployment
		want   string
	}{
		{"env", twice(func(s *corev1.PodSpec) {
			s.Containers[1].Env = append(s.Containers[1].Env, corev1.EnvVar{Name: "LEVEL"})
		}), "lists LEVEL twice in the env of container side: remove one"},
		{"ports", twice(func(s *corev1.PodSpec) {
			s.Containers[1].Ports = append(s.Containers[1].Ports, corev1.ContainerPort{ContainerPort: 8080, Protocol: "TCP"})
		}), "lists 8080/TCP twice in the ports of container side"},
		{"image pull secrets", twice(func(s *corev1.PodSpec) {
			s.ImagePullSecrets = append(s.ImagePullSecrets, corev1.LocalObjectReference{Name: "pull"})
		}), "lists pull twice in imagePullSecrets"},
		{"host aliases", twice(func(s *corev1.PodSpec) {
			s.HostAliases = append(s.HostAliases, corev1.HostAlias{IP: "10.0.0.1"})
		}), "lists 10.0.0.1 twice in hostAliases"},
	} {
		t.Run("an entry twice in "+tc.name, func(t *testing.T) {
			if _, err := Primary(pods(t, tc.target), options()); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
	for _, tc := range []struct {
		name   string
		change func(o *Options)
		want   string
	}{
		{"no selector", func(o *Options) { o.Selector = Selector{} }, "render Deployment shop/web-primary: no selector label"},
		{"another Canary's primary", func(o *Options) { o.Live = pods(t, owned) }, "render Deployment shop/web-primary: it is controlled by Canary shop: two Canaries cannot have one target"},
		{"a primary of other pods", func(o *Options) { o.Live = pods(t, other) }, "it selects its pods by app=web-primary instead of app=shop-web-primary, which cannot be changed: delete it"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := options()
			tc.change(&o)
			if _, err := Primary(pods(t, web(t)), o); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

// TestPrimaryKeepsForeignOwners: a primary that the user made is used and not
// claimed; claiming it would delete it together with the Canary.
func TestPrimaryKeepsForeignOwners(t *testing.T) {
	o := options()
	o.Live = pods(t, flaggerMade(t, web(t)))
	o.Live.OwnerReferences = nil
	object, err := Primary(pods(t, web(t)), o)
	if err != nil {
		t.Fatal(err)
	}
	if refs := object.GetOwnerReferences(); len(refs) > 0 {
		t.Errorf("claimed: %v", refs)
	}
}

// TestPrimaryReadsOnly: target and primary come from a shared cache.
func TestPrimaryReadsOnly(t *testing.T) {
	target, o := web(t), options()
	made := flaggerMade(t, target)
	o.Live = pods(t, made)
	before, live := target.DeepCopy(), made.DeepCopy()
	if _, err := Primary(pods(t, target), o); err != nil {
		t.Fatal(err)
	}
	Copied(pods(t, target), o)
	if diff := cmp.Diff(before, target); diff != "" {
		t.Errorf("the target was changed\n%s", diff)
	}
	if diff := cmp.Diff(live, made); diff != "" {
		t.Errorf("the primary was changed\n%s", diff)
	}
}

// TestAffinityIsRewritten: the primary keeps away from its own pods. Only keys
// of the flag are pod labels that tell the sides apart.
func TestAffinityIsRewritten(t *testing.T) {
	for _, tc := range []struct{ key, value, ours, flaggers string }{
		{"app", "shop-web", "shop-web-primary", "shop-web"},
		{"app", "web", "web-primary", "web-primary"},
		{"name", "web", "web-primary", "web-primary"},
		{"name", "shop-web", "shop-web", "shop-web"}, // the primary's pods keep this label
		{"team", "web", "web", "web"},
		{"app", "other", "other", "other"},
	} {
		for want, rewrite := range map[string]rewriting{"ours " + tc.ours: rewriteBoth, "flagger's " + tc.flaggers: rewriteName} {
			d := web(t)
			selector := &metav1.LabelSelector{
				MatchLabels:      map[string]string{tc.key: tc.value},
				MatchExpressions: []metav1.LabelSelectorRequirement{{Key: tc.key, Operator: metav1.LabelSelectorOpIn, Values: []string{tc.value}}},
			}
			d.Spec.Template.Spec.TopologySpreadConstraints[0].LabelSelector = selector
			got := twin(pods(t, d), options(), rewrite).Spec.TopologySpreadConstraints[0].LabelSelector
			if !strings.HasSuffix(want, " "+got.MatchLabels[tc.key]) || got.MatchExpressions[0].Values[0] != got.MatchLabels[tc.key] {
				t.Errorf("%s=%s became %v and %v, want %s", tc.key, tc.value, got.MatchLabels, got.MatchExpressions, want)
			}
		}
	}
}

// TestIncluded is about -include-label-prefix.
func TestIncluded(t *testing.T) {
	for _, tc := range []struct {
		key      string
		prefixes []string
		want     bool
	}{
		{"team", nil, false}, {"team", []string{""}, false}, {"team", []string{"*"}, true},
		{"team", []string{"app", "te"}, true}, {"team", []string{"teams"}, false},
	} {
		if got := included(tc.key, tc.prefixes); got != tc.want {
			t.Errorf("%s by %v: %v", tc.key, tc.prefixes, got)
		}
	}
}

func TestClaim(t *testing.T) {
	mine := Owner{Name: "web", UID: "1"}
	reference := func(version, kind, name string) *appsv1.Deployment {
		return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{APIVersion: version, Kind: kind, Name: name, Controller: new(true)}}}}
	}
	shared := reference("flagger.app/v1beta1", "Canary", "web")
	shared.OwnerReferences[0].Controller = nil
	for _, tc := range []struct {
		name string
		live *appsv1.Deployment
		want Claim
	}{
		{"nobody's", &appsv1.Deployment{}, Unclaimed},
		{"ours", reference("flagger.app/v1beta1", "Canary", "web"), Ours},
		{"ours, by an older version of the API", reference("flagger.app/v1alpha3", "Canary", "web"), Ours},
		{"another Canary's", reference("flagger.app/v1beta1", "Canary", "shop"), Theirs},
		{"another kind of controller's", reference("apps/v1", "Deployment", "web"), Unclaimed},
		{"a Canary of another group's", reference("example.com/v1", "Canary", "shop"), Unclaimed},
		{"an owner that does not control", shared, Unclaimed},
	} {
		if got := mine.Claim(tc.live); got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.name, got, tc.want)
		}
	}
}

func document(t *testing.T, reason string, object Object) []byte {
	t.Helper()
	var text bytes.Buffer
	fmt.Fprintf(&text, "# %s\n", reason)
	fields, err := yaml.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	text.Write(fields)
	return text.Bytes()
}
