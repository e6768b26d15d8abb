package controller

import (
	"fmt"

	"github.com/serinhq/serin/router"
)

// ahead lists what has to be there before the pods of the primary start, and long
// before a route leads to them: injectors of some meshes refuse pods that they know
// nothing of.
func (v *view) ahead() ([]router.Object, error) {
	if v.provider.Ahead == nil {
		return nil, nil
	}
	objects, err := v.provider.Ahead(v.serving())
	if err != nil {
		return nil, fmt.Errorf("render what the pods of %s need: %w", v.service.Name, err)
	}
	for i := range objects {
		if err := v.claim(&objects[i]); err != nil {
			return nil, err
		}
	}
	return objects, nil
}
