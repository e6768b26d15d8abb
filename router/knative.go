package router

import (
	"errors"
	"fmt"

	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/workload"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// knative divides the requests to a Knative Service between its latest Revision, the
// canary, and the one that an annotation calls the primary. The Service is the user's,
// of which the annotation and the whole of spec.traffic are ours:
//
//	annotations  flagger.app/primary-revision: web-00001
//	traffic      latest 10 %, web-00001 90 %
var knative = Provider{
	Caps:  Caps{Weight: true, Whole: true},
	Kinds: []schema.GroupVersionKind{workload.KnativeService, workload.KnativeRevision},
	Reads: func(s Service) []Ref { return []Ref{{workload.KnativeService, s.Namespace, s.Target}} },
	Render: func(s Service, r rollout.Route) ([]Object, error) {
		err := (Caps{Weight: true, Whole: true}).validate(r)
		if err == nil && s.Pinned == "" {
			err = errors.New("no Revision is the primary: wait until Knative has made one of spec.targetRef")
		}
		if err != nil {
			return nil, fmt.Errorf("render the traffic of Knative Service %s/%s: %w", s.Namespace, s.Target, err)
		}
		return []Object{s.knative(s.shares(r))}, nil
	},
	Leave: func(s Service, how rollout.Release) ([]Object, error) {
		switch {
		case s.Pinned == "": // nothing was ever changed, or all is given back
			return nil, nil
		case how == rollout.Kept || how == rollout.Named:
			return []Object{s.knative(s.shares(rollout.Split(0)))}, nil
		}
		// What Knative makes of a Service that says nothing about its traffic.
		given := s.knative([]any{latestTarget(100)})
		given.SetAnnotations(nil)
		return []Object{given}, nil
	},
	Parse: parseKnative,
}

func (s Service) knative(traffic []any) Object {
	object := Object{Object: map[string]any{"spec": map[string]any{"traffic": traffic}}}
	object.SetGroupVersionKind(workload.KnativeService)
	object.SetNamespace(s.Namespace)
	object.SetName(s.Target)
	object.SetAnnotations(map[string]string{workload.PrimaryRevision: s.Pinned})
	if live := s.Find(workload.KnativeService.Kind, s.Target); live != nil {
		object.SetUID(live.GetUID()) // or the apply would make a Service anew that was deleted meanwhile
	}
	return object
}

// shares of the two. Knative follows none of them while one that is named is not
// ready, not even if it is to have nothing: a broken end is left out, so that its
// traffic can go to the other.
func (s Service) shares(r rollout.Route) []any {
	unit := rollout.Percent(1)
	var targets []any
	if r.Canary > 0 || !s.Broken.Latest {
		targets = append(targets, latestTarget(r.Canary/unit))
	}
	if r.Primary > 0 || !s.Broken.Primary {
		targets = append(targets, map[string]any{"revisionName": s.Pinned, "percent": int64(r.Primary / unit)})
	}
	return targets
}

func latestTarget(percent int) map[string]any {
	return map[string]any{"latestRevision": true, "percent": int64(percent)}
}

// knativeLive is what is read of a Knative Service.
type knativeLive struct {
	Spec struct {
		Traffic []knativeTarget `json:"traffic"`
	} `json:"spec"`
	Status struct {
		ObservedGeneration        int64              `json:"observedGeneration"`
		LatestCreatedRevisionName string             `json:"latestCreatedRevisionName"`
		Traffic                   []knativeTarget    `json:"traffic"`
		Conditions                []knativeCondition `json:"conditions"`
	} `json:"status"`
}

type knativeCondition struct {
	Type   string `json:"type"`
	Status string `json:"status"`
}

type knativeTarget struct {
	RevisionName   string `json:"revisionName"`
	LatestRevision bool   `json:"latestRevision"`
	Percent        int    `json:"percent"`
}

func parseKnative(objects []Object) (rollout.Route, bool, error) {
	switch len(objects) {
	case 0:
		return rollout.Route{}, false, nil
	case 1:
	default:
		return rollout.Route{}, false, fmt.Errorf("parse Knative Service: %d objects where one is expected", len(objects))
	}
	object := objects[0]
	key := object.GetNamespace() + "/" + object.GetName()
	read := map[string]any{"spec": map[string]any{}, "status": object.Object["status"]} // without its pods
	var live knativeLive
	traffic, found, err := unstructured.NestedFieldNoCopy(object.Object, "spec", "traffic")
	if found && err == nil {
		read["spec"] = map[string]any{"traffic": traffic}
	}
	if err == nil {
		err = runtime.DefaultUnstructuredConverter.FromUnstructured(read, &live)
	}
	if err != nil {
		return rollout.Route{}, false, fmt.Errorf("parse Knative Service %s: %w", key, err)
	}
	route, err := knativeDivision(live.Spec.Traffic, object.GetAnnotations()[workload.PrimaryRevision])
	if err != nil {
		return rollout.Route{}, false, fmt.Errorf("parse the traffic of Knative Service %s: %w", key, err)
	}
	return route, live.served(object.GetGeneration(), route), nil
}
