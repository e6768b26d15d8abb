package v1beta1

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
)

// Decode reads one stored Canary, of v1beta1 or v1alpha3. What does not fit its
// field is left out and named in the error with its value, so that the rest can
// still be used: a Canary is returned always.
func Decode(obj map[string]any) (*Canary, error) {
	canary := new(Canary)
	return canary, decode(obj, canary)
}

// DecodeMetricTemplate reads one stored MetricTemplate, as Decode does.
func DecodeMetricTemplate(obj map[string]any) (*MetricTemplate, error) {
	template := new(MetricTemplate)
	return template, decode(obj, template)
}

// DecodeAlertProvider reads one stored AlertProvider, as Decode does.
func DecodeAlertProvider(obj map[string]any) (*AlertProvider, error) {
	provider := new(AlertProvider)
	return provider, decode(obj, provider)
}

func decode(obj map[string]any, into any) error {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj, into); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	return nil
}
