package v1beta1

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// CanaryService says how requests reach the workload. Three Services come of it:
// the apex, which users call, and <apex>-primary and <apex>-canary behind it.
type CanaryService struct {
	// Name of the apex service. Default: the name of the workload.
	// +optional
	Name string `json:"name,omitempty"`

	// Port of the services.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port"`

	// Name of that port. Default http.
	// +optional
	PortName string `json:"portName,omitempty"`

	// Port of the container, by number or name. Default, and when 0: port.
	// +optional
	TargetPort intstr.IntOrString `json:"targetPort,omitzero"`

	// Application protocol of the port. The value tcp makes the provider istio
	// route connections instead of requests.
	// +optional
	AppProtocol string `json:"appProtocol,omitempty"`

	// Which endpoints to prefer. Set when the services are created.
	// +optional
	// +kubebuilder:validation:Enum=PreferClose;PreferSameZone;PreferSameNode
	TrafficDistribution string `json:"trafficDistribution,omitempty"`

	// Add all other container ports to the services, except those of istio-proxy
	// and envoy. Default false.
	// +optional
	PortDiscovery bool `json:"portDiscovery,omitempty"`

	// Create the services without a cluster IP. Set when they are created.
	// Default false.
	// +optional
	Headless bool `json:"headless,omitempty"`

	// Longest time for a request and its retries, a duration such as 15s. Used by
	// istio, appmesh, contour and gatewayapi:v1. Default: the provider's.
	// +optional
	Timeout string `json:"timeout,omitempty"`

	// Longest time for one try of a request, a duration such as 5s, at most
	// timeout. Used by gatewayapi:v1. Default: the provider's.
	// +optional
	BackendTimeout string `json:"backendTimeout,omitempty"`

	// Istio gateways of the VirtualService. Used by istio. Default: mesh.
	// +optional
	Gateways []string `json:"gateways,omitempty"`

	// Kind of the route. TCPRoute and TLSRoute divide connections by weight, and
	// can do nothing else; a TLSRoute needs hosts. Used by gatewayapi. Default HTTPRoute.
	// +optional
	// +kubebuilder:validation:Enum=HTTPRoute;GRPCRoute;TCPRoute;TLSRoute
	RouteKind string `json:"routeKind,omitempty"`

	// Gateways, or mesh Services, to which the route is attached. Used and
	// required by gatewayapi.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	GatewayRefs []GatewayRef `json:"gatewayRefs,omitempty"`

	// Hosts of the route. Used by istio, gatewayapi, appmesh and smi. Istio adds
	// the apex service unless it or * is listed.
	// +optional
	Hosts []string `json:"hosts,omitempty"`

	// Make a VirtualService without hosts and gateways, to which another one
	// delegates. Used by istio. Default false.
	// +optional
	Delegation bool `json:"delegation,omitempty"`

	// Istio traffic policy, put on both generated DestinationRules as it is. Used by istio.
	// +optional
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Type=object
	TrafficPolicy *runtime.RawExtension `json:"trafficPolicy,omitempty"`

	// Which requests the route serves; one entry must match. Used by istio,
	// gatewayapi, appmesh and contour. Default: all.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	Match []HTTPMatch `json:"match,omitempty"`

	// Rewrite of path and host. Used by istio, gatewayapi and contour.
	// +optional
	Rewrite *Rewrite `json:"rewrite,omitempty"`

	// Retries of a request. Used by istio, appmesh and contour.
	// +optional
	Retries *Retries `json:"retries,omitempty"`

	// Changes of request and response headers. Used by istio, gatewayapi and contour.
	// +optional
	Headers *Headers `json:"headers,omitempty"`

	// Services that get a copy of all requests, always. Mirroring to the canary is
	// analysis.mirror. Used by gatewayapi.
	// +optional
	// +kubebuilder:validation:MaxItems=16
	Mirror []Mirror `json:"mirror,omitempty"`

	// Cross-origin rules. Used by istio and gatewayapi:v1.
	// +optional
	CorsPolicy *CorsPolicy `json:"corsPolicy,omitempty"`

	// Name of the App Mesh mesh. Used by appmesh.
	// +optional
	MeshName string `json:"meshName,omitempty"`

	// Backends of the virtual nodes. Used by appmesh.
	// +optional
	Backends []string `json:"backends,omitempty"`

	// Labels and annotations of the apex service and of the route.
	// +optional
	Apex *Metadata `json:"apex,omitempty"`

	// Labels and annotations of the primary service.
	// +optional
	Primary *Metadata `json:"primary,omitempty"`

	// Labels and annotations of the canary service.
	// +optional
	Canary *Metadata `json:"canary,omitempty"`

	// Labels and annotations of the services that belong to others and are left alone.
	// +optional
	UnmanagedMetadata *UnmanagedMetadata `json:"unmanagedMetadata,omitempty"`
}

