package router

import (
	"time"

	"github.com/serinhq/serin/workload"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Service is what rendering needs of a Canary: plain values, parsed and
// defaulted. Field comments give the field of the Canary that errors name.
type Service struct {
	Namespace string
	Name      string // the apex: spec.service.name or the target's name
	Owner     workload.Owner
	Selector  workload.Selector // the label of the two sides' pods

	Port                int32              // spec.service.port
	PortName            string             // spec.service.portName; empty for http
	TargetPort          intstr.IntOrString // spec.service.targetPort; zero for the same as Port
	AppProtocol         string             // spec.service.appProtocol
	TrafficDistribution string             // spec.service.trafficDistribution
	Headless            bool               // spec.service.headless
	Ports               []Port             // more ports of the Services, see [Ports]

	Apex, Primary, Canary Metadata // spec.service.apex is also the route's
	Unmanaged             Keys     // spec.service.unmanagedMetadata

	Hosts    []string  // spec.service.hosts
	Parents  []Parent  // spec.service.gatewayRefs
	Match    []Match   // spec.service.match; any of them, none for all requests
	Audience []Match   // spec.analysis.match: whom a Route with Match is about
	Rewrite  Rewrite   // spec.service.rewrite
	Request  HeaderMod // spec.service.headers.request
	Response HeaderMod // spec.service.headers.response
	Mirrors  []Backend // spec.service.mirror: copies that are always made, besides the analysis
	CORS     CORS      // spec.service.corsPolicy; zero for none
	Affinity Affinity  // spec.analysis.sessionAffinity; zero for none

	Gateways      []string       // spec.service.gateways
	Delegation    bool           // spec.service.delegation
	TrafficPolicy map[string]any // spec.service.trafficPolicy, as written
	Retries       Retries        // spec.service.retries; zero leaves them to the gateway
	MeshName      string         // spec.service.meshName
	Mesh          string         // the annotation kuma.io/mesh of the Canary; empty for the default
	Backends      []string       // spec.service.backends
	AccessLog     bool           // the annotation appmesh.flagger.app/accesslog of the Canary is enabled
	Discovery     bool           // spec.service.portDiscovery

	Target   string // spec.targetRef.name
	Ingress  string // spec.ingressRef.name, in the Canary's namespace
	Route    Ref    // spec.routeRef; its namespace is the Canary's
	Upstream Ref    // spec.upstreamRef
	Settings Settings
	Pinned   string   // the Revision of a Knative Service that is the primary; empty if nothing is
	Broken   Broken   // its ends that are not ready
	Trying   bool     // a release is under way, whatever share the canary has
	Live     []Object // what the cluster has of the provider's Reads; read only

	Timeout        time.Duration // spec.service.timeout; zero leaves it to the gateway
	BackendTimeout time.Duration // spec.service.backendTimeout; zero leaves it to the gateway
}

// Broken names the ends of a Knative Service that are not ready.
type Broken struct {
	Primary bool // the pinned Revision
	Latest  bool // the one that who asks for the latest would get
}

// Settings are flags of the operator that concern routes.
type Settings struct {
	IngressPrefix string // -ingress-annotations-prefix, of nginx annotations
	IngressClass  string // -ingress-class, of HTTPProxies; empty for none
	Mesh          string // the third part of a provider such as smi:v1alpha1:istio

	Include []string // -include-label-prefix, of the labels of an Upstream that is copied
}

// Retries says how often a request is tried again. The zero value says nothing.
type Retries struct {
	Attempts      int           // spec.service.retries.attempts
	PerTryTimeout time.Duration // perTryTimeout; zero for none
	On            string        // retryOn, in the words of Envoy; empty for the gateway's default
}

// Find returns the live object of a kind and name; nil if there is none.
func (s Service) Find(kind, name string) *Object {
	for i := range s.Live {
		if s.Live[i].GetKind() == kind && s.Live[i].GetName() == name {
			return &s.Live[i]
		}
	}
	return nil
}

// NoTimeout as a timeout is an explicit 0s: requests may last for ever.
const NoTimeout time.Duration = -1

// PrimaryName is the name of the Service in front of the primary.
func (s Service) PrimaryName() string { return s.Name + "-primary" }

// CanaryName is the name of the Service in front of the canary.
func (s Service) CanaryName() string { return s.Name + "-canary" }

// Metadata is what users add to a generated object.
type Metadata struct {
	Labels, Annotations map[string]string
}

// Keys names labels and annotations whose live values are left alone.
type Keys struct {
	Labels, Annotations []string
}

// Parent is what a route attaches to, usually a Gateway.
type Parent struct {
	Group, Kind string // empty for gateway.networking.k8s.io and Gateway
	Namespace   string // empty for the Canary's
	Name        string
	SectionName string
	Port        int32
}

// Backend is a receiver of copied requests.
type Backend struct {
	Group, Kind string // empty for a core Service
	Namespace   string // empty for the Canary's
	Name        string
	Port        int32
}

// A Match is a set of conditions that hold together. The zero Match is every request.
type Match struct {
	Name                           string // names the entry, no condition
	URI, Scheme, Method, Authority Text
	Headers, WithoutHeaders, Query map[string]Text
	IgnoreURICase                  bool
	Port                           int32
	Gateways                       []string
	SourceLabels                   map[string]string
	SourceNamespace                string
}

// Text is a condition on a string. The zero Text is any string.
type Text struct {
	Op    Op
	Value string
}

// Op is how a Text compares.
type Op int8

// The comparisons. The zero value compares nothing.
const (
	Any Op = iota
	Exact
	Prefix
	Suffix
	Regex // in the dialect of the traffic system, matching the whole string
)

// Rewrite changes requests on their way to a side. The zero value changes nothing.
type Rewrite struct {
	Authority  string // the new host
	URI        string // the new path
	PrefixOnly bool   // rewrite.type ReplacePrefixMatch: URI replaces the matched prefix only
}

// HeaderMod adds, sets and removes headers.
type HeaderMod struct {
	Add, Set map[string]string
	Remove   []string
}

// CORS is a cross-origin policy.
type CORS struct {
	Origins     []Text   // corsPolicy.allowOrigin and allowOrigins
	Methods     []string // corsPolicy.allowMethods
	Headers     []string // corsPolicy.allowHeaders
	Expose      []string // corsPolicy.exposeHeaders
	Credentials bool     // corsPolicy.allowCredentials
	MaxAge      time.Duration
}
