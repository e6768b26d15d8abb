package v1beta1

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScalerReference(t *testing.T) {
	keda := gateway()
	keda.ScaledObjects = true
	for _, tc := range []struct {
		name, ref string
		features  Features
		want      []string
	}{
		{"an HPA of any version", "{apiVersion: autoscaling/v2beta2, kind: HorizontalPodAutoscaler, name: podinfo}", gateway(), nil},
		{"a ScaledObject", "{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, name: podinfo}", keda, nil},
		{"a ScaledObject without KEDA", "{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, name: podinfo}", gateway(), []string{
			`spec.autoscalerRef.kind: Unsupported value: "ScaledObject": the cluster had no ScaledObjects (keda.sh/v1alpha1) when the operator started: install KEDA and restart the operator, or name a HorizontalPodAutoscaler`,
		}},
		{"something else, without name", "{apiVersion: v1, kind: VerticalPodAutoscaler}", keda, []string{
			`spec.autoscalerRef.kind: Unsupported value: "VerticalPodAutoscaler": name a HorizontalPodAutoscaler or a ScaledObject`,
			`spec.autoscalerRef.name: Required value: name the autoscaler of the workload`,
		}},
		{"limits upside down", "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, name: a, primaryScalerReplicas: {minReplicas: 5, maxReplicas: 3}}", gateway(), []string{
			`spec.autoscalerRef.primaryScalerReplicas.minReplicas: Invalid value: 5: must not be greater than maxReplicas, which is 3`,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, errs := Compile(parse(t, withSpec("autoscalerRef: "+tc.ref+"\nanalysis: {interval: 30s, threshold: 1, stepWeight: 10}")), tc.features)
			if diff := cmp.Diff(tc.want, said(errs)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}