// Metadata is put on generated objects.
type Metadata struct {
	// Labels to set.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`

	// Annotations to set.
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
}

// UnmanagedMetadata lists keys that belong to others.
type UnmanagedMetadata struct {
	// Keys of labels.
	// +optional
	Labels []string `json:"labels,omitempty"`

	// Keys of annotations.
	// +optional
	Annotations []string `json:"annotations,omitempty"`
}

// GatewayRef names a parent of an HTTPRoute.
type GatewayRef struct {
	// API group of the parent; core or empty for a mesh Service.
	// +optional
	// +kubebuilder:default=gateway.networking.k8s.io
	Group *string `json:"group,omitempty"`

	// Kind of the parent.
	// +optional
	// +kubebuilder:default=Gateway
	Kind *string `json:"kind,omitempty"`

	// Namespace of the parent. Default: that of the Canary.
	// +optional
	Namespace *string `json:"namespace,omitempty"`

	// Name of the parent.
	// +required
	Name string `json:"name"`

	// Listener of the parent. Default: all.
	// +optional
	SectionName *string `json:"sectionName,omitempty"`

	// Port of the parent. Default: all.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port *int32 `json:"port,omitempty"`
}

// Rewrite changes path and host of a request.
type Rewrite struct {
	// New path, or new prefix of it.
	// +optional
	URI string `json:"uri,omitempty"`

	// New host.
	// +optional
	Authority string `json:"authority,omitempty"`

	// ReplacePrefixMatch or ReplaceFullPath. Used by gatewayapi. Default, and for
	// any other value: ReplaceFullPath.
	// +optional
	Type string `json:"type,omitempty"`
}

// Retries of a request.
type Retries struct {
	// How many.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Attempts int `json:"attempts,omitempty"`

	// Longest time for one of them, a duration such as 1s.
	// +optional
	PerTryTimeout string `json:"perTryTimeout,omitempty"`

	// Envoy's list of reasons, for example gateway-error,connect-failure.
	// +optional
	RetryOn string `json:"retryOn,omitempty"`
}

// Headers changes headers of requests and responses.
type Headers struct {
	// Changes of the request.
	// +optional
	Request *HeaderOperations `json:"request,omitempty"`

	// Changes of the response.
	// +optional
	Response *HeaderOperations `json:"response,omitempty"`
}

// HeaderOperations changes headers.
type HeaderOperations struct {
	// Headers to replace.
	// +optional
	Set map[string]string `json:"set,omitempty"`

	// Headers to add.
	// +optional
	Add map[string]string `json:"add,omitempty"`

	// Headers to remove.
	// +optional
	Remove []string `json:"remove,omitempty"`
}

// Mirror copies requests to a service.
type Mirror struct {
	// The service that gets the copies; its answers are dropped.
	// +required
	BackendRef BackendRef `json:"backendRef"`
}

// BackendRef names a service behind a route.
//
// +kubebuilder:validation:XValidation:rule="(has(self.group) && size(self.group) > 0) || (has(self.kind) && self.kind != 'Service') || has(self.port)",message="a reference to a Service must give its port",fieldPath=".port"
type BackendRef struct {
	// API group; empty for the core group.
	// +optional
	// +kubebuilder:default=""
	Group *string `json:"group,omitempty"`

	// Kind of the backend.
	// +optional
	// +kubebuilder:default=Service
	Kind *string `json:"kind,omitempty"`

	// Name of the backend.
	// +required
	Name string `json:"name"`

	// Namespace of the backend. Default: that of the Canary.
	// +optional
	Namespace *string `json:"namespace,omitempty"`

	// Port of the backend.
	// +optional
	// +kubebuilder:validation:Type=number
	// +kubebuilder:validation:Format=""
	// +kubebuilder:validation:MultipleOf=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port *int32 `json:"port,omitempty"`
}

// CorsPolicy says which other origins may call the service.
type CorsPolicy struct {
	// Allowed origins, exact. Used by istio and gatewayapi:v1.
	// +optional
	AllowOrigin []string `json:"allowOrigin,omitempty"`

	// Allowed origins, as conditions. Used by istio.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	AllowOrigins []StringMatch `json:"allowOrigins,omitempty"`

	// Allowed methods.
	// +optional
	AllowMethods []string `json:"allowMethods,omitempty"`

	// Headers a request may have.
	// +optional
	AllowHeaders []string `json:"allowHeaders,omitempty"`

	// Headers a browser may read.
	// +optional
	ExposeHeaders []string `json:"exposeHeaders,omitempty"`

	// How long a browser may remember the answer, a duration such as 24h.
	// +optional
	MaxAge string `json:"maxAge,omitempty"`

	// Whether requests may carry credentials. Default: the provider's.
	// +optional
	AllowCredentials *bool `json:"allowCredentials,omitempty"`
}
