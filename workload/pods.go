package workload

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Pods is what is released: pods made from a template, whatever the kind of the
// object that asks for them. It shares its parts with the object it was made
// of and is read only.
type Pods struct {
	metav1.ObjectMeta
	Kind     string // Deployment, DaemonSet or StatefulSet
	Selector *metav1.LabelSelector
	Template corev1.PodTemplateSpec // without what parks a DaemonSet

	// Replicas are asked for. A DaemonSet counts its nodes itself: it asks for
	// 1, and for 0 while it is parked.
	Replicas  int32
	Available int32
	Ready     int32

	of     kind
	object runtime.Object
}

// A kind is what workloads of one kind do in their own way.
type kind interface {
	// unfit explains why such a workload cannot be released.
	unfit() error
	// spec is that of the twin.
	spec(m mould) (any, error)
	// unready is the first cause why the pods are not ready, or "", and whether
	// waiting is useless. While the status is of an older generation nothing in
	// it can be held against the new one.
	unready(rule Rule, now time.Time) (cause string, dead bool)
	// scaled is the JSON merge patch to so many replicas.
	scaled(replicas int32) []byte
}

// A mould is what the twins of all kinds have.
type mould struct {
	selector *metav1.LabelSelector
	template corev1.PodTemplateSpec
	replicas int32
	live     *Pods // nil if there is no twin yet
}

// Of reads a workload. The error names a type that is none.
func Of(object runtime.Object) (*Pods, error) {
	switch object := object.(type) {
	case *appsv1.Deployment:
		return ofDeployment(object), nil
	case *appsv1.DaemonSet:
		return ofDaemonSet(object), nil
	case *appsv1.StatefulSet:
		return ofStatefulSet(object), nil
	default:
		return nil, fmt.Errorf("read %T: it has no pods that can be released", object)
	}
}

// Changed is when the pods changed last, and false if the kind does not tell or
// has not seen its newest spec yet.
func (p *Pods) Changed() (time.Time, bool) {
	d, ok := p.of.(deployment)
	if !ok || d.Status.ObservedGeneration != d.Generation {
		return time.Time{}, false
	}
	c := condition(d.Deployment, appsv1.DeploymentProgressing)
	if c == nil {
		return time.Time{}, false
	}
	return c.LastUpdateTime.Time, true
}

// Parked reports whether no pods are asked for.
func (p *Pods) Parked() bool { return p.Replicas == 0 }

// Fit explains why the workload cannot be released as it is, with the field, its
// value and the remedy; nil if it can.
func (p *Pods) Fit() error { return p.of.unfit() }

// Object is the workload as JSON, as it was read.
func (p *Pods) Object() (Object, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(p.object)
	if err != nil {
		return Object{}, fmt.Errorf("encode %s %s.%s: %w", p.Kind, p.Name, p.Namespace, err)
	}
	object := Object{Object: fields}
	object.SetAPIVersion(appsv1.SchemeGroupVersion.String())
	object.SetKind(p.Kind)
	return object, nil
}

// asked is what a field of replicas says; none is one, as for the API server.
func asked(replicas *int32) int32 {
	if replicas == nil {
		return 1
	}
	return *replicas
}
