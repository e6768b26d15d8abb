package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Canary releases one workload step by step and undoes what is bad.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:resource:categories=all
// +kubebuilder:metadata:annotations="helm.sh/resource-policy=keep"
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Weight",type=string,JSONPath=`.status.canaryWeight`
// +kubebuilder:printcolumn:name="Suspended",type=boolean,JSONPath=`.spec.suspend`,priority=1
// +kubebuilder:printcolumn:name="FailedChecks",type=string,JSONPath=`.status.failedChecks`,priority=1
// +kubebuilder:printcolumn:name="Interval",type=string,JSONPath=`.spec.analysis.interval`,priority=1
// +kubebuilder:printcolumn:name="Mirror",type=boolean,JSONPath=`.spec.analysis.mirror`,priority=1
// +kubebuilder:printcolumn:name="StepWeight",type=string,JSONPath=`.spec.analysis.stepWeight`,priority=1
// +kubebuilder:printcolumn:name="StepWeights",type=string,JSONPath=`.spec.analysis.stepWeights`,priority=1
// +kubebuilder:printcolumn:name="MaxWeight",type=string,JSONPath=`.spec.analysis.maxWeight`,priority=1
// +kubebuilder:printcolumn:name="LastTransitionTime",type=string,JSONPath=`.status.lastTransitionTime`
type Canary struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What to release, and how.
	// +required
	Spec CanarySpec `json:"spec"`

	// How far the release is. Written by the operator only.
	// +optional
	Status CanaryStatus `json:"status,omitzero"`
}

// CanaryList is a list of Canaries.
//
// +kubebuilder:object:root=true
type CanaryList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Canary `json:"items"`
}

