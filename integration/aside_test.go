package integration

import (
	"sync"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A secondPlane is an API server for definitions that exclude those of the first one, or
// one another. It starts with the first test that needs it; one test at a time has it.
type secondPlane struct {
	turn    sync.Mutex
	running controlPlane
	stop    func() error
}

var aside = secondPlane{stop: func() error { return nil }}

// take waits for the turn of a test, which ends with it.
func (s *secondPlane) take(t *testing.T) controlPlane {
	t.Helper()
	s.turn.Lock()
	t.Cleanup(s.turn.Unlock)
	if s.running.client == nil {
		started, stop, err := startPlane()
		if err != nil {
			t.Fatal(err)
		}
		s.running, s.stop = started, stop
		started.config.WarningHandler = rest.NoWarnings{} // of definitions of another time
		if err := applyCRDs(t.Context(), started.client, "../config/crd"); err != nil {
			t.Fatal(err)
		}
	}
	mine := s.running
	var err error
	if mine.client, err = client.NewWithWatch(mine.config, client.Options{}); err != nil { // which remembers no kinds that are gone
		t.Fatal(err)
	}
	return mine
}

// The definitions of the first generation of App Mesh exclude those of the second.
func TestFirstAppMeshIsSetBackAndTakenOver(t *testing.T) {
	t.Parallel()
	p := aside.take(t)
	first := []estate{{name: "appmesh-v1beta1", provider: "appmesh"}}
	withDefinitions(t, p.client, "appmesh-legacy", func([]apiextensionsv1.CustomResourceDefinition) {
		t.Run("what somebody changes", func(t *testing.T) {
			w := newWorldOn(p, t)
			w.mesh = first[0].provider
			w.meddled(first)
		})
		t.Run("what Flagger leaves", func(t *testing.T) {
			w := newWorldOn(p, t)
			w.mesh = first[0].provider
			w.replaced(first)
		})
	})
}
