package router

import (
	"errors"
	"fmt"
	"strings"

	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Object is JSON with kind and name, complete for server-side apply.
type Object = workload.Object

// A Provider renders routes for one traffic system. It is a value without state.
type Provider struct {
	Caps  Caps
	Kinds []schema.GroupVersionKind // of the objects it renders and builds upon; watched if installed, RBAC is made from it

	// Fields are those of spec.service that become part of the route, by their JSON
	// names. Others are the Services', or have no effect, of which users are warned.
	Fields []string

	// Reads names the objects that Render returns, edits or builds upon, so that
	// they are read from the cluster; nil for one of each of Kinds, named as the apex.
	Reads func(Service) []Ref

	// Atomic says that what is in the lists of its objects is what was applied, as the
	// API server has no defaults for what Render leaves out there: what is no longer
	// rendered has to go.
	Atomic bool

	// CORS is where in an object corsPolicy is rendered to, through lists, if older
	// versions of the kind have no such field. A cluster that has one of them refuses it.
	CORS []string

	// Abilities are what its routes ask of the class of a parent; zero if classes say
	// nothing. A class that lists what it can do, and not this, does not get the route.
	Abilities Abilities

	// Ahead returns those of Render's objects that have to be there before the pods of
	// the primary start; nil if there are none.
	Ahead func(Service) ([]Object, error)

	// Render returns the objects that divide the traffic of the Service as the
	// Route says. An error names the field of the Canary that the traffic system
	// cannot express, and what to do. What it builds upon is in Service.Live.
	Render func(Service, rollout.Route) ([]Object, error)

	// Leave returns the routes of a Canary that goes. They name the apex Service
	// beside the two sides, lead to it, and stay alone with it; from the second on
	// they have no owner. One that goes with the Canary keeps its owner, is out of the
	// way from the second on, and is not returned at the last. Nil if no route is to stay.
	Leave func(Service, rollout.Release) ([]Object, error)

	// Edit divides in an object that the user owns, see [Provider.InPlace]; nil if the
	// provider has no such mode.
	Edit *Editor

	// Borrowed says that Render and Leave return objects of the user's, whole and with
	// their version: they are changed only if nobody else has changed them meanwhile.
	Borrowed bool

	// Parse returns the route that live objects express, and whether the data
	// plane accepted it. An error means that the objects do not have the shape
	// that Render gives them; applying Render's objects again cures it. Without
	// objects the route is zero and not accepted.
	Parse func([]Object) (rollout.Route, bool, error)
}

// Ref names an object. Without a namespace it is one of the cluster.
type Ref struct {
	schema.GroupVersionKind
	Namespace, Name string
}

// Refs are the objects to read for a Service.
func (p Provider) Refs(s Service) []Ref {
	if p.Reads != nil {
		return p.Reads(s)
	}
	var all []Ref
	for _, gvk := range p.Kinds {
		all = append(all, Ref{gvk, s.Namespace, s.Name})
	}
	return all
}

// Named returns the provider of a name as users write it. That of the SMI may name
// the mesh behind it, as in smi:v1alpha1:istio; that of Gloo a version, as in gloo:v1.
func Named(providers map[string]Provider, name string) (Provider, bool) {
	if parts := strings.SplitN(name, ":", 3); len(parts) == 3 && parts[0] == "smi" {
		name = parts[0] + ":" + parts[1]
	}
	if strings.HasPrefix(name, "gloo:") {
		name = "gloo"
	}
	p, ok := providers[name]
	return p, ok
}

// Caps says what a provider can do with traffic. What it cannot do is refused
// when a Canary is validated, by the name of the capability.
type Caps struct {
	Weight   bool // divide requests by percent
	Mirror   bool // copy a percentage of requests to the canary
	Match    bool // divide only the requests that match (A/B testing)
	Scoped   bool // divide the requests that match by percent, too
	Affinity bool // keep users on the canary by a cookie
	TCP      bool // divide connections instead of requests
	Parents  bool // attach routes to spec.service.gatewayRefs, which must name one
	Ingress  bool // build upon spec.ingressRef, which must be given
	RouteRef bool // build upon spec.routeRef, which must be given

	Members       bool // divide connections by the numbers of pods behind the apex
	PrimaryCookie bool // keep users on the primary, too
	Whole         bool // divide by whole percents only
}

// Providers are the traffic systems Serin can drive, by the name used in
// spec.provider and -mesh-provider. A name that is not here is an error.
var Providers = map[string]Provider{
	"kubernetes":         kubernetes,
	"gatewayapi:v1":      gatewayAPI("v1"),
	"gatewayapi:v1beta1": gatewayAPI("v1beta1"),
	"istio":              istio,
	"contour":            contour,
	"traefik":            traefik,
	"knative":            knative,
	"gloo":               gloo,
	"kuma":               kuma,
	"linkerd":            smi("v1alpha1"),
	"osm":                smi("v1alpha2"),
	"smi:v1alpha1":       smi("v1alpha1"),
	"smi:v1alpha2":       smi("v1alpha2"),
	"smi:v1alpha3":       smi("v1alpha3"),
	"nginx":              nginx,
	"skipper":            skipper,
	"apisix":             apisix,
	"appmesh":            appMesh(appMeshFirst),
	"appmesh:v1beta2":    appMesh(appMeshSecond),

	// By spec.service.routeKind beside spec.provider.
	"gatewayapi:v1:GRPCRoute":      grpcRoute(),
	"gatewayapi:v1:TCPRoute":       tcpRoute("v1"),
	"gatewayapi:v1alpha2:TCPRoute": tcpRoute("v1alpha2"),
	"gatewayapi:v1:TLSRoute":       tlsRoute("v1"),
	"gatewayapi:v1alpha2:TLSRoute": tlsRoute("v1alpha2"),
}

// validate refuses a route that no provider can render, and one that asks for
// what this provider cannot do.
func (c Caps) validate(r rollout.Route) error {
	switch {
	case r.Primary < 0 || r.Canary < 0 || r.Primary+r.Canary != rollout.Full:
		return fmt.Errorf("shares of %d and %d do not sum to %d", r.Primary, r.Canary, rollout.Full)
	case r.Mirror < 0 || r.Mirror > rollout.Full:
		return fmt.Errorf("a mirrored share of %d is not between 0 and %d", r.Mirror, rollout.Full)
	case r.Canary > 0 && !c.Weight && !c.Members:
		return errors.New("weights are not supported: set spec.analysis.iterations, or another spec.provider")
	case c.Whole && r.Canary%rollout.Percent(1) != 0:
		return errors.New("tenths of a percent are not supported: give whole percents in spec.analysis.steps, or set another spec.provider")
	case r.Mirror > 0 && !c.Mirror:
		return errors.New("mirroring is not supported: unset spec.analysis.mirror, or set another spec.provider")
	case r.Match && !c.Match:
		return errors.New("matching requests is not supported: remove spec.analysis.match, or set another spec.provider")
	case r.Match && r.Canary > 0 && r.Primary > 0 && !c.Scoped:
		return errors.New("weights among matching requests are not supported: set spec.analysis.iterations, or another spec.provider")
	case r.Cookies != (rollout.Cookies{}) && !c.Affinity:
		return errors.New("session affinity is not supported: remove spec.analysis.sessionAffinity, or set another spec.provider")
	default:
		return nil
	}
}
