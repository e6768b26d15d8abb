package router

import (
	"fmt"

	"github.com/serinhq/serin/rollout"
)

// leave leads the requests of the apex to the node of the workload's own pods, which
// finds them by the apex Service from then on: that of the canary goes. In the first
// generation this is the node named as the workload, in the second the one called the
// canary's, to which these pods belong since they started; another one could not have
// them before they start again.
func (version appMeshVersion) leave(s Service, how rollout.Release) ([]Object, error) {
	_, problems := version.nodes(s)
	shape, more := version.shape(s)
	if problems = append(problems, more...); len(problems) > 0 {
		return nil, fmt.Errorf("render VirtualService %s/%s: %w", s.Namespace, version.service(s, s.Name), problems.ToAggregate())
	}
	routes := shape.each(s.Name, shape.matches, version.leavingEnds(s, how)...)
	objects := append([]Object{version.leavingNode(s, how)}, version.routed(s, s.Name, routes, version.gateway(s))...)
	switch how {
	case rollout.Kept, rollout.Named:
		return objects, nil
	case rollout.Served, rollout.Alone:
	}
	objects[0].SetAnnotations(s.Apex.with(nil, nil).Annotations)
	for i := range objects {
		objects[i].SetOwnerReferences(nil)
	}
	return objects, nil
}

// keeper is the node that stays.
func (version appMeshVersion) keeper(s Service) string {
	if version == appMeshFirst {
		return s.Name
	}
	return s.CanaryName()
}

// leavingNode is the keeper. While the apex leads to the primary it finds the canary's
// pods as before, if it had any.
func (version appMeshVersion) leavingNode(s Service, how rollout.Release) Object {
	host := s.Name
	if version == appMeshSecond && (how == rollout.Kept || how == rollout.Named) {
		host = s.CanaryName()
	}
	return version.node(s, version.keeper(s), host, s.Selector.Value)
}

func (version appMeshVersion) leavingEnds(s Service, how rollout.Release) []appMeshEnd {
	keeper := appMeshEnd{version.keeper(s), 100}
	others := []appMeshEnd{{s.PrimaryName(), 0}}
	if version == appMeshFirst {
		others = []appMeshEnd{{s.CanaryName(), 0}, {s.PrimaryName(), 0}}
	}
	switch how {
	case rollout.Kept, rollout.Named:
		keeper.weight, others[len(others)-1].weight = 0, 100
	case rollout.Served:
	case rollout.Alone:
		others = nil
	}
	return append(others, keeper)
}
