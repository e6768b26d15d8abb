package workload

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/serinhq/serin/rollout"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// shop is a Service as an API server returns it.
func shop() *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "test",
			Labels: map[string]string{"team": "a"}, Annotations: map[string]string{"team": "a", "external-dns/hostname": "shop.example.com"}},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeNodePort, ClusterIP: "10.0.0.1", ClusterIPs: []string{"10.0.0.1"}, Selector: map[string]string{"app": "shop"},
			IPFamilies: []corev1.IPFamily{corev1.IPv4Protocol}, IPFamilyPolicy: new(corev1.IPFamilyPolicySingleStack), HealthCheckNodePort: 30001,
			ExternalIPs: []string{"192.0.2.1"}, LoadBalancerIP: "192.0.2.2",
			Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(8080), Protocol: corev1.ProtocolTCP, NodePort: 30000}},
		},
	}
}

func TestFrontRevisionIsMeaning(t *testing.T) {
	base := Front{Target: shop()}.Revision()
	for _, tc := range []struct {
		name   string
		change func(*corev1.Service)
		same   bool
	}{
		{"allotted", func(s *corev1.Service) {
			s.Spec.ClusterIP, s.Spec.ClusterIPs, s.Spec.IPFamilies, s.Spec.IPFamilyPolicy = "10.0.0.2", nil, nil, nil
			s.Spec.HealthCheckNodePort, s.Spec.Ports[0].NodePort = 0, 30009
		}, true},
		{"metadata", func(s *corev1.Service) { s.Labels, s.Annotations = nil, nil }, true},
		{"the selector", func(s *corev1.Service) { s.Spec.Selector = map[string]string{"app": "other"} }, false},
		{"a port", func(s *corev1.Service) { s.Spec.Ports[0].TargetPort = intstr.FromString("http") }, false},
		{"headless", func(s *corev1.Service) { s.Spec.ClusterIP = corev1.ClusterIPNone }, false},
	} {
		s := shop()
		tc.change(s)
		if got := (Front{Target: s}).Revision(); (got == base) != tc.same || !current(got) {
			t.Errorf("%s: %s and %s, same should be %t", tc.name, base, got, tc.same)
		}
	}
}

func TestFrontCopy(t *testing.T) {
	f := Front{Owner: Owner{Name: "shop", UID: "uid"}, Target: shop(), Include: []string{"team"}}
	before := f.Target.DeepCopy()
	primary, err := f.Copy(rollout.OnPrimary)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"type": "NodePort", "selector": map[string]any{"app": "shop"},
		"ports": []any{map[string]any{"name": "http", "port": int64(80), "protocol": "TCP", "targetPort": int64(8080)}},
	}
	if diff := cmp.Diff(want, primary.Object["spec"]); diff != "" {
		t.Errorf("the spec, -want +got\n%s", diff)
	}
	notes := map[string]string{"team": "a", RevisionAnnotation: string(f.Revision())}
	if diff := cmp.Diff(notes, primary.GetAnnotations()); diff != "" {
		t.Errorf("annotations: DNS must not find the copy, -want +got\n%s", diff)
	}
	if primary.GetName() != "shop-primary" || len(primary.GetOwnerReferences()) != 1 || primary.GetLabels()["team"] != "a" {
		t.Errorf("the primary is %v", primary.Object["metadata"])
	}
	canary, err := f.Copy(rollout.OnCanary)
	if err != nil || canary.GetName() != "shop-canary" || canary.GetAnnotations()[RevisionAnnotation] != "" {
		t.Errorf("the canary is %v, %v", canary.Object, err)
	}
	if diff := cmp.Diff(before, f.Target); diff != "" {
		t.Errorf("the target was changed\n%s", diff)
	}
}

// TestFrontCopyOfALiveOne: the owner stays with a promotion, a user's Service is
// not claimed, and another Canary's not touched.
func TestFrontCopyOfALiveOne(t *testing.T) {
	f := Front{Owner: Owner{Name: "shop", UID: "uid"}, Target: shop(), Primary: shop()}
	f.Target.Spec.ClusterIP = corev1.ClusterIPNone
	f.Primary.OwnerReferences = f.Owner.References()
	object, err := f.Copy(rollout.OnPrimary)
	if err != nil || len(object.GetOwnerReferences()) != 1 {
		t.Errorf("promoted: %v, %v", object.GetOwnerReferences(), err)
	}
	if spec := object.Object["spec"].(map[string]any); spec["clusterIP"] != nil {
		t.Error("a copy that has an address is to become headless, which the API server refuses")
	}
	f.Primary.OwnerReferences = nil
	if object, err = f.Copy(rollout.OnPrimary); err != nil || len(object.GetOwnerReferences()) != 0 {
		t.Errorf("a user's: %v, %v", object.GetOwnerReferences(), err)
	}
	f.Primary.OwnerReferences = Owner{Name: "other", UID: "x"}.References()
	if _, err = f.Copy(rollout.OnPrimary); err == nil || !strings.Contains(err.Error(), "render Service test/shop-primary: it is controlled by Canary other") {
		t.Errorf("another Canary's: %v", err)
	}
}

func TestFrontCopied(t *testing.T) {
	f := Front{Target: shop()}
	if got := f.Copied(); got != "" {
		t.Errorf("without a primary: %s", got)
	}
	f.Primary = shop()
	f.Primary.Spec.ClusterIP = "10.0.0.9"
	if got := f.Copied(); got != f.Revision() {
		t.Errorf("made by Flagger from this target: %s", got)
	}
	f.Primary.Annotations = map[string]string{RevisionAnnotation: "s1-noted"}
	if got := f.Copied(); got != "s1-noted" {
		t.Errorf("noted: %s", got)
	}
}
