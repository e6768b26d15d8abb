package v1beta1

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// scaler: only what the cluster has can be copied for the primary.
func scaler(c *Canary, f Features) field.ErrorList {
	ref := c.Spec.AutoscalerRef
	if ref == nil {
		return nil
	}
	path := field.NewPath("spec", "autoscalerRef")
	var errs field.ErrorList
	switch ref.Kind {
	case "HorizontalPodAutoscaler":
	case "ScaledObject":
		if !f.ScaledObjects {
			errs = append(errs, unsupported(path.Child("kind"), ref.Kind,
				"the cluster had no ScaledObjects (keda.sh/v1alpha1) when the operator started: install KEDA and restart the operator, or name a HorizontalPodAutoscaler"))
		}
	default:
		errs = append(errs, unsupported(path.Child("kind"), ref.Kind, "name a HorizontalPodAutoscaler or a ScaledObject"))
	}
	if ref.Name == "" {
		errs = append(errs, field.Required(path.Child("name"), "name the autoscaler of the workload"))
	}
	limits := ref.PrimaryScalerReplicas
	if limits != nil && limits.MinReplicas != nil && limits.MaxReplicas != nil && *limits.MinReplicas > *limits.MaxReplicas {
		errs = append(errs, field.Invalid(path.Child("primaryScalerReplicas", "minReplicas"), *limits.MinReplicas,
			fmt.Sprintf("must not be greater than maxReplicas, which is %d", *limits.MaxReplicas)))
	}
	return errs
}
