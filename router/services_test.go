package router

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/serinhq/serin/internal/golden"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

// owned is a live Service controlled by the Canary of that name.
func owned(name string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web", OwnerReferences: workload.Owner{Name: name, UID: "u"}.References()}}
}

// TestServices renders the three Services of a Canary into testdata/services.
func TestServices(t *testing.T) {
	small := minimal()
	small.Selector = workload.Selector{Key: "app.kubernetes.io/name", Value: "shop-web"}
	small.PortName, small.TargetPort, small.Headless = "grpc", intstr.FromString("main"), true

	headless := owned("")
	headless.Spec.ClusterIP = corev1.ClusterIPNone

	unmanaged := full()
	unmanaged.Unmanaged = Keys{Labels: []string{"team", "absent"}, Annotations: []string{"owner", "stranger"}}
	edited := owned("web")
	edited.Labels = map[string]string{"team": "platform", "stranger": "x"}
	edited.Annotations = map[string]string{"owner": "platform", "stranger": "x"}

	users := &corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{
		{Name: "web", Port: 80, Protocol: corev1.ProtocolTCP}, {Name: "admin", Port: 81, Protocol: corev1.ProtocolTCP},
	}}}
	for _, tc := range []struct {
		name, reason string
		service      Service
		live         Live
	}{
		{"new", "nothing exists: metadata, ports found in the pods and the owner are ours", full(), Live{}},
		{"headless", "a named target port, and no cluster IP on creation", small, Live{}},
		{"headless-later", "existing Services keep what they have, an address or none: it cannot change", small, Live{Apex: headless, Primary: owned(""), Canary: owned("")}},
		{"unmanaged", "listed keys keep the live value, unlisted ones are ours", unmanaged, Live{Apex: edited}},
		{"users", "a Service of the user keeps its metadata, type and other ports, and gets no owner", full(), Live{Apex: users}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			apex, err := Apex(tc.service, tc.live)
			if err != nil {
				t.Fatal(err)
			}
			primary, canary, err := Services(tc.service, tc.live)
			if err != nil {
				t.Fatal(err)
			}
			for _, object := range []Object{apex, primary, canary} {
				complete(t, object.Object, object.GetName())
				strict(t, object, new(corev1.Service))
			}
			golden.Equal(t, filepath.Join("testdata/services", tc.name+".yaml"), document(t, tc.reason, []Object{apex, primary, canary}))
		})
	}
}

// strict decodes an object into its Go type and fails on unknown fields.
func strict(t *testing.T, object Object, into any) {
	t.Helper()
	text, err := yaml.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		t.Error(err)
	}
}