// CanarySpec says what to release, how requests reach it, and what must hold
// for the release to go on.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.analysis) && has(self.canaryAnalysis))",message="canaryAnalysis is the older name of analysis; give one of the two",fieldPath=".canaryAnalysis"
// +kubebuilder:validation:XValidation:rule="has(self.analysis) || has(self.canaryAnalysis) || (has(self.skipAnalysis) && self.skipAnalysis)",message="give analysis, or skipAnalysis: true to promote every revision without one",fieldPath=".analysis",reason=FieldValueRequired
// +kubebuilder:validation:XValidation:rule="has(self.service) || (self.targetRef.kind == 'Service' && self.targetRef.apiVersion == 'serving.knative.dev/v1')",message="give service.port, the port of the workload; only a Knative Service needs none",fieldPath=".service",reason=FieldValueRequired
// +kubebuilder:validation:XValidation:rule="!has(self.provider) || (self.provider == 'knative') == (self.targetRef.kind == 'Service' && self.targetRef.apiVersion == 'serving.knative.dev/v1')",message="a Knative Service (serving.knative.dev/v1) goes with the provider knative, and nothing else does",fieldPath=".provider"
// +kubebuilder:validation:XValidation:rule="!has(self.autoscalerRef) || !(self.targetRef.kind == 'Service' && self.targetRef.apiVersion == 'serving.knative.dev/v1')",message="a Knative Service scales itself; leave autoscalerRef out",fieldPath=".autoscalerRef",reason=FieldValueForbidden
type CanarySpec struct {
	// Traffic provider of this canary; also selects the queries of the built-in
	// metrics. Default: the operator's -mesh-provider.
	// +optional
	// +kubebuilder:validation:Enum=apisix;appmesh;"appmesh:v1beta2";contour;"gatewayapi:v1";"gatewayapi:v1beta1";gloo;istio;knative;kubernetes;kuma;linkerd;nginx;osm;skipper;"smi:v1alpha1";"smi:v1alpha2";"smi:v1alpha3";traefik
	Provider string `json:"provider,omitempty"`

	// Base URL of the Prometheus that answers built-in and inline metrics of this
	// canary. MetricTemplates carry their own address. Default: the operator's
	// -metrics-server.
	// +optional
	MetricsServer string `json:"metricsServer,omitempty"`

	// The workload to release, in the namespace of the Canary.
	// +required
	TargetRef TargetRef `json:"targetRef"`

	// The autoscaler of the workload; the primary gets a copy of it.
	// +optional
	AutoscalerRef *AutoscalerRef `json:"autoscalerRef,omitempty"`

	// The Ingress that leads to the apex service. Used by the providers nginx and
	// skipper, and as {{ ingress }} in metric templates.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.kind == 'Ingress'",message="kind must be Ingress",fieldPath=".kind"
	IngressRef *ObjectRef `json:"ingressRef,omitempty"`

	// A route of yours that leads to the apex service, in the namespace of the Canary.
	// The provider apisix builds upon an ApisixRoute. gatewayapi, istio, contour, gloo
	// and traefik make no route of their own then, but divide the requests to the
	// service in this HTTPRoute (GRPCRoute, TCPRoute, TLSRoute), VirtualService,
	// HTTPProxy, RouteTable or TraefikService for the time of a release, and leave it as it was. It is
	// {{ route }} in metric templates.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.kind in ['ApisixRoute', 'HTTPRoute', 'GRPCRoute', 'TCPRoute', 'TLSRoute', 'VirtualService', 'HTTPProxy', 'RouteTable', 'TraefikService']",message="kind must be ApisixRoute, HTTPRoute, GRPCRoute, TCPRoute, TLSRoute, VirtualService, HTTPProxy, RouteTable or TraefikService",fieldPath=".kind"
	RouteRef *ObjectRef `json:"routeRef,omitempty"`

	// The Upstream whose settings generated Upstreams copy. Used by the provider gloo.
	// +optional
	UpstreamRef *UpstreamRef `json:"upstreamRef,omitempty"`

	// How requests reach the workload. Needed by every target but a Knative Service.
	// +optional
	Service CanaryService `json:"service,omitzero"`

	// What a new revision goes through before it is promoted.
	// +optional
	Analysis *CanaryAnalysis `json:"analysis,omitempty"`

	// The name that v1alpha3 had for analysis. Give one of the two.
	// +optional
	CanaryAnalysis *CanaryAnalysis `json:"canaryAnalysis,omitempty"`

	// Seconds for which the pods of the workload or of its primary may stay
	// unavailable before the release is undone. Default 600; 0 means the default.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	ProgressDeadlineSeconds int `json:"progressDeadlineSeconds,omitempty"`

	// Promote every new revision without analysis. Default false.
	// +optional
	SkipAnalysis bool `json:"skipAnalysis,omitempty"`

	// Give services, routes and replicas back as they were when the Canary is
	// deleted. Adds a finalizer. Default false: what serves goes with the Canary,
	// and the workload stays scaled to zero.
	// +optional
	RevertOnDeletion bool `json:"revertOnDeletion,omitempty"`

	// Freeze the canary: nothing is decided and traffic stays as it is. Default false.
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// TargetRef names the workload that is released.
type TargetRef struct {
	// API version of the workload, for example apps/v1. Read only to tell a
	// Knative Service (serving.knative.dev/v1) from a core Service.
	// +required
	APIVersion string `json:"apiVersion"`

	// Kind of the workload.
	// +required
	// +kubebuilder:validation:Enum=Deployment;DaemonSet;StatefulSet;Service
	Kind string `json:"kind"`

	// Name of the workload.
	// +required
	Name string `json:"name"`
}

// AutoscalerRef names the autoscaler that the primary gets a copy of.
type AutoscalerRef struct {
	// API version of the autoscaler. Any is accepted and none is read: the
	// operator always talks autoscaling/v2 or keda.sh/v1alpha1.
	// +required
	APIVersion string `json:"apiVersion"`

	// Kind of the autoscaler.
	// +required
	// +kubebuilder:validation:Enum=HorizontalPodAutoscaler;ScaledObject
	Kind string `json:"kind"`

	// Name of the autoscaler.
	// +required
	Name string `json:"name"`

	// Query of the primary by trigger name, for ScaledObjects. A trigger that is
	// not listed keeps its query, with the workload's name replaced by the primary's.
	// +optional
	PrimaryScalerQueries map[string]string `json:"primaryScalerQueries,omitempty"`

	// Limits of the primary's autoscaler. Default: those of the autoscaler named here.
	// +optional
	PrimaryScalerReplicas *ScalerReplicas `json:"primaryScalerReplicas,omitempty"`
}

// ScalerReplicas overrides the limits of an autoscaler.
type ScalerReplicas struct {
	// Least number of replicas. Default: as copied.
	// +optional
	// +kubebuilder:validation:Minimum=1
	MinReplicas *int32 `json:"minReplicas,omitempty"`

	// Greatest number of replicas. Default: as copied.
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxReplicas *int32 `json:"maxReplicas,omitempty"`
}

// ObjectRef names an object in the namespace of the Canary.
type ObjectRef struct {
	// API version of the object.
	// +required
	APIVersion string `json:"apiVersion"`

	// Kind of the object.
	// +required
	Kind string `json:"kind"`

	// Name of the object.
	// +required
	Name string `json:"name"`
}

// UpstreamRef names a Gloo Upstream.
type UpstreamRef struct {
	// API version of the Upstream, for example gloo.solo.io/v1.
	// +required
	APIVersion string `json:"apiVersion"`

	// Kind of the object.
	// +required
	// +kubebuilder:validation:Enum=Upstream
	Kind string `json:"kind"`

	// Name of the Upstream.
	// +required
	Name string `json:"name"`

	// Namespace of the Upstream. Default: that of the Canary. Another one is
	// refused when the operator runs with -no-cross-namespace-refs.
	// +optional
	Namespace string `json:"namespace,omitempty"`
}
