package router

// Abilities are the names under which the class of a parent lists what it can do, in
// status.supportedFeatures. What the API server takes a gateway may not know, and
// some take it all the same and answer every request with an error.
type Abilities struct {
	Mirror      string // copy all requests
	MirrorShare string // copy a share of them
	CORS        string // answer as spec.service.corsPolicy says
}

// httpAbilities: the Gateway API gives these names in its package features.
var httpAbilities = Abilities{
	Mirror:      "HTTPRouteRequestMirror",
	MirrorShare: "HTTPRouteRequestPercentageMirror",
	CORS:        "HTTPRouteCORS",
}
