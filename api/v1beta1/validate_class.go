package v1beta1

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/serinhq/serin/rollout"
)

// Lacks says what the classes behind spec.service.gatewayRefs leave out of the list of
// what they can do. A class without a list leaves out nothing: it was never asked.
type Lacks struct {
	Mirror      Lack // copies of requests
	MirrorShare Lack // copies of a share of them
	CORS        Lack
}

// A Lack is a feature that a GatewayClass does not list. The zero value is none.
type Lack struct {
	Class, Feature string
}

func (l Lack) found() bool { return l != Lack{} }

func (l Lack) String() string {
	return fmt.Sprintf("GatewayClass %s, of spec.service.gatewayRefs, does not list %s in status.supportedFeatures", l.Class, l.Feature)
}

// gatewayClass refuses copies of requests where the gateway says what it can do and that it
// is not this: there are some that take such a route and answer every request with 500.
func gatewayClass(c *Canary, f Features) field.ErrorList {
	var errs field.ErrorList
	refuse := func(path *field.Path, lack Lack, remedy string) {
		errs = append(errs, field.Forbidden(path, lack.String()+", and may answer every request with an error: "+remedy+
			", name a Gateway of another class, or set another spec.provider"))
	}
	if len(c.Spec.Service.Mirror) > 0 && f.Lacks.Mirror.found() {
		refuse(field.NewPath("spec", "service", "mirror"), f.Lacks.Mirror, "remove the field")
	}
	if c.Skips() || !c.Analysis().Mirror {
		return errs
	}
	switch share := c.Analysis().mirrored(); {
	case f.Lacks.Mirror.found():
		refuse(c.analysisPath().Child("mirror"), f.Lacks.Mirror, "remove the field")
	case share < rollout.Full && f.Lacks.MirrorShare.found():
		refuse(c.analysisPath().Child("mirrorWeight"), f.Lacks.MirrorShare, "remove the field to copy all requests")
	}
	return errs
}

// unanswered warns of a policy that the gateway does not say it knows. It loses no
// request of those who need none, so that it refuses nothing.
func unanswered(s CanaryService, f Features) []string {
	if s.CorsPolicy == nil || !f.Lacks.CORS.found() {
		return nil
	}
	return []string{"spec.service.corsPolicy may have no effect: " + f.Lacks.CORS.String()}
}
