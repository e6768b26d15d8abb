package crds

import "testing"

// TestSources: every source has definitions that serve some version.
func TestSources(t *testing.T) {
	for _, name := range Names() {
		found, err := Load(t.Context(), name)
		if err != nil {
			t.Error(err)
		}
		if len(found) == 0 {
			t.Errorf("%s: nothing is defined", name)
		}
		for _, crd := range found {
			if len(crd.Spec.Versions) == 0 || crd.Spec.Group == "" {
				t.Errorf("%s: %s has no versions", name, crd.Name)
			}
		}
	}
}

func TestUnknownSource(t *testing.T) {
	if _, err := Load(t.Context(), "nobody"); err == nil {
		t.Error("a source that is not there was found")
	}
}
