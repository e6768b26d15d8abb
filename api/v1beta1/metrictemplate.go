package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// MetricTemplate is a query that Canaries share.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:resource:categories=all
// +kubebuilder:metadata:annotations="helm.sh/resource-policy=keep"
// +kubebuilder:printcolumn:name="Provider",type=string,JSONPath=`.spec.provider.type`
type MetricTemplate struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What to ask, and whom.
	// +required
	Spec MetricTemplateSpec `json:"spec"`

	// How the template stands.
	// +optional
	Status MetricTemplateStatus `json:"status,omitzero"`
}

// MetricTemplateList is a list of MetricTemplates.
//
// +kubebuilder:object:root=true
type MetricTemplateList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []MetricTemplate `json:"items"`
}

// MetricTemplateSpec says what to ask, and whom.
type MetricTemplateSpec struct {
	// Whom to ask.
	// +required
	Provider MetricProvider `json:"provider"`

	// What to ask: a Go text/template with the functions name, namespace, target,
	// service, ingress, route, interval and variables, in the language of the provider.
	// +required
	Query string `json:"query"`
}

// MetricProvider is a backend that answers queries.
type MetricProvider struct {
	// Kind of the backend.
	// +required
	// +kubebuilder:validation:Enum=prometheus;influxdb;datadog;externalmetrics;stackdriver;cloudwatch;newrelic;graphite;dynatrace;keptn;splunk
	Type string `json:"type"`

	// URL of the backend. Required by prometheus, graphite and influxdb. Default:
	// the public address of datadog and newrelic.
	// +optional
	Address string `json:"address,omitempty"`

	// Further request headers. Used by prometheus.
	// +optional
	Headers map[string][]string `json:"headers,omitempty"`

	// A Secret with the credentials, in the namespace of the MetricTemplate. For
	// prometheus: token, or username and password.
	// +optional
	SecretRef *SecretRef `json:"secretRef,omitempty"`

	// AWS region. Required by cloudwatch.
	// +optional
	Region string `json:"region,omitempty"`

	// Do not verify the certificate of the backend. Default false.
	// +optional
	InsecureSkipVerify bool `json:"insecureSkipVerify,omitempty"`
}

// SecretRef names a Secret in the namespace of the object that holds it.
type SecretRef struct {
	// Name of the Secret.
	// +required
	Name string `json:"name"`
}

// MetricTemplateStatus is how a template stands.
type MetricTemplateStatus struct {
	// How things stand.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []Condition `json:"conditions,omitempty"`
}
