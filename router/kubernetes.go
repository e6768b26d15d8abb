package router

import (
	"fmt"

	"github.com/serinhq/serin/rollout"
)

// kubernetes has no routes: the apex Service selects the primary's pods, and
// traffic changes hands when the primary is promoted. Only the route home exists. A
// weighted release puts pods of both sides behind the apex, see [Members].
var kubernetes = Provider{
	Caps: Caps{Members: true},
	Render: func(s Service, r rollout.Route) ([]Object, error) {
		if err := (Caps{Members: true}).validate(r); err != nil {
			return nil, fmt.Errorf("render routes of %s/%s: %w", s.Namespace, s.Name, err)
		}
		return nil, nil
	},
	Parse: func([]Object) (rollout.Route, bool, error) { return rollout.Split(0), true, nil },
}
