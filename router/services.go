package router

import (
	"fmt"
	"maps"
	"slices"

	"github.com/serinhq/serin/workload"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// optOuts keep GitOps tools from setting generated objects back.
var optOuts = map[string]string{
	"kustomize.toolkit.fluxcd.io/reconcile": "disabled",
	"helm.toolkit.fluxcd.io/driftDetection": "disabled",
}

// OptOuts are the annotations that every generated Service has.
func OptOuts() map[string]any {
	all := map[string]any{}
	for key, value := range optOuts {
		all[key] = value
	}
	return all
}

// Live is what exists already of the three Services, nil where there is none.
// It is read only.
type Live struct {
	Apex, Primary, Canary *corev1.Service
}

// Services renders the Services in front of the two sides.
//
// Type, cluster IP and node ports are not part of them, so an existing Service
// keeps its own; headless takes effect only when a Service is created, because
// the API server does not let it change. A Service that no Canary controls is
// the user's and treated like such an apex, see [Apex].
func Services(s Service, live Live) (primary, canary Object, err error) {
	primary, err = s.service(s.PrimaryName(), s.selecting(s.Selector.Primary()), s.Primary, live.Primary)
	if err != nil {
		return Object{}, Object{}, err
	}
	canary, err = s.service(s.CanaryName(), s.selecting(s.Selector.Value), s.Canary, live.Canary)
	if err != nil {
		return Object{}, Object{}, err
	}
	return primary, canary, nil
}

// Apex renders the Service that users talk to. It selects the primary's pods:
// apply it only once the primary can serve.
//
// A live apex Service that no Canary controls is the user's: only its ports and
// selector are set, and the two annotations that keep GitOps tools from setting
// them back; it gets no owner reference, and its other ports stay. An error says
// that one of those has the name of a port of the Canary, or that another Canary
// controls the Service.
func Apex(s Service, live Live) (Object, error) {
	return s.service(s.Name, s.selecting(s.Selector.Primary()), s.Apex, live.Apex)
}

// LeaveApex renders the apex as it stays when the Canary goes: it selects the
// workload's own pods and has no owner, so that it does not go with it. GitOps
// tools may set it back from then on.
func LeaveApex(s Service, live Live) (Object, error) {
	object, err := s.service(s.Name, s.selecting(s.Selector.Value), s.Apex, live.Apex)
	if err != nil {
		return Object{}, err
	}
	object.SetOwnerReferences(nil)
	annotations := object.GetAnnotations()
	for key := range optOuts {
		if users, ok := s.Apex.Annotations[key]; ok {
			annotations[key] = users
		} else {
			delete(annotations, key)
		}
	}
	object.SetAnnotations(merged(annotations))
	return object, nil
}

// selecting is the selector of the pods of a side.
func (s Service) selecting(value string) map[string]any {
	return map[string]any{s.Selector.Key: value}
}

func (s Service) service(name string, selector map[string]any, meta Metadata, live *corev1.Service) (Object, error) {
	ports := s.servicePorts()
	spec := map[string]any{
		"selector": selector,
		"ports":    ports.render(),
	}
	object := Object{Object: map[string]any{"apiVersion": "v1", "kind": "Service", "spec": spec}}
	object.SetNamespace(s.Namespace)
	object.SetName(name)
	if live != nil {
		switch s.Owner.Claim(live) {
		case workload.Theirs:
			return Object{}, fmt.Errorf("render Service %s/%s: it is controlled by Canary %s: choose another spec.service.name",
				s.Namespace, name, metav1.GetControllerOfNoCopy(live).Name)
		case workload.Unclaimed:
			object.SetAnnotations(optOuts)
			if err := ports.fit(live.Spec.Ports); err != nil {
				return Object{}, fmt.Errorf("render Service %s/%s: %w", s.Namespace, name, err)
			}
			return object, nil
		case workload.Ours:
			meta = meta.with(s.label(name), optOuts).leaving(s.Unmanaged, live)
		}
	} else {
		meta = meta.with(s.label(name), optOuts)
	}
	if s.Headless && (live == nil || live.Spec.ClusterIP == corev1.ClusterIPNone) {
		spec["clusterIP"] = corev1.ClusterIPNone
	}
	if s.TrafficDistribution != "" {
		spec["trafficDistribution"] = s.TrafficDistribution
	}
	object.SetLabels(meta.Labels)
	object.SetAnnotations(meta.Annotations)
	object.SetOwnerReferences(s.Owner.References())
	return object, nil
}

// label marks a Service by its own name, under the key of the selector; there is none
// where the target is a Service itself.
func (s Service) label(name string) map[string]string {
	if s.Selector.Key == "" {
		return nil
	}
	return map[string]string{s.Selector.Key: name}
}

// with returns a copy with more metadata, which wins.
func (m Metadata) with(labels, annotations map[string]string) Metadata {
	return Metadata{Labels: merged(m.Labels, labels), Annotations: merged(m.Annotations, annotations)}
}

// leaving returns a copy in which unmanaged keys have the values of the live
// object. Leaving them out would remove those that were applied before.
func (m Metadata) leaving(unmanaged Keys, live metav1.Object) Metadata {
	keep := func(managed map[string]string, keys []string, has map[string]string) map[string]string {
		kept := maps.Clone(managed)
		for _, key := range keys {
			_, wanted := kept[key]
			if value, ok := has[key]; ok && wanted {
				kept[key] = value
			}
		}
		return kept
	}
	return Metadata{
		Labels:      keep(m.Labels, unmanaged.Labels, live.GetLabels()),
		Annotations: keep(m.Annotations, unmanaged.Annotations, live.GetAnnotations()),
	}
}

// merged returns a new map, nil if it is empty; later maps win.
func merged(all ...map[string]string) map[string]string {
	var result map[string]string
	for _, m := range all {
		if len(m) == 0 {
			continue
		}
		if result == nil {
			result = map[string]string{}
		}
		maps.Copy(result, m)
	}
	return result
}

type servicePorts []corev1.ServicePort

func (s Service) servicePorts() servicePorts {
	main := corev1.ServicePort{Name: s.portName(), Port: s.Port, TargetPort: s.targetPort(), Protocol: corev1.ProtocolTCP}
	if s.AppProtocol != "" {
		main.AppProtocol = new(s.AppProtocol)
	}
	ports := servicePorts{main}
	for _, p := range s.Ports {
		ports = append(ports, corev1.ServicePort{
			Name: p.Name, Port: p.Number, TargetPort: intstr.FromInt32(p.Number), Protocol: corev1.Protocol(p.Protocol),
		})
	}
	return ports
}

func (ports servicePorts) render() []any {
	var list []any
	for _, p := range ports {
		fields := map[string]any{"name": p.Name, "port": int64(p.Port), "protocol": string(p.Protocol)}
		if p.TargetPort.Type == intstr.String {
			fields["targetPort"] = p.TargetPort.StrVal
		} else {
			fields["targetPort"] = int64(p.TargetPort.IntVal)
		}
		if p.AppProtocol != nil {
			fields["appProtocol"] = *p.AppProtocol
		}
		list = append(list, fields)
	}
	return list
}

// fit explains why the ports cannot stand beside those of a user's Service: the
// API server wants names to be unique, and a user's port is not ours to rename.
func (ports servicePorts) fit(live []corev1.ServicePort) error {
	for _, theirs := range live {
		same := func(p corev1.ServicePort) bool { return p.Port == theirs.Port && p.Protocol == theirs.Protocol }
		if slices.ContainsFunc(ports, same) {
			continue // ours replaces it
		}
		if i := slices.IndexFunc(ports, func(p corev1.ServicePort) bool { return p.Name == theirs.Name }); i >= 0 {
			return fmt.Errorf("its port %d is named %q already, as port %d of the Canary: set spec.service.port to %[1]d, spec.service.portName to another name, or rename the port",
				theirs.Port, theirs.Name, ports[i].Port)
		}
	}
	return nil
}
