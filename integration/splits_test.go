package integration

import (
	"context"
	"fmt"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/serinhq/serin/internal/crds"
)

// splits is the source of one definition of the TrafficSplit with all its versions.
const splits = "splits"

// definitions of a source. Of the TrafficSplit nobody ships all versions: they are put
// together as each was shipped, and nothing is converted between them, as everywhere.
func definitions(ctx context.Context, source string) ([]apiextensionsv1.CustomResourceDefinition, error) {
	if source != splits {
		return crds.Load(ctx, source)
	}
	all, err := crds.Load(ctx, "smi")
	if err != nil {
		return nil, err
	}
	versions := all[0].Spec.Versions[:1] // the last one, which is stored and has room for all others
	for _, of := range []struct{ source, version string }{{"linkerd", "v1alpha1"}, {"osm", "v1alpha2"}, {"smi", "v1alpha3"}} {
		shipped, err := crds.Load(ctx, of.source)
		if err != nil {
			return nil, err
		}
		found := false
		for _, version := range shipped[0].Spec.Versions {
			if version.Name == of.version {
				version.Served, version.Storage, found = true, false, true
				versions = append(versions, version)
			}
		}
		if !found {
			return nil, fmt.Errorf("the TrafficSplit of %s has no version %s", of.source, of.version)
		}
	}
	all[0].Spec.Versions = versions
	return all, nil
}