// TestServicesOfOthers: a Service that cannot become one of the three is refused
// with its name, and nothing is taken from it.
func TestServicesOfOthers(t *testing.T) {
	clash := &corev1.Service{Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 8080, Protocol: corev1.ProtocolTCP}}}}
	udp := &corev1.Service{Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 80, Protocol: corev1.ProtocolUDP}}}}
	apex := func(live Live) error { _, err := Apex(full(), live); return err }
	sides := func(live Live) error { _, _, err := Services(full(), live); return err }
	for _, tc := range []struct {
		name   string
		live   Live
		render func(Live) error
		want   string
	}{
		{"the apex of another Canary", Live{Apex: owned("shop")}, apex, "render Service shop/web: it is controlled by Canary shop: choose another spec.service.name"},
		{"the primary of another Canary", Live{Primary: owned("shop")}, sides, "render Service shop/web-primary: it is controlled by Canary shop"},
		{"the canary of another Canary", Live{Canary: owned("shop")}, sides, "render Service shop/web-canary: it is controlled by Canary shop"},
		{"a port name taken by the user", Live{Apex: clash}, apex,
			`render Service shop/web: its port 8080 is named "http" already, as port 80 of the Canary: set spec.service.port to 8080, spec.service.portName to another name, or rename the port`},
		{"a port name taken by another protocol", Live{Apex: udp}, apex, `its port 80 is named "http" already`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.render(tc.live); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestPorts(t *testing.T) {
	port := func(name string, number int32, protocol corev1.Protocol) corev1.ContainerPort {
		return corev1.ContainerPort{Name: name, ContainerPort: number, Protocol: protocol}
	}
	app := func(ports ...corev1.ContainerPort) corev1.Container {
		return corev1.Container{Name: "app", Ports: ports}
	}
	long := strings.Repeat("c", 63)
	for _, tc := range []struct {
		name       string
		target     intstr.IntOrString
		containers []corev1.Container
		want       []Port
	}{
		{"no ports", intstr.IntOrString{}, []corev1.Container{app()}, nil},
		{"the main port by its number", intstr.IntOrString{}, []corev1.Container{app(port("web", 80, ""), port("metrics", 9090, ""))}, []Port{{"metrics", 9090, "TCP"}}},
		{"the main port by the number of its target", intstr.FromInt32(8080), []corev1.Container{app(port("web", 8080, "TCP"), port("metrics", 9090, "TCP"))}, []Port{{"metrics", 9090, "TCP"}}},
		{"the main port by the name of its target", intstr.FromString("web"), []corev1.Container{app(port("web", 8080, ""), port("metrics", 9090, ""))}, []Port{{"metrics", 9090, "TCP"}}},
		{"a target of another number also listens on the port of the Service", intstr.FromInt32(8080), []corev1.Container{app(port("web", 8080, ""), port("plain", 80, ""))}, nil},
		{"proxies of a mesh are left out", intstr.IntOrString{}, []corev1.Container{
			{Name: "istio-proxy", Ports: []corev1.ContainerPort{port("a", 1, "")}}, {Name: "envoy", Ports: []corev1.ContainerPort{port("b", 2, "")}},
			{Name: "linkerd-proxy", Ports: []corev1.ContainerPort{port("c", 3, "")}}}, []Port{{"c", 3, "TCP"}}},
		{"a protocol stays", intstr.IntOrString{}, []corev1.Container{app(port("dns", 53, "UDP"), port("dns-tcp", 53, "TCP"), port("", 54, "SCTP"))},
			[]Port{{"dns", 53, "UDP"}, {"dns-tcp", 53, "TCP"}, {"sctp-app-2", 54, "SCTP"}}},
		{"the main number under another protocol is another port", intstr.IntOrString{}, []corev1.Container{app(port("quic", 80, "UDP"))}, []Port{{"quic", 80, "UDP"}}},
		{"ports without name are named by their place", intstr.IntOrString{}, []corev1.Container{app(port("", 80, ""), port("", 81, ""))}, []Port{{"tcp-app-1", 81, "TCP"}}},
		{"a name used twice", intstr.IntOrString{}, []corev1.Container{app(port("a", 1, "")), {Name: "b", Ports: []corev1.ContainerPort{port("a", 2, "")}}},
			[]Port{{"a", 1, "TCP"}, {"tcp-b-0", 2, "TCP"}}},
		{"the name of the main port", intstr.IntOrString{}, []corev1.Container{app(port("http", 81, ""))}, []Port{{"tcp-app-0", 81, "TCP"}}},
		{"a number used twice", intstr.IntOrString{}, []corev1.Container{app(port("a", 1, "")), {Name: "b", Ports: []corev1.ContainerPort{port("b", 1, "")}}}, []Port{{"a", 1, "TCP"}}},
		{"even the name by place is taken", intstr.IntOrString{}, []corev1.Container{app(port("tcp-app-1", 1, ""), port("", 2, ""))}, []Port{{"tcp-app-1", 1, "TCP"}}},
		{"names fit into 63 characters", intstr.IntOrString{}, []corev1.Container{{Name: long, Ports: []corev1.ContainerPort{port("", 1, "")}}}, []Port{{"tcp-" + long[:57] + "-0", 1, "TCP"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := minimal()
			s.TargetPort = tc.target
			got := Ports(corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: tc.containers}}, s)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// FuzzPorts: whatever pods declare, no Service has a number or a name twice.
func FuzzPorts(f *testing.F) {
	f.Add("http", int32(80), "TCP", "", int32(80), "UDP", "tcp-a-1", int32(81))
	f.Fuzz(func(t *testing.T, name1 string, port1 int32, protocol1, name2 string, port2 int32, protocol2, name3 string, port3 int32) {
		s := minimal()
		s.Ports = Ports(corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{
			{Name: "a", Ports: []corev1.ContainerPort{{Name: name1, ContainerPort: port1, Protocol: corev1.Protocol(protocol1)}, {Name: name2, ContainerPort: port2, Protocol: corev1.Protocol(protocol2)}}},
			{Name: "b", Ports: []corev1.ContainerPort{{Name: name3, ContainerPort: port3}}},
		}}}, s)
		seen := map[string]bool{}
		for _, p := range s.servicePorts() {
			number := fmt.Sprint("number ", p.Port, p.Protocol)
			if seen["name "+p.Name] || seen[number] {
				t.Errorf("%q or %s is there twice: %v", p.Name, number, s.servicePorts())
			}
			seen["name "+p.Name], seen[number] = true, true
		}
	})
}

// A target that is a Service has no label that selects pods: nothing is marked with it.
func TestNothingIsMarkedWithoutASelector(t *testing.T) {
	for name, provider := range Providers {
		service := fixtureOf(name).full()
		service.Selector = workload.Selector{}
		objects, err := provider.Render(service, rollout.Split(0))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, object := range objects {
			if text := string(document(t, name, []Object{object})); strings.Contains(text, `"":`) {
				t.Errorf("%s: a key of %s %s is empty:\n%s", name, object.GetKind(), object.GetName(), text)
			}
		}
	}
}
