package router

import corev1 "k8s.io/api/core/v1"

// Live is what exists already of the three Services, nil where there is none.
// It is read only.
type Live struct {
	Apex, Primary, Canary *corev1.Service
}

// Services renders the Services in front of the two sides.
//
// Type, cluster IP and node ports are not part of them, so an existing Service
// keeps its own; headless takes effect only when a Service is created, because
// the API server does not let it change.
func Services(s Service, live Live) (primary, canary Object) { return Object{}, Object{} }

// Apex renders the Service that users talk to. It selects the primary's pods:
// apply it only once the primary can serve.
//
// A live apex Service that no Canary controls is the user's: only its ports and
// selector are set, and the two annotations that keep GitOps tools from setting
// them back; it gets no owner reference, and its other ports stay. An error says
// that one of them has the name of a port of the Canary.
func Apex(s Service, live Live) (Object, error) { return Object{}, nil }
